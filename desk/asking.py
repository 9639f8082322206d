# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the ceremony asks people at the terminal: shares, passphrases, the office's name; and how shares are handed out.

Shares are typed a row of the sheet at a time and not shown. A mistake is named by share and place, never by its word.
"""

import functools
import os
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from crypto.signature import PublicKey, SigningKey
from desk.ceremony_errors import (
    NotConfirmed,
    ShareForeign,
    ShareRefused,
    SharesApart,
    SharesFileRefused,
    ShareTyped,
    ShareWord,
    WordsNeedTerminal,
)
from desk.folders import Files, secret_files
from desk.offline import refuse_network
from desk.pdf import share_pdf
from desk.shares import NEEDED, WORDS, Share, complete_words, join_shares, read_share
from desk.sheets import COLUMNS, ShareSheet, sheet_text, words_on_sheet
from desk.traces import leave_no_traces
from intake.console import NoTerminal, PassphraseFileRefused, Voice, ask_passphrase
from intake.files import has_terminal, read

VOICE = Voice("keys")
_TRIES = 3  # for a whole share, and for the office's name
_MAX_ROWS = 200  # typed for one share: five times what honest typing takes
_SCREEN = 80  # lines
_SHEET_MAX_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class ShareSource:
    """Where shares come from: the terminal, shown or not; sheets as files in throwaway offices only."""

    files: tuple[Path, ...]
    visible: bool


def with_shares(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of how shares are typed, as its argument `shares`."""

    @click.option("--visible", is_flag=True, help="Show the words of shares as they are typed.")
    @click.option(
        "--shares-file",
        "files",
        type=click.Path(path_type=Path),
        multiple=True,
        help="A share sheet's text, twice (throwaway only).",
    )
    @functools.wraps(verb)
    def run(files: tuple[Path, ...], visible: bool, *args: Any, **rest: Any) -> None:
        verb(*args, shares=ShareSource(files, visible), **rest)

    return run


def begin(*, throwaway: bool, passphrase_file: Path | None = None, shares: ShareSource | None = None) -> None:
    """Refuse a real office's secrets from files, and where a network is up; leave no core dump.

    Raises PassphraseFileRefused, SharesFileRefused or NetworkUp.
    """
    leave_no_traces()
    if throwaway:
        VOICE.say("THROWAWAY OFFICE: these keys are weak on purpose and protect nobody")
        return
    if passphrase_file is not None:
        raise PassphraseFileRefused
    if shares is not None and shares.files:
        raise SharesFileRefused
    refuse_network()


def new_passphrase(whose: str, *, passphrase_file: Path | None, throwaway: bool) -> str:
    """Return a new passphrase, asked twice."""
    return ask_passphrase(f"of {whose}", passphrase_file=passphrase_file, throwaway=throwaway, new=True)


def join_root(root: PublicKey, source: ShareSource) -> SigningKey:
    """Return the root of two shares. Raises ShareRefused, SharesApart or NoTerminal."""
    if source.files:
        one, other = _shares_of_files(source.files)
    else:
        one = ask_share("first share", visible=source.visible)
        VOICE.say(f"first share: read, it is share {one.number}")
        other = ask_share("second share", visible=source.visible)
        VOICE.say(f"second share: read, it is share {other.number}")
    return join_shares(one, other, root)


def ask_share(which: str, *, visible: bool) -> Share:
    """Return a share typed at the terminal. Raises NoTerminal, or ShareRefused after three attempts."""
    if not has_terminal():
        raise NoTerminal
    VOICE.say(f"{which}: type its {WORDS} words, row by row as on the sheet; four letters of a word are enough")
    fault = ""
    for _ in range(_TRIES):
        try:
            return read_share(_ask_words(which, visible))
        except (ShareTyped, ShareForeign) as error:
            fault = str(error)
            VOICE.say(f"{which}: {fault}")
    raise ShareRefused(which, fault)


