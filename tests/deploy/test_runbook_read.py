# SPDX-License-Identifier: AGPL-3.0-or-later
"""The RUNBOOK's blocks are commands from end to end, so that the drill leaves none out without saying so."""

import subprocess
from pathlib import Path

import pytest
from drill import INSTEAD, Said, left_out, packages_of
from hostkit import SOURCE
from runbook import read_runbook

RUNBOOK = SOURCE / "deploy/RUNBOOK.md"
COMMANDS = read_runbook(RUNBOOK)


def test_no_prompt_is_left_out() -> None:
    """Every row that begins with a prompt is a command."""
    rows = RUNBOOK.read_text("utf-8").splitlines()
    prompts = [number for number, row in enumerate(rows, 1) if row.strip()[:2] in ("# ", "$ ") and row[0] in " #$"]
    heads = [number for number, row in enumerate(rows, 1) if row == "# The portal's host"]
    assert sorted(set(prompts) - set(heads)) == [command.row for command in COMMANDS]


@pytest.mark.parametrize("command", COMMANDS, ids=[str(command.row) for command in COMMANDS])
def test_command_is_shell(command) -> None:
    """A shell can read it."""
    ran = subprocess.run(["bash", "-n", "-c", command.text], capture_output=True, text=True)
    assert (0, "") == (ran.returncode, ran.stderr)


def test_exceptions_are_there() -> None:
    """What the drill does not run as it stands stands in the RUNBOOK."""
    assert [begin for begin in INSTEAD if not any(command.text.startswith(begin) for command in COMMANDS)] == []


def test_left_out_is_named() -> None:
    """A command that nobody followed is named with its row, though the same words were followed elsewhere."""
    same = [command for command in COMMANDS if command.shown.startswith("cp -r public /run/ceremony")]
    said = [Said(command, "ran", 0, "") for command in COMMANDS if command != same[-1]]
    assert [f"{same[-1].row}: {same[-1].shown}"] == left_out(COMMANDS, said)


def test_packages_are_found() -> None:
    """The packages that the commands ask for are known beforehand."""
    assert {"nginx", "tor", "certbot", "age"} <= {word for words in packages_of(COMMANDS) for word in words}


def test_stray_row_is_refused(tmp_path: Path) -> None:
    """A row without a prompt inside a block of commands is no command, and is named."""
    path = tmp_path / "book.md"
    path.write_text("## 1. A\n\n```\n# true\nfalse\n```\n")
    with pytest.raises(ValueError, match="row 5 is no command"):
        read_runbook(path)
