# SPDX-License-Identifier: AGPL-3.0-or-later
"""The two kinds of database that a shelf can stand in, and what a failure of either means.

A store is named by a URL; what of the URL may be said anywhere is the database's name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, make_url
from sqlalchemy.exc import DBAPIError

from intake.errors import Exit, UndersealError

_SQLITE_IOERR, _SQLITE_CORRUPT, _SQLITE_NOTADB = 10, 11, 26  # SQLite's primary result codes
_POSTGRESQL_CORRUPT = ("XX001", "XX002")  # data_corrupted, index_corrupted


class StoreAway(UndersealError):
    """the database does not answer ({}); nothing was changed"""

    exit_code = Exit.STORAGE


class ShelfDamaged(UndersealError):
    """the shelf does not hold together: pull what waits, keep a copy of the folder, and set the portal up anew"""

    exit_code = Exit.STORAGE


class CommitUnsettled(Exception):
    """The connection ended while a commit was under way: what it held may be stored or not. Sending again tells."""


class Store(Protocol):
    """What differs between the databases. A transaction that writes does so alone, whatever the database."""

    engine: Engine

    def insert(self, table: Table) -> Any:
        """Return an insert that knows `on_conflict_do_nothing`."""

    def overwrite(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write envelopes, those that are here already with the same work; they keep their day."""

    def wrote(self) -> None:
        """Hide when the last transaction was, as far as the store can."""

    def rewrite(self, waiting: int) -> None:
        """Leave no deleted byte and no order of arrival in the tables."""

    def has_gaps(self) -> bool:
        """Return whether deleted rows may have left room that `rewrite` gives up."""

    def is_whole(self) -> bool:
        """Return whether pages, tables and rows hold together. Reads all of it."""

    def in_use(self, connection: Connection) -> bool:
        """Return whether another program is connected, as far as the store can tell."""

    def used_bytes(self) -> int:
        """Return how large the database is."""


def open_store(url: str) -> Store:
    """Return the store that a URL names; no connection is made yet. Each kind is loaded only where it is used."""
    if make_url(url).get_backend_name() == "sqlite":
        from portal.sqlite_store import SqliteStore

        return SqliteStore(url)
    from portal.postgresql_store import PostgresqlStore

    return PostgresqlStore(url)


def storage_broke(error: BaseException) -> bool:
    """Return whether writing or syncing failed below SQLite.

    After that nobody knows what the disk holds: the process must end, and never sync the same file again. A PostgreSQL
    server does the same by itself (`data_sync_retry` is off), and its clients lose their connections.
    """
    return _sqlite_code(error) == _SQLITE_IOERR


def storage_corrupt(error: BaseException) -> bool:
    """Return whether what the database holds is no whole database any more."""
    if _sqlite_code(error) in (_SQLITE_CORRUPT, _SQLITE_NOTADB):
        return True
    return getattr(getattr(error, "orig", error), "sqlstate", None) in _POSTGRESQL_CORRUPT


def connection_ended(error: DBAPIError) -> bool:
    """Return whether a commit's answer is missing because the connection to a server ended."""
    return error.connection_invalidated


def _sqlite_code(error: BaseException) -> int:
    """Return SQLite's primary result code of an error, from itself or from what SQLAlchemy wrapped; 0 without one."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
