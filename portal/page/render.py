# SPDX-License-Identifier: AGPL-3.0-or-later
"""Render the officer's page into intake/built/page.html, after build.mjs has made script, style and icon.

Usage: python portal/page/render.py [folder]

The words come from intake/words/en.json and the questions from intake/questionnaires; a word that is missing, or that
nothing uses, stops the build. Office data stays the placeholder `@OFFICE@` until a ceremony fills it.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import jinja2

ROOT = Path(__file__).resolve().parents[2]
SCRIPT_PREFIX = "say."  # words that the script says; they ride in a data attribute


@dataclass(frozen=True, slots=True)
class Asset:
    """A built file, by its name and its subresource integrity."""

    name: str
    integrity: str


@dataclass(frozen=True, slots=True)
class Field:
    """A question, as the questionnaire has it."""

    id: str
    type: str
    options: tuple[str, ...]
    required: bool = False
    options_from: str | None = None
    default: str | None = None
    span: str | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A consent that is yes or no."""

    id: str
    default: bool
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """Questions that stand on one screen, named for the first of them."""

    id: str
    fields: tuple[Field, ...]


class Words:
    """The sentences of one language. It remembers which were used."""

    def __init__(self, sentences: dict[str, str]) -> None:
        self._sentences = sentences
        self._used = {"lang"} | {key for key in sentences if key.startswith(SCRIPT_PREFIX)}

    def has(self, key: str) -> bool:
        """Return whether there is such a sentence."""
        return key in self._sentences

    def say(self, key: str, **values: object) -> str:
        """Return a sentence, with its `{name}` places filled. Raises KeyError for one that is not there."""
        self._used.add(key)
        return self._sentences[key].format(**values)

    def unused(self) -> list[str]:
        """Return the keys that nothing asked for."""
        return sorted(self._sentences.keys() - self._used)

    def of_script(self) -> dict[str, str]:
        """Return what the script says, by keys without their prefix."""
        return {k.removeprefix(SCRIPT_PREFIX): v for k, v in self._sentences.items() if k.startswith(SCRIPT_PREFIX)}


def screens(fields: list[Field]) -> Iterator[Screen]:
    """Yield the screens of a questionnaire: a long list stands alone, short questions stand together."""
    for long, group in groupby(fields, key=lambda field: field.type == "choices"):
        together = tuple(group)
        for part in [(field,) for field in together] if long else [together]:
            yield Screen(part[0].id, part)


def asset(folder: Path, name: str) -> Asset:
    """Return a built file with the SHA-384 that the page holds it to."""
    sha384 = hashlib.sha384((folder / name).read_bytes()).digest()
    return Asset(name, "sha384-" + base64.b64encode(sha384).decode("ascii"))


def render(folder: Path) -> str:
    """Return the page for the assets in `folder`. Raises SystemExit when a sentence is left over."""
    sentences = json.loads((ROOT / "intake/words/en.json").read_text(encoding="utf-8"))
    questionnaire = json.loads((ROOT / "intake/questionnaires/asylum-officer.json").read_text(encoding="utf-8"))
    built = json.loads((folder / "built.json").read_text(encoding="utf-8"))
    words, pages = Words(sentences), list(screens([Field(**field) for field in questionnaire["fields"]]))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=words.say, has=words.has)
    html = environment.get_template("page/page.html").render(
        lang=sentences["lang"],
        text_advised_words=questionnaire["text_advised_words"],
        switches=[Switch(**switch) for switch in questionnaire["consent"]["switches"]],
        modifiers=[Field(**field) for field in questionnaire["consent"]["modifiers"]],
        questionnaire_json=compact(questionnaire),
        words_json=compact(words.of_script()),
        screens=pages,
        steps=["before", *(page.id for page in pages), "text", "consent", "check", "receipt"],
        **{kind: asset(folder, built[kind]) for kind in ("script", "style", "icon")},
    )
    if words.unused():
        raise SystemExit("render: words that nothing uses: " + ", ".join(words.unused()))
    return "".join(line + "\n" for line in html.splitlines() if line.strip())


def compact(value: object) -> str:
    """Return JSON without spaces, for an attribute."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> None:
    """Write page.html into the folder named on the command line, or into intake/built."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "intake" / "built"
    (folder / "page.html").write_text(render(folder), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
