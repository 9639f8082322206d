# SPDX-License-Identifier: AGPL-3.0-or-later
"""Render the officer's page into intake/built, after build.mjs has made script, style and icon.

Usage: python portal/page/render.py [folder]

page.html is what the portal serves, kit.html the same as one file. The questionnaire is the one that build.mjs was
told; its words are added to those of the page. A word that is missing, or that nothing uses, stops the build. Office
data stays the placeholder `@OFFICE@`, and the key lists of a kit `@KIT@`, until a ceremony fills them.
"""

import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).resolve().parents[2]
FIRST = "en.json"  # the language that the page opens in
SCRIPT_PREFIX = "say."  # words that the script says; they ride in a data attribute


@dataclass(frozen=True, slots=True)
class Asset:
    """A built file, by its name and its subresource integrity."""

    name: str
    integrity: str


@dataclass(frozen=True, slots=True)
class Field:
    """A question, as the questionnaire has it. With `radios` its options stand open, else in a menu."""

    id: str
    type: str
    options: tuple[str, ...]
    required: bool = False
    options_from: str | None = None
    default: str | None = None
    span: str | None = None
    max: int = 0
    radios: bool = False

    @property
    def menu(self) -> list[str]:
        """The options of a menu, the default in front."""
        numbers = [str(number) for number in range(self.max + 1)] if self.type == "number" else []
        return [*(option for option in self.options if option == self.default), *numbers] + [
            option for option in self.options if option != self.default
        ]


@dataclass(frozen=True, slots=True)
class Switch:
    """A consent that is yes or no."""

    id: str
    default: bool
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """What some numbers must hold among themselves; the first of them is where a mistake leads."""

    id: str
    fields: tuple[str, ...]

    @property
    def first(self) -> str:
        """The field that a mistake leads to."""
        return self.fields[0]


@dataclass(frozen=True, slots=True)
class Screen:
    """A group of questions."""

    id: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...]

    def described(self, field: str) -> list[str]:
        """Return the ids of the sentences that may stand for a mistake in this field."""
        return [f"check-{check.id}" for check in self.checks if field in check.fields]

    def closed_by(self, field: str) -> list[Check]:
        """Return the checks of which this field is the last to be asked: what is wrong stands below it."""
        asked = [one.id for one in self.fields]
        return [check for check in self.checks if field == max(check.fields, key=asked.index)]


class Words:
    """The sentences of one language. It remembers which were used."""

    def __init__(self, sentences: dict[str, str]) -> None:
        self._sentences = sentences
        self.lang = sentences["lang"]
        shared = {key for key in sentences if key.startswith("option.") and key.count(".") == 1}  # of any question
        self._used = {"lang", "lang.name"} | shared | {key for key in sentences if key.startswith(SCRIPT_PREFIX)}

    def has(self, key: str) -> bool:
        """Return whether there is such a sentence."""
        return key in self._sentences

    def say(self, key: str, **values: object) -> str:
        """Return a sentence, with its `{name}` places filled. Raises KeyError for one that is not there."""
        self._used.add(key)
        return self._sentences[key].format(**values)

    def label(self, field: str, option: str) -> str:
        """Return the words of an option: its own, or those that every field shares, or the number that it is."""
        own = f"option.{field}.{option}"
        return (
            option if option.isdigit() and not self.has(own) else self.say(own if self.has(own) else f"option.{option}")
        )

    def unused(self) -> list[str]:
        """Return the keys that nothing asked for."""
        return sorted(self._sentences.keys() - self._used)

    def of_script(self) -> dict[str, str]:
        """Return what the script says, by keys without their prefix."""
        return {k.removeprefix(SCRIPT_PREFIX): v for k, v in self._sentences.items() if k.startswith(SCRIPT_PREFIX)}


def screens(questionnaire: dict[str, Any]) -> Iterator[Screen]:
    """Yield the screens of a questionnaire, one for each group."""
    for group in questionnaire["groups"]:
        checks = [Check(c["id"], (*c.get("sum", ()), *c.get("rising", ()))) for c in group.get("checks", ())]
        yield Screen(group["id"], tuple(Field(**field) for field in group["fields"]), tuple(checks))


