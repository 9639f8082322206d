# SPDX-License-Identifier: AGPL-3.0-or-later
"""CEREMONY.md says what the program does: its commands exist, its quoted answers are the program's own."""

import os
import re
from pathlib import Path

import click
import pytest

from underseal import cli

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).parents[2]))
GUIDE = (SOURCE / "deploy" / "CEREMONY.md").read_text("utf-8")
TEXTS = GUIDE + (SOURCE / "README.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"underseal keys [^`\n]*", TEXTS.replace("\\\n", " "))))
CODE = "".join(path.read_text("utf-8") for path in sorted((SOURCE / "desk").glob("*.py")))


def _verb(words: list[str]) -> click.Command:
    command: click.Command | None = cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word)
        assert command is not None, word
    assert command is not None
    return command


@pytest.mark.parametrize("command", COMMANDS)
def test_command_in_the_guide_exists(command):
    """Every verb and option that people are told to type is one of the program's."""
    words = command.split("#")[0].split()[1:]
    verb = _verb([word for word in words if not word.startswith("-")])
    known = {name for option in verb.params for name in option.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} - known == set()


@pytest.mark.parametrize("said", re.findall(r"^(?:keys: |\s+keys: )(.*)$", GUIDE, re.MULTILINE))
def test_answer_in_the_guide_is_the_programs(said):
    """What people are told to expect on the screen stands in the program."""
    parts = [part for part in re.split(r"\d[\d-]*|root(?:/\w+)?|,? lie in|$", said) if len(part.strip()) > 8]
    assert parts
    assert [part for part in parts if part.strip() not in CODE] == []


def test_guide_names_every_role_and_file():
    """Each holder's label, and each file that the ceremony makes, is explained."""
    for name in ("custodian", "counsel", "recovery", "counsel-recovery", "desk", "courier", "record.txt", "card.pdf"):
        assert f"{name}" in GUIDE
    assert GUIDE.count("--counsel-first") >= 2
