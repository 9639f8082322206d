# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the desk's passphrases come from: the terminal; a file only in offices marked throwaway."""

import os
from dataclasses import dataclass
from pathlib import Path

from desk.errors import NoTerminal
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
        if self.file is None:
            _need_terminal()
        return ask_passphrase(what, passphrase_file=self.file, throwaway=self.throwaway, new=new)


def _need_terminal() -> None:
    # Without one, reading a passphrase would fall back to standard input, where notes come in.
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        raise NoTerminal from None
