# SPDX-License-Identifier: AGPL-3.0-or-later
"""The built page: reproducible, and without anything that its policy or its promises forbid."""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import brotli
import pytest

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parents[2]))
NEEDED = (
    "portal/page",
    "templates",
    "intake/words",
    "intake/questionnaires",
    "intake/deadlines",
    "package.json",
    "intake/codebook.json",
    "intake/detectors.json",
)
KEYS_BYTES = 9_240  # keys.txt with two weeks of three slots, as gzip, and its signature
# First visit with keys, in bytes. The goal of 80 kB and 95 kB is not met: a language costs 10 kB, and each rides along,
# since fetching one by itself would tell the network, and the portal beside the report that follows, who speaks it. Of
# the rest, 9 kB are keys, at random; what a text is searched for is 7 kB; the libraries are without what never runs.
BUDGET_BROTLI, BUDGET_GZIP = 85_500, 98_000
TARGET = ["firefox115", "chrome109", "safari15.4"]  # as in build.mjs
FORBIDDEN = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "Function(",
    "localStorage",
    "sessionStorage",
    "indexedDB",
    "document.cookie",
    "console.",
    "Math.random",
    "Worker(",
    "WebAssembly",
    "serviceWorker",
    "sendBeacon",
    "XMLHttpRequest",
    "http://",
    "https://",
    "import(",
]


def build(root: Path, *choice: str, **surroundings: str) -> Path:
    """Build the page in a copy of its sources, with other environment variables; return the folder that was made."""
    environment = {**os.environ, **surroundings}
    for name in NEEDED:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (SOURCE / name).is_dir() else shutil.copyfile
        copy(SOURCE / name, target)
    (root / "node_modules").symlink_to(SOURCE / "node_modules")
    subprocess.run(
        ["node", "portal/page/build.mjs", *choice], cwd=root, env=environment, check=True, capture_output=True
    )
    subprocess.run(
        [sys.executable, root / "portal/page/render.py"],
        cwd=root.parent,
        env=environment,
        check=True,
        capture_output=True,
    )
    return root / "intake/built"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built from a copy of the sources."""
    return build(tmp_path_factory.mktemp("one") / "page")


@pytest.fixture(scope="module")
def names(built: Path) -> dict[str, str]:
    """The names of script, style and icon."""
    return {
        kind: name for kind, name in json.loads((built / "built.json").read_text()).items() if kind != "questionnaire"
    }


@pytest.fixture(scope="module")
def page(built: Path) -> "Page":
    """The parsed page."""
    parser = Page()
    parser.feed((built / "page.html").read_text())
    return parser


class Page(HTMLParser):
    """Every start tag with its attributes, and the text between tags."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.inline.append(data.strip())

    def offered(self, field: str) -> list[str | None]:
        """The values of a field's options, as form.mjs finds them."""
        menu, values = "", []
        for tag, attrs in self.tags:
            menu = attrs.get("id") or "" if tag == "select" else menu
            if attrs.get("data-input") == field or (tag == "option" and menu == field):
                values.append(attrs["value"])
        return values

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in tags]


def test_two_builds_same_bytes(built: Path, tmp_path: Path) -> None:
    """Another folder, deeper and later, another language, zone, home and user: the same files byte for byte."""
    others = {"LC_ALL": "es_US.UTF-8", "TZ": "Pacific/Kiritimati", "HOME": str(tmp_path), "USER": "somebody"}
    again = build(tmp_path / "another" / "place", **others, PYTHONHASHSEED="1")
    assert sorted(p.name for p in built.iterdir()) == sorted(p.name for p in again.iterdir())
    assert {p.name: p.read_bytes() for p in built.iterdir()} == {p.name: p.read_bytes() for p in again.iterdir()}


def test_names_carry_digests(built: Path, names: dict[str, str]) -> None:
    """Each asset is named by the SHA-256 of its bytes."""
    for name in names.values():
        assert name.split(".")[1] == hashlib.sha256((built / name).read_bytes()).hexdigest()[:12]


