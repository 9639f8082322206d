# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run of the desk at the terminal: no network, the passphrase, the vault open, and no traces."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from desk.errors import NotAgreed, TextUnreadable
from desk.offline import refuse_network
from desk.passphrase import Passphrases
from desk.roles import Act, refuse_unless
from desk.traces import leave_no_traces
from desk.vault import Vault, open_vault, read_header
from intake.console import Voice, one_line
from intake.keydays import ending

VOICE = Voice("desk")
FOLDER_VARIABLE = "UNDERSEAL_DESK"
MAX_INPUT_CHARACTERS = 200_000
JSON = click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")


@dataclass(frozen=True, slots=True)
class Desk:
    """An open vault and the source of further passphrases."""

    vault: Vault
    passphrases: Passphrases


@dataclass(frozen=True, slots=True)
class Where:
    """The desk's folder, and the file that holds passphrases in throwaway offices."""

    folder: Path
    passphrase_file: Path | None

    @contextmanager
    def open(self, act: Act | None = None) -> Iterator[Desk]:
        """Yield the open desk. Raises NetworkUp, VaultLocked, WrongVaultPassphrase and what they are kin to.

        act  what the verb is, where it is one thing: RoleMissing for whoever may not do it
        """
        leave_no_traces()
        header = read_header(self.folder)
        if not header.throwaway:
            refuse_network()
        passphrases = Passphrases(self.passphrase_file, header.throwaway)
        unlocked = functools.partial(passphrases.opened, "of the vault")
        with open_vault(self.folder, header, unlocked, today()) as vault:
            if act is not None:
                refuse_unless(vault, act)
            _tell_if_behind(vault)
            yield Desk(vault, passphrases)


def unasked(passphrase_file: Path | None, *, yes: bool = False) -> bool:
    """Return whether nobody is asked to agree: by --yes, or as the passphrases of a throwaway office are in a file."""
    return yes or passphrase_file is not None


def typed(word: str, question: str) -> None:
    """Return once somebody has typed this word, which the question shows, whatever is in it. Raises NotAgreed."""
    answer: str = click.prompt(one_line(f"type {word} {question}"), err=True)
    if answer.strip() != word:
        raise NotAgreed


def agreed_to(question: str) -> None:
    """Return once somebody has said yes. Raises NotAgreed."""
    if not click.confirm(one_line(question), err=True):
        raise NotAgreed


def today() -> date:
    """Return the day by UTC: nothing finer is written anywhere."""
    return datetime.now(UTC).date()


def with_desk(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options --dir and --passphrase-file as its first argument, `where`."""

    @click.option(
        "--dir",
        "folder",
        type=click.Path(path_type=Path),
        envvar=FOLDER_VARIABLE,
        show_envvar=True,
        required=True,
        help="Folder of the vault.",
    )
    @click.option(
        "--passphrase-file", type=click.Path(path_type=Path), help="One passphrase for everything (throwaway only)."
    )
    @functools.wraps(verb)
    def run(folder: Path, passphrase_file: Path | None, *args: Any, **rest: Any) -> None:
        verb(Where(folder, passphrase_file), *args, **rest)

    return run


def _tell_if_behind(vault: Vault) -> None:
    """Say when this machine's clock stands before a day that the vault knows of: what is done gets a wrong day."""
    newest = vault.newest_day()
    if vault.day < newest:
        VOICE.say(f"WARNING: this machine's clock says {vault.day}, and the vault has something of {newest} already")
        VOICE.hint("set the clock before you go on: what you do is kept under the day that it says")


def tell_ending(vault: Vault) -> None:
    """Say when the weeks that this desk knows of end soon, or have ended."""
    sentence = ending(vault.settings.weeks_end, today())
    if sentence is not None:
        VOICE.say(sentence)
        VOICE.hint("underseal desk renew --office PUBLIC takes what was signed since")


def read_text(what: str, *, one: bool = False) -> str:
    """Return a text from standard input: typed at the terminal, or piped in, never from an argument.

    one  of one line only
    Raises TextUnreadable; a line with bytes that are no UTF-8 is refused, a longer text has U+FFFD in their place.
    """
    if sys.stdin.isatty():
        VOICE.say(f"type the {what}; end " + ("them with Enter" if one else "it with Ctrl-D on a line of its own"))
    try:
        if one:
            line = sys.stdin.readline(MAX_INPUT_CHARACTERS)
            line.encode()
            return line
        return sys.stdin.read(MAX_INPUT_CHARACTERS)
    except (OSError, UnicodeError):
        raise TextUnreadable(what) from None
