# SPDX-License-Identifier: AGPL-3.0-or-later
"""The documentation says what the program does: every verb, setting and exit code stands in the README."""

import os
import re
from pathlib import Path

import click
import pytest

from intake.errors import Exit
from underseal import Lent, cli

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).parent.parent))
README = (SOURCE / "README.md").read_text("utf-8")


def commands(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        command = command.loaded() if isinstance(command, Lent) else command
        found += (
            commands(command, f"{path} {name}") if isinstance(command, click.Group) else [(f"{path} {name}", command)]
        )
    return found


COMMANDS = commands(cli, "underseal")


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_verb_is_documented(name, command):
    """A verb stands in the README by its full name, and its --help has an example."""
    assert f"{name} " in README or f"{name}`" in README
    assert "Example" in (command.help or "")


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_option_is_explained(name, command):
    """Every option says in its --help what it is for."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


NAMED = re.compile(r"underseal ((?:keys|portal|courier|desk)\b(?: [a-z][a-z-]*)?)((?:[ \t]+[^\s`\"|;]+)*)")
TEXTS = sorted(
    [path for area in ("portal", "courier", "desk", "intake", "crypto") for path in SOURCE.glob(f"{area}/*.py")]
    + [SOURCE / "README.md", *SOURCE.glob("deploy/*.md"), SOURCE / "crypto" / "FORMAT.md"]
)


@pytest.mark.parametrize("path", TEXTS, ids=[path.stem for path in TEXTS])
def test_named_options_exist(path):
    """Whoever types what a sentence, an example or a document says meets a verb and options that there are."""
    known = {name: command for name, command in COMMANDS}
    text = re.sub(r"\\+\n\s*", " ", path.read_text("utf-8"))
    for words, rest in NAMED.findall(text):
        command = known.get(f"underseal {words}")
        if command is not None:
            options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            said = {word.rstrip(".,;:)'`") for word in rest.split() if re.match(r"--[a-z]", word)}
            assert said <= options, f"underseal {words}{rest}"


@pytest.mark.parametrize("code", Exit)
def test_exit_code_is_documented(code):
    """The README's table has every exit code."""
    assert re.search(rf"^\| {int(code)} \|", README, re.MULTILINE)


def test_settings_are_documented():
    """Every environment variable that the program reads stands in the README."""
    sources = [
        path.read_text("utf-8")
        for area in ("portal", "courier", "desk", "intake")
        for path in SOURCE.glob(f"{area}/*.py")
    ]
    names = {name for text in sources for name in re.findall(r"UNDERSEAL_[A-Z_]+", text)}
    assert {name for name in names if name not in README} == set()


def test_make_targets_are_documented():
    """The README's targets are those of the Makefile."""
    makefile = (SOURCE / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_format_faults_are_named():
    """Every fault word that the code raises stands in FORMAT.md or is one of our own kinds of file."""
    law = (SOURCE / "crypto" / "FORMAT.md").read_text("utf-8")
    text = "".join(path.read_text("utf-8") for path in SOURCE.glob("crypto/**/*.py"))
    words = set(re.findall(r"(?:Malformed|Broken|NotForUs|Untrusted)\(\s*\"([a-z0-9-]+)\"", text))
    own = {"bech32", "public-key", "signing-key", "signature", "receipt"}
    assert len(words) > 12
    assert {word for word in words - own if f"`{word}`" not in law} == set()