def test_one_script_one_style_one_icon(page: Page, names: dict[str, str]) -> None:
    """The page asks for three files, at the root, and nothing else."""
    sources = [a["src"] for a in page.named("script", "img", "iframe", "source", "embed") if "src" in a]
    links = [a["href"] for a in page.named("link")]
    assert sources == ["/" + names["script"]]
    assert sorted(links, key=str) == sorted(["/" + names["style"], "/" + names["icon"]])


def test_integrity_of_script_and_style(built: Path, page: Page, names: dict[str, str]) -> None:
    """Script and style are held to their SHA-384."""
    found = [a["integrity"] for _, a in page.tags if "integrity" in a]
    digests = [hashlib.sha384((built / names[kind]).read_bytes()).digest() for kind in ("style", "script")]
    assert found == ["sha384-" + base64.b64encode(digest).decode() for digest in digests]


def test_nothing_inline(page: Page) -> None:
    """No inline script, style, style attribute or event handler."""
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert not any(page.inline)
    assert page.named("style", "base", "object", "embed", "iframe") == []
    assert [name for name in attributes if name == "style" or name.startswith("on")] == []


def test_no_id_twice(page: Page) -> None:
    """A label, a hint and a heading lead to one place each."""
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_words_in_no_form(page: Page) -> None:
    """No form exists, no text field has a name, and no button can submit."""
    inputs = [a for a in page.named("input") if a.get("type") != "radio"]
    fields = page.named("textarea", "select") + inputs
    assert page.named("form") == []
    assert [a for a in fields if "name" in a] == []
    assert {a.get("type") for a in page.named("button")} == {"button"}


def test_fields_are_not_remembered(page: Page) -> None:
    """No field is filled in again by the browser."""
    assert {a.get("autocomplete") for a in page.named("input", "textarea", "select")} == {"off"}


def test_no_address_of_anyone(built: Path) -> None:
    """The page names no other host."""
    assert re.findall(r"(?:https?:)?//[a-z]", (built / "page.html").read_text()) == []


@pytest.mark.parametrize("word", FORBIDDEN)
def test_script_without(built: Path, names: dict[str, str], word: str) -> None:
    """The script, libraries included, holds nothing that its policy forbids."""
    assert word not in (built / names["script"]).read_text(encoding="utf-8")


def test_style_asks_for_nothing(built: Path, names: dict[str, str]) -> None:
    """The style loads no font, image or other sheet."""
    assert re.findall(r"url\(|@import|!important", (built / names["style"]).read_text()) == []


def test_office_placeholder_once(built: Path) -> None:
    """There is one place for the office data."""
    assert (built / "page.html").read_text().count('data-office="@OFFICE@"') == 1


def test_options_are_those_of_the_questionnaire(page: Page) -> None:
    """Each field offers what the questionnaire does: the script reads there what may be answered."""
    carried = json.loads(page.named("body")[0]["data-questionnaire"] or "")
    asked = json.loads((SOURCE / f"intake/questionnaires/{carried['id']}.json").read_text())
    fields = [field for group in asked["groups"] for field in group["fields"]] + asked["consent"]["modifiers"]
    for field in fields:
        expected = [*field["options"], *carried["facts"]] if field.get("options_from") == "codes" else field["options"]
        numbers = [str(number) for number in range(field.get("max", -1) + 1)]
        assert sorted(page.offered(field["id"])) == sorted([*expected, *numbers])


def test_one_copy_of_each_library() -> None:
    """The lock file holds one version of each package, each with its digest, and names no host."""
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    packages = [name for name in lock["packages"] if name]
    assert [name for name in packages if name.count("node_modules/") > 1] == []
    assert [name for name in packages if "integrity" not in lock["packages"][name]] == []
    assert "resolved" not in (SOURCE / "package-lock.json").read_text()


