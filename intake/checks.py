# SPDX-License-Identifier: AGPL-3.0-or-later
"""Something public, checked whole: one row for each thing that is right, or wrong and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crypto.errors import CryptoError
from intake.errors import UndersealError

HEADS = ("", "what", "found")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    right: bool
    says: str

    @property
    def row(self) -> tuple[str, str, str]:
        """The check as a row under HEADS."""
        return ("right" if self.right else "WRONG", self.what, self.says)


class Wrong(Exception):
    """Something is not as it should be; the text says what."""


def run_checks(steps: Sequence[tuple[str, Callable[[], str]]]) -> list[Check]:
    """Return what each step says of itself: its answer, or why it is wrong. A step does not stop those after it."""
    return [_run(what, step) for what, step in steps]


def _run(what: str, step: Callable[[], str]) -> Check:
    try:
        return Check(what, True, step())
    except (Wrong, UndersealError, CryptoError) as error:
        return Check(what, False, str(error))
