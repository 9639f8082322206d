# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the desk's passphrases come from: the terminal; a file only in offices marked throwaway."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from desk.errors import WrongKeyPassphrase, WrongVaultPassphrase
from intake.console import Voice, ask_passphrase

TRIES = 3
Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True)
class Passphrases:
    """The source of passphrases for one run of the program."""

    file: Path | None
    throwaway: bool

    def opened(self, what: str, attempt: Callable[[str], Opened]) -> Opened:
        """Return what `attempt` makes of the passphrase; a person at a terminal has three tries.

        what  "of the vault"
        Raises what `attempt` raises; WrongVaultPassphrase and WrongKeyPassphrase only after the last try.
        """
        for left in reversed(range(TRIES)):
            try:
                return attempt(self._ask(what, new=False))
            except (WrongVaultPassphrase, WrongKeyPassphrase):
                if self.file is not None or not left:
                    raise
                Voice("desk").say(f"that is not the passphrase {what}; try again ({left} left)")
        raise AssertionError("the last try returns or raises")

    def new(self, what: str) -> str:
        """Return a new passphrase, asked twice."""
        return self._ask(what, new=True)

    def _ask(self, what: str, *, new: bool) -> str:
        return ask_passphrase(what, passphrase_file=self.file, throwaway=self.throwaway, new=new)