def test_first_visit_within_budget(built: Path, names: dict[str, str], measured: Callable[[str], None]) -> None:
    """Page, script, style, icon and keys fit the budget, packed by brotli and by gzip."""
    html = (built / "page.html").read_bytes()
    more = KEYS_BYTES + 400  # the keys, and room for the office data
    brotlied = len(brotli.compress(html)) + sum((built / f"{name}.br").stat().st_size for name in names.values()) + more
    assets = [html, *((built / name).read_bytes() for name in names.values())]
    gzipped = sum(len(gzip.compress(asset, 9)) for asset in assets) + more
    measured(f"first visit, as built: {brotlied} bytes with brotli, {gzipped} with gzip")
    assert brotlied <= BUDGET_BROTLI
    assert gzipped <= BUDGET_GZIP


def test_unused_words_stop_the_build(tmp_path: Path) -> None:
    """A sentence that nothing says, and one that is missing, stop the build."""
    folder = build(tmp_path / "copy")
    path = tmp_path / "copy/intake/words/en.json"
    words = json.loads(path.read_text())
    render = [sys.executable, str(tmp_path / "copy/portal/page/render.py")]
    path.write_text(json.dumps({**words, "nobody.says.this": "x"}))
    assert subprocess.run(render, capture_output=True).returncode == 1
    path.write_text(json.dumps({key: words[key] for key in words if key != "step.text"}))
    assert subprocess.run(render, capture_output=True).returncode == 1
    assert folder.joinpath("page.html").exists()


def test_types_hold() -> None:
    """The checker finds nothing in the page's modules."""
    checker = ["node", "node_modules/typescript/bin/tsc", "--noEmit", "-p", "jsconfig.json"]
    found = subprocess.run(checker, cwd=SOURCE, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_another_union_another_page(tmp_path: Path) -> None:
    """One argument builds the page of another questionnaire, with its own questions and words; no code knows of it."""
    folder = build(tmp_path / "other", "--questionnaire", "general-grievance")
    html = re.sub(r"data-words-en='[^']*'", "", (folder / "page.html").read_text())
    assert "Of your last ten shifts" in html
    assert re.search(r"asylum|applicant’s|headquarters|Inspector General", html.lower()) is None


def test_mistyped_questionnaire_stops(tmp_path: Path) -> None:
    """A questionnaire that is not there builds nothing."""
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "other", "--questionnaire", "nobody")


def test_script_fits_its_browsers(built: Path, names: dict[str, str]) -> None:
    """The script is already in the syntax of the oldest browsers that the README names: nothing is left to rewrite."""
    assert reprinted(built / names["script"], TARGET) == reprinted(built / names["script"], ["esnext"])
    assert json.dumps(TARGET) in (SOURCE / "portal/page/build.mjs").read_text(encoding="utf-8")
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    assert [name for name in ("Firefox 115", "Chrome 109", "Safari 15.4") if name not in readme] == []


def reprinted(script: Path, target: list[str]) -> str:
    """Return the script as esbuild prints it for a target; a warning raises."""
    program = (
        'import { readFileSync } from "node:fs"; import { transform } from "esbuild";'
        "const [path, ...target] = process.argv.slice(1);"
        "const { code, warnings } = await transform(readFileSync(path, 'utf8'), { format: 'esm', target });"
        "if (warnings.length) throw new Error(warnings[0].text); process.stdout.write(code);"
    )
    command = ["node", "--input-type=module", "--eval", program, str(script), *target]
    return subprocess.run(command, cwd=SOURCE, check=True, capture_output=True, text=True).stdout


def test_target_rewrites_newer_syntax(tmp_path: Path) -> None:
    """The comparison can fail: a syntax that came later is rewritten."""
    newer = tmp_path / "newer.js"
    newer.write_text("class A { static { globalThis.x = 1; } }\n")
    assert reprinted(newer, TARGET) != reprinted(newer, ["esnext"])


def test_no_lookbehind(built: Path, names: dict[str, str]) -> None:
    """No regular expression looks behind: Safari before 16.4 refuses the whole script for one."""
    assert re.findall(r"\(\?<[=!]", (built / names["script"]).read_text(encoding="utf-8")) == []
    assert re.findall(r"\(\?<[=!]", (built / "page.html").read_text(encoding="utf-8")) == []
