# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one door to the terminal: the answer on standard output, the talk on standard error.

Every text that came from outside passes `plain` here, whatever it is and wherever it is shown.
"""

import json
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import click

from intake.errors import Exit, UndersealError
from intake.files import has_terminal, read
from intake.limits import KEY_FILE_MAX_BYTES, PASSPHRASE_MAX_BYTES, PASSPHRASE_MIN_CHARACTERS

Item = TypeVar("Item")

# Printable by category, and yet blank or invisible: fillers, joiners, blank Braille, variation selectors.
_INVISIBLE = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, 0xFFA0))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_MARK = "\N{REPLACEMENT CHARACTER}"
_SECONDS_BETWEEN_COUNTS = 3
_MAX_COMBINING = 4  # marks on one letter; more is used to draw over other lines


class NoTerminal(UndersealError):
    """passphrases are read from a terminal only, and there is none"""

    exit_code = Exit.USAGE


class PassphraseTooShort(UndersealError):
    """the passphrase is shorter than {} characters"""

    exit_code = Exit.PASSPHRASE


class PassphraseUnreadable(UndersealError):
    """the passphrase is not UTF-8 text of at most {} bytes"""

    exit_code = Exit.PASSPHRASE


class PassphraseFileRefused(UndersealError):
    """a passphrase file is for throwaway offices only, and this office is not one"""

    exit_code = Exit.USAGE


def plain(untrusted_text: str) -> str:
    """Return text that a terminal only prints.

    Newline, tab and printable characters stay. Every other control, format, separator, surrogate, private or
    unassigned character becomes U+FFFD, and so do invisible letters and each combining mark after the fourth in a row.
    """
    shown = []
    marks = 0
    for character in untrusted_text:
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        printable = category[0] not in "CZ" and character not in _INVISIBLE
        kept = character in "\n\t " or (printable and marks <= _MAX_COMBINING)
        shown.append(character if kept else _MARK)
    return "".join(shown)


def one_line(untrusted_text: str) -> str:
    """Return `plain` text without line ends and tabs, for rows and sentences."""
    return plain(untrusted_text).replace("\n", _MARK).replace("\t", _MARK)


class Voice:
    """A program's voice: its name in front of what it says, nothing in front of what it answers."""

    def __init__(self, program: str) -> None:
        self._program = program

    def say(self, text: str) -> None:
        """Tell the person something, on standard error."""
        click.echo(f"{self._program}: {one_line(text)}", err=True)

    def hint(self, text: str) -> None:
        """Tell the person what to do next, on a line of its own."""
        self.say(f"hint: {text}")

    def answer(self, text: str = "") -> None:
        """Print the answer, on standard output."""
        click.echo(plain(text))

    def answer_json(self, value: object) -> None:
        """Print the answer for a machine: one line of ASCII JSON."""
        click.echo(json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")))

    def width(self) -> int | None:
        """Return the columns of the terminal that the answer goes to, or None where it goes elsewhere."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print rows under heads, in columns as wide as they need to be."""
        lines = [list(heads), *([one_line(cell) for cell in row] for row in rows)]
        widths = [max(columns(line[i]) for line in lines) for i in range(len(heads))]
        for line in lines:
            cells = [cell + " " * (width - columns(cell)) for cell, width in zip(line, widths, strict=True)]
            click.echo("  ".join(cells).rstrip())

    def counted(self, items: Iterable[Item], total: int, of_what: str) -> Iterator[Item]:
        """Yield the items, and tell every few seconds how many are done. Whole lines: no cursor is moved."""
        said = time.monotonic()
        for number, item in enumerate(items, start=1):
            yield item
            if time.monotonic() - said >= _SECONDS_BETWEEN_COUNTS:
                said = time.monotonic()
                self.say(f"{number} of {total} {of_what}, {100 * number // max(total, 1)}%")

    def fail(self, error: UndersealError) -> int:
        """Say why a command ends, and return its exit code."""
        self.say(str(error))
        if error.hint:
            self.hint(error.hint)
        return int(error.exit_code)


def ask_passphrase(
    what: str, *, passphrase_file: Path | None = None, throwaway: bool = False, new: bool = False
) -> str:
    """Return a passphrase from the terminal, or from a file where the office is throwaway.

    what  "of the vault": what the passphrase opens
    new   asks twice, and refuses fewer than PASSPHRASE_MIN_CHARACTERS
    Raises NoTerminal, PassphraseTooShort, PassphraseUnreadable, PassphraseFileRefused, FileMissing.
    """
    if passphrase_file is not None:
        if not throwaway:
            raise PassphraseFileRefused
        data = read(passphrase_file, KEY_FILE_MAX_BYTES)
        return _checked(data.decode("utf-8", "surrogateescape").rstrip("\n"), least=1)
    if not has_terminal():  # else reading would fall back to standard input, where texts come in
        raise NoTerminal
    prompt = one_line(f"{'new passphrase' if new else 'passphrase'} {what}")
    typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return _checked(typed, least=PASSPHRASE_MIN_CHARACTERS if new else 1)


def _checked(passphrase: str, *, least: int) -> str:
    if len(passphrase) < least:
        raise PassphraseTooShort(least)
    try:
        if len(passphrase.encode("utf-8")) <= PASSPHRASE_MAX_BYTES:
            return passphrase
    except UnicodeEncodeError:
        pass
    raise PassphraseUnreadable(PASSPHRASE_MAX_BYTES)


def cut(text: str, width: int) -> list[str]:
    """Return a line in pieces of at most `width` columns: at spaces where there are any, else where it must be."""
    pieces = []
    start = after_space = used = 0
    for at, character in enumerate(text):
        used += columns(character)
        if used > width:
            end = after_space if after_space > start else at
            pieces.append(text[start:end])
            start, used = end, columns(text[end : at + 1])
        if character == " ":
            after_space = at + 1
    return [*pieces, text[start:]]


def columns(text: str) -> int:
    """Return how many terminal columns a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    marks = sum(unicodedata.category(character)[0] == "M" for character in text)
    return len(text) + wide - marks
