# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much room is left for letters: on the disk, or what a PostgreSQL database leaves.

A database's is its size against the ceiling that the settings name. The portal cannot see the disk of a server that it
only talks to. The ceiling stands for it, and whoever sets it knows the disk: rewriting the tables needs as much again.
The size is exact, and so it is said through portal.room's Gauge.
"""

from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from intake.limits import MIB
from portal.config import Config
from portal.room import Measured, Word, measured_disk
from portal.shelf import Shelf

FILLING_PERCENT = 75


def measured_database(shelf: Shelf, ceiling_mib: int) -> Measured:
    """Return the words of the database as it is now: CLOSED where nobody answers."""
    try:
        return partial(word_for_database, 100 * shelf.used_bytes() / (ceiling_mib * MIB))
    except SQLAlchemyError:
        return lambda _blur_percent: Word.CLOSED


def measured(config: Config, shelf: Shelf) -> Measured:
    """Return the words of what holds the letters: the portal's disk, or the database."""
    return measured_disk(config) if config.store is None else measured_database(shelf, config.ceiling_mib)


def answers(shelf: Shelf) -> bool:
    """Return whether the database's server answers."""
    try:
        shelf.used_bytes()
    except SQLAlchemyError:
        return False
    return True


def word_for_database(used_percent: float, blur_percent: float = 0.0) -> Word:
    """Return the word for a database that counts as fuller by `blur_percent` of its ceiling than it is."""
    used = used_percent + blur_percent
    if used >= 100:
        return Word.FULL
    return Word.FILLING if used >= FILLING_PERCENT else Word.PLENTY
