# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nightly job: what stays after a day is rewritten in the order of the digests, checked, and dated at midnight.

What is acknowledged is deleted at once, by the gate; here nothing goes that a desk does not hold.
"""

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from datetime import date

from sqlalchemy.exc import SQLAlchemyError

from intake import files
from intake.errors import Exit, UndersealError
from portal.config import Config
from portal.midnight import date_at_midnight
from portal.publishing import kept_page
from portal.room import Ballast
from portal.shelf import EnvelopeDamaged, Shelf
from portal.store import CommitUnsettled, ShelfDamaged, storage_corrupt


class ShelfNotTidied(UndersealError):
    """stable storage did not take the rewritten shelf; nothing is lost: {}"""

    exit_code = Exit.STORAGE


@dataclass(frozen=True, slots=True)
class Night:
    """What the job found: how many envelopes wait, and how many were set aside as damaged."""

    waiting: int
    damaged: int


def tidy(config: Config, today: date) -> Night:
    """Rewrite and check the shelf while no letter is being stored, and date every file of the folder at midnight.

    Raises ShelfNotTidied, as on a full disk, ShelfDamaged, RightsMissing; and, once all is done, PageUntrusted or
    PageMissing: who serves a page does not read it again, so that only this finds it damaged. The next night does what
    this one could not.
    """
    os.environ["SQLITE_TMPDIR"] = str(config.directory)  # a large shelf is copied beside itself and nowhere else
    shelf, ballast = Shelf(config.shelf_url), Ballast(config)
    try:
        with ballast.lent(), files.locked(config.turn_file, wait=True):
            shelf.forget_nonces(today)
            _check_envelopes(shelf)
            shelf.vacuum()
            whole = shelf.is_whole()
        found = Night(shelf.waiting()[0], shelf.damaged())
        kept_page(shelf, config.office.root)
    except (SQLAlchemyError, sqlite3.Error, CommitUnsettled) as error:
        if storage_corrupt(error):
            raise ShelfDamaged from error
        raise ShelfNotTidied(type(error).__name__) from error
    finally:
        shelf.close()
        ballast.make()
        date_at_midnight([*config.directory.rglob("*"), config.directory])
    if not whole:
        raise ShelfDamaged
    return found


def _check_envelopes(shelf: Shelf) -> None:
    """Set aside every envelope whose bytes are no longer those of its digest; one acknowledged meanwhile is passed."""
    with shelf.begin() as writing:
        names = [name for name, _ in writing.digests()]
    for name in names:
        with contextlib.suppress(EnvelopeDamaged, KeyError):
            list(shelf.bodies([name]))
