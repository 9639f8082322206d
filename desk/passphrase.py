# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the desk's passphrases come from: the terminal; a file only in offices marked throwaway."""

from dataclasses import dataclass
from pathlib import Path

from intake.console import ask_passphrase


@dataclass(frozen=True, slots=True)
class Passphrases:
    """The source of passphrases for one run of the program."""

    file: Path | None
    throwaway: bool

    def known(self, what: str) -> str:
        """Return the passphrase of something that exists; `what` is "of the vault"."""
        return self._ask(what, new=False)

    def new(self, what: str) -> str:
        """Return a new passphrase, asked twice."""
        return self._ask(what, new=True)

    def _ask(self, what: str, *, new: bool) -> str:
        return ask_passphrase(what, passphrase_file=self.file, throwaway=self.throwaway, new=new)