def _ask_words(which: str, visible: bool) -> list[str]:
    words: list[str] = []
    for _ in range(_MAX_ROWS):
        first, last = len(words) + 1, min(len(words) + COLUMNS, WORDS)
        typed = _ask(f"{which}, words {first} to {last}", hidden=not visible).split()
        if len(words) + len(typed) > WORDS:
            VOICE.say(f"{which}: that is more than {WORDS} words; this row again")
            continue
        try:
            words += complete_words(typed, first)
        except ShareWord as error:
            VOICE.say(f"{which}: {error}; this row again")
        if len(words) == WORDS:
            return words
    raise ShareRefused(which, "too many rows were typed")


def confirm(office: str) -> None:
    """Return once the office's name has been typed. Raises NotConfirmed or NoTerminal."""
    if not has_terminal():
        raise NoTerminal
    for _ in range(_TRIES):
        if _same(_ask("to agree, type the name of the office", hidden=False), office):
            return
        VOICE.say("that is not its name, letter for letter")
    raise NotConfirmed


def hand_out(sheets: Sequence[ShareSheet], *, no_pdf: bool) -> Files:
    """Return the files of the share sheets; with `no_pdf` show them at the terminal instead, and have them typed back.

    Raises WordsNeedTerminal or ShareRefused.
    """
    if no_pdf:
        _show_shares(sheets)
        return {}
    pages = {f"share-{sheet.share.number}.pdf": share_pdf(sheet) for sheet in sheets}
    texts = {f"share-{sheet.share.number}.txt": sheet_text(sheet).encode("utf-8") for sheet in sheets}
    return secret_files({**pages, **texts}, "sheets/")


def tell_sheets(folder: Path, files: Files) -> None:
    """Say what is to be done with the share sheets."""
    if files:
        VOICE.say(f"three share sheets, as PDF and text, lie in {folder / 'sheets'}: they are secret")
        VOICE.hint("print one for each keeper; each pair rehearses with underseal keys shares check; then destroy them")
    else:
        VOICE.say("three shares were copied by hand and typed back")
        VOICE.hint("close this window now: its memory of past lines has the words")


def _show_shares(sheets: Sequence[ShareSheet]) -> None:
    if not (has_terminal() and os.isatty(sys.stdout.fileno())):
        raise WordsNeedTerminal
    for sheet in sheets:
        which = f"share {sheet.share.number}"
        VOICE.say(f"{which}: its keeper alone at the screen, with paper and a pen")
        _ask("press Enter to see it", hidden=False)
        VOICE.answer(sheet_text(sheet))
        _ask("press Enter when every word is on paper", hidden=False)
        VOICE.answer("\n" * _SCREEN)
        _typed_back(sheet, which)


def _typed_back(sheet: ShareSheet, which: str) -> None:
    for _ in range(_TRIES):
        if ask_share(which, visible=False).words == sheet.share.words:
            VOICE.say(f"{which}: the copy is true")
            return
        VOICE.say(f"{which}: that is another share")
    raise ShareRefused(f"the copy of {which}", "another share was typed")


def _shares_of_files(paths: tuple[Path, ...]) -> tuple[Share, Share]:
    if len(paths) != NEEDED:
        raise SharesApart(f"give --shares-file {NEEDED} times")
    shares = []
    for path in paths:
        text = read(path, _SHEET_MAX_BYTES).decode("utf-8", "replace")
        try:
            shares.append(read_share(words_on_sheet(text)))
        except (ValueError, ShareWord, ShareTyped, ShareForeign):
            raise ShareRefused(path.name, "it is not the text of a share sheet") from None
    return shares[0], shares[1]


def _ask(question: str, *, hidden: bool) -> str:
    answer: str = click.prompt(question, default="", show_default=False, hide_input=hidden, err=True)
    return answer


def _same(typed: str, name: str) -> bool:
    return unicodedata.normalize("NFC", " ".join(typed.split())) == unicodedata.normalize("NFC", " ".join(name.split()))
