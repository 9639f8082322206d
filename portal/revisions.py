# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which revision of the shelf's tables this program works with. Nothing here changes a table."""

from sqlalchemy.exc import DBAPIError

from intake.errors import Exit, UndersealError
from portal.config import Config
from portal.shelf import Shelf
from portal.store import ShelfDamaged, StoreAway, storage_corrupt

REVISION = "0002"  # the last file in migrations/


class ShelfOlder(UndersealError):
    """the shelf is older than this program; nothing was changed"""

    hint = "underseal portal migrate brings it up to date"


class ShelfNewer(UndersealError):
    """the shelf was made by a newer underseal than this one; nothing was changed"""

    hint = 'run the release that made it; RUNBOOK, "A new release"'


class ShelfThere(UndersealError):
    """the database {} has a shelf already; nothing was changed"""

    hint = "--no-gate makes one more front end for it"


class ShelfMissing(UndersealError):
    """there is no shelf in {}; nothing was changed"""

    exit_code = Exit.MISSING


def check_revision(config: Config) -> None:
    """Return if the shelf's tables are those of this program.

    Raises ShelfOlder, ShelfNewer, ShelfMissing, StoreAway, ShelfDamaged.
    """
    check_file(config)
    check_shelf(config.shelf_url, config.shelf_name)


def check_file(config: Config) -> None:
    """Return if the shelf's file is there, where it is one: SQLite would make it. Raises ShelfMissing."""
    if config.store is None and not (config.directory / config.shelf_name).exists():
        raise ShelfMissing(config.shelf_name)


def check_shelf(url: str, name: str) -> None:
    """Do the same for a store without a folder yet; `name` is what may be said of it."""
    found = found_revision(url, name)
    if found is None:
        raise ShelfMissing(name)
    if found < REVISION:
        raise ShelfOlder
    if found > REVISION:
        raise ShelfNewer


def found_revision(url: str, name: str) -> str | None:
    """Return the revision that is here, as `Shelf.revision` does. Raises StoreAway or ShelfDamaged."""
    shelf = Shelf(url)
    try:
        return shelf.revision()
    except DBAPIError as error:
        if storage_corrupt(error):
            raise ShelfDamaged from error
        raise StoreAway(name) from error
    finally:
        shelf.close()
