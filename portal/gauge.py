# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much room a PostgreSQL database leaves: its size against the ceiling that the settings name.

The portal cannot see the disk of a server that it only talks to. The ceiling stands for it, and whoever sets it knows
the disk: rewriting the tables needs as much again.
"""

import time

from sqlalchemy.exc import SQLAlchemyError

from intake.limits import MIB
from portal.room import Word
from portal.shelf import Shelf

LOOK_SECONDS = 1.0


class DatabaseGauge:
    """Asks for the size at most once in LOOK_SECONDS."""

    def __init__(self, shelf: Shelf, ceiling_mib: int) -> None:
        self._shelf = shelf
        self._ceiling = ceiling_mib * MIB
        self._looked: tuple[float, Word] | None = None

    def word(self) -> Word:
        """Return the word: FILLING from three quarters of the ceiling on, CLOSED where nobody answers."""
        looked, now = self._looked, time.monotonic()
        if looked is None or now - looked[0] > LOOK_SECONDS:
            looked = self._looked = (now, self._measured())
        return looked[1]

    def _measured(self) -> Word:
        try:
            used = self._shelf.used_bytes()
        except SQLAlchemyError:
            return Word.CLOSED
        if used >= self._ceiling:
            return Word.FULL
        return Word.FILLING if 4 * used >= 3 * self._ceiling else Word.PLENTY
