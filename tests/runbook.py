# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands of deploy/RUNBOOK.md, read out of its blocks, so that a drill follows the words that people follow."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = "```"
_PROMPTS = {"# ": True, "$ ": False}
_HEREDOC = re.compile(r"<<'(\w+)'$")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: where it stands, for whom, and its words as a shell takes them. Blocks count from 1 in a chapter."""

    chapter: str
    block: int
    row: int
    on_host: bool
    text: str

    @property
    def shown(self) -> str:
        """The command in one row, without its remark."""
        return " ".join(re.sub(r"\s+# .*", "", self.text, flags=re.MULTILINE).replace("\\\n", " ").split())


def read_runbook(path: Path) -> list[Command]:
    """Return every command of the file, in its order. Raises ValueError for a row of a block that is none."""
    commands: list[Command] = []
    chapter, block, rows = "", 0, iter(enumerate(path.read_text("utf-8").splitlines(), 1))
    for _, row in rows:
        if row.startswith("## "):
            chapter, block = row.removeprefix("## "), 0
        elif row.strip() == _FENCE:
            found = list(_block(chapter, block + 1, rows, row.index(_FENCE)))
            commands, block = commands + found, block + bool(found)
    return commands


def _block(chapter: str, block: int, rows: Iterator[tuple[int, str]], indent: int) -> Iterator[Command]:
    """Yield the commands of one block; a block without a prompt, a drawing say, has none."""
    inside = []
    for number, row in rows:
        if row.strip() == _FENCE:
            break
        inside.append((number, row[indent:]))
    if not any(row[:2] in _PROMPTS for _, row in inside):
        return
    left = iter(inside)
    for number, row in left:
        if row[:2] not in _PROMPTS:
            raise ValueError(f"row {number} is no command: {row}")
        words = row[2:]
        while words.endswith("\\"):
            words += "\n" + next(left)[1]
        here = _HEREDOC.search(words)
        while here and not words.endswith("\n" + here[1]):
            words += "\n" + next(left)[1]
        yield Command(chapter, block, number, _PROMPTS[row[:2]], words)
