# SPDX-License-Identifier: AGPL-3.0-or-later
"""The base of every error that a person meets at the command line.

A class's docstring is its message: lower case, no full stop, `{}` filled by the arguments.
Arguments are the program's own words or pass `intake.console.plain` where they are printed.
"""

import inspect
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; the README lists them."""

    REFUSED = 1
    USAGE = 2
    MISSING = 3
    UNTRUSTED = 4
    PASSPHRASE = 5
    NETWORK = 6
    STORAGE = 7
    STOPPED = 130


class UndersealError(Exception):
    """the command could not be carried out"""

    exit_code: Exit = Exit.REFUSED
    hint: str | None = None

    def __init__(self, *args: object, hint: str | None = None) -> None:
        super().__init__(*args)
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return inspect.cleandoc(type(self).__doc__ or "").format(*self.args)