def facts_of(questionnaire: dict[str, Any]) -> dict[str, str]:
    """Return the letters of every code of the kinds offered, by the codebook."""
    offered = next(f["options"] for group in questionnaire["groups"] for f in group["fields"] if f["id"] == "kinds")
    book = load("intake/codebook.json")
    return {
        code["id"]: "".join(code["facts"]) for kind in book["kinds"] if kind["id"] in offered for code in kind["codes"]
    }


def of_script(questionnaire: dict[str, Any], facts: dict[str, str]) -> dict[str, Any]:
    """Return what the script needs of a questionnaire: options and their defaults stand in the page already."""
    groups = [{**group, "fields": unanswered(group["fields"])} for group in questionnaire["groups"]]
    consent = {**questionnaire["consent"], "modifiers": unanswered(questionnaire["consent"]["modifiers"])}
    return {**without(questionnaire, "deadlines"), "groups": groups, "consent": consent, "facts": facts}


def unanswered(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return fields without what the page offers as their answers."""
    return [without(without(field, "default"), "options") for field in fields]


def routes_of(profile: dict[str, Any]) -> dict[str, Any]:
    """Return what the page needs of a profile of deadlines: the routes of officers, and nothing for the desk alone."""
    holidays = without(profile["holidays"], "country")
    days = [without(day, "id") for day in holidays["days"]]
    routes = [without(route, "file_with") for route in profile["routes"] if "owner" not in route]
    return {**profile, "holidays": {**holidays, "days": days}, "routes": routes}


def without(data: dict[str, Any], left_out: str) -> dict[str, Any]:
    """Return an object of JSON without one of its members."""
    return {key: value for key, value in data.items() if key != left_out}


def load(path: str) -> dict[str, Any]:
    """Return a JSON file of the project."""
    value: dict[str, Any] = json.loads((ROOT / path).read_text(encoding="utf-8"))
    return value


def asset(folder: Path, name: str) -> Asset:
    """Return a built file with the SHA-384 that the page holds it to."""
    sha384 = hashlib.sha384((folder / name).read_bytes()).digest()
    return Asset(name, "sha384-" + base64.b64encode(sha384).decode("ascii"))


class Seen(HTMLParser):
    """The tags of a page in their order, and its texts without the white space around them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Take a text."""
        if data.strip():
            self.texts.append(data.strip())


def languages(questionnaire: str) -> list[Words]:
    """Return the words of every language that has a file, English in front."""
    names = sorted(
        (path.name for path in (ROOT / "intake/words").glob("*.json")), key=lambda name: (name != FIRST, name)
    )
    return [Words(load(f"intake/words/{name}") | load(f"intake/words/{questionnaire}/{name}")) for name in names]


def render(folder: Path) -> str:
    """Return the page for the assets in `folder`. Raises SystemExit when a sentence is missing or left over."""
    built = json.loads((folder / "built.json").read_text(encoding="utf-8"))
    chosen = built["questionnaire"]
    questionnaire = load(f"intake/questionnaires/{chosen}.json")
    facts = facts_of(questionnaire)
    deadlines = routes_of(load(f"intake/deadlines/{questionnaire['deadlines']}.json"))
    spoken = languages(chosen)
    values = {
        "languages": spoken,
        "text_advised_words": questionnaire["text_advised_words"],
        "switches": [Switch(**switch) for switch in questionnaire["consent"]["switches"]],
        "modifiers": [
            Field(**field, radios=field["type"] == "choice") for field in questionnaire["consent"]["modifiers"]
        ],
        "screens": list(screens(questionnaire)),
        "triggers": list(dict.fromkeys(route["trigger"] for route in deadlines["routes"])),
        "codes": {
            kind: [code for code in facts if code.startswith(kind + ".")]
            for kind in {code.partition(".")[0] for code in facts}
        },
        **{kind: asset(folder, built[kind]) for kind in ("script", "style", "icon")},
    }
    html, *others = [in_language(words, values) for words in spoken]
    html = html.replace("@QUESTIONNAIRE@", compact(of_script(questionnaire, facts)))
    html = html.replace("@DEADLINES@", compact(deadlines))
    names, hinted = names_said(spoken[0].of_script(), deadlines)
    html = html.replace("@NAMES@", " ".join(names))
    html = html.replace("@LANGUAGES@", " ".join(words.lang for words in spoken))
    html = html.replace("@WORDS@", " ".join(carried_words(html, others, spoken, [*names, *hinted])))
    return "\n".join(line for line in html.splitlines() if line.strip()).replace(">\n<", "><") + "\n"


def kit(folder: Path, page: str) -> str:
    """Return the page as one file that needs no network, with places for the office data and its signed key lists.

    Its own policy lets exactly this script and this style run, and nothing be fetched. Raises SystemExit when the page
    does not name its files as expected, or script or style could end their element.
    """
    built = json.loads((folder / "built.json").read_text(encoding="utf-8"))
    script, style = ((folder / built[kind]).read_text(encoding="utf-8") for kind in ("script", "style"))
    if re.search(r"</script|<!--", script, re.IGNORECASE) or re.search("</style", style, re.IGNORECASE):
        raise SystemExit("render: script or style cannot stand inside the page")
    policy = (
        f"default-src 'none'; script-src '{hashed(script)}'; style-src '{hashed(style)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    charset = '<meta charset="utf-8">'
    places = {
        "<html ": '<html data-kit="@KIT@" ',
        charset: f'{charset}<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<link rel="icon"': "",
        '<link rel="stylesheet"': f"<style>{style}</style>",
        '<script type="module"': f'<script type="module">{script}</script>',
    }
    for start, instead in places.items():
        if page.count(start) != 1:
            raise SystemExit(f"render: the page has no single {start}")
        pattern = re.escape(start) + ("" if start.endswith((" ", ">")) else r"[^>]*>(?:</script>)?")
        before, after = re.split(pattern, page, maxsplit=1)
        page = before + instead + after
    return page


def hashed(text: str) -> str:
    """Return how a policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def in_language(words: Words, values: dict[str, Any]) -> str:
    """Return the page in one language."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=words.say, has=words.has, label=words.label)
    html = environment.get_template("page/page.html").render(lang=words.lang, others=values["languages"][1:], **values)
    if words.unused():
        raise SystemExit(f"render: words of {words.lang} that nothing uses: " + ", ".join(words.unused()))
    return html


def names_said(said: dict[str, str], deadlines: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the names of what the script says: those that the page carries, and those that language.mjs makes.

    It makes two of each rule that is shown and of each route: the sentence, and its hint.
    """
    loud = [rule["id"] for rule in load("intake/detectors.json")["rules"] if not rule.get("quiet")]
    made = [f"detector.{rule}" for rule in [*loud, "combination"]] + [
        f"deadline.{r['id']}" for r in deadlines["routes"]
    ]
    hinted = [name for one in made for name in (one, one + ".hint")]
    return [name for name in said if name not in hinted], hinted


def carried_words(first: str, others: list[str], spoken: list[Words], names: list[str]) -> Iterator[str]:
    """Yield an attribute for each language: what the script says, and of another language all texts of the page too.

    A line each, by the order of the names and of the first page: no text needs a key, it is the same page, and its
    texts are exchanged one by one. Raises SystemExit when a page is another page, or a sentence has more than a line.
    """
    seen = Seen(first)
    for html, words in zip([first, *others], spoken, strict=True):
        other, says = Seen(html), words.of_script()
        lines = [says.get(name, "") for name in names] + (other.texts if words is not spoken[0] else [])
        whole = other.tags == seen.tags and len(other.texts) == len(seen.texts) and says.keys() == set(names)
        if not whole or any(line.splitlines() != [line] for line in lines):
            raise SystemExit(f"render: the page in {words.lang} is not the page in {spoken[0].lang}")
        yield f"data-words-{words.lang}='{quoted(chr(10).join(lines))}'"


def compact(value: object) -> str:
    """Return JSON without spaces, for an attribute in single quotes: its double quotes stay as they are."""
    return quoted(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def quoted(text: str) -> str:
    """Return a text for an attribute in single quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")


def main() -> None:
    """Write page.html and kit.html into the folder named on the command line, or into intake/built."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "intake" / "built"
    page = render(folder)
    for name, html in (("page.html", page), ("kit.html", kit(folder, page))):
        (folder / name).write_text(html, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
