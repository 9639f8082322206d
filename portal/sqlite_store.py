# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shelf in one SQLite file: the settings that leave no remnants and lose no commit, and the file's own times.

After each commit the file, its journal and its folder say midnight.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event, make_url, update
from sqlalchemy.dialects import sqlite

from portal.midnight import date_at_midnight
from portal.tables import ENVELOPES

_PRAGMAS = (
    "PRAGMA busy_timeout=10000",
    "PRAGMA secure_delete=ON",
    "PRAGMA auto_vacuum=NONE",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=0",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA journal_mode=TRUNCATE",
    "PRAGMA synchronous=FULL",  # with TRUNCATE: a commit returns after the emptied journal is on the disk too
)
_IN_MEMORY = 1_000  # envelopes that `rewrite` copies in memory: about 24 MiB


class SqliteStore:
    """One file, its journal, and the connections to it."""

    def __init__(self, url: str) -> None:
        self._path = Path(make_url(url).database or "")
        self.engine = create_engine(url, pool_size=4, max_overflow=16, hide_parameters=True)
        event.listen(self.engine, "connect", _set_pragmas)
        event.listen(self.engine, "begin", _begin)

    def insert(self, table: Table) -> Any:
        """Return SQLite's own insert."""
        return sqlite.insert(table)

    def overwrite(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write envelopes. One that is there is emptied first: the same bytes over the same bytes write nothing."""
        keys = [row["digest"] for row in rows]
        connection.execute(update(ENVELOPES).where(ENVELOPES.c.digest.in_(keys)).values(body=b""))
        again = sqlite.insert(ENVELOPES)
        connection.execute(again.on_conflict_do_update(set_={"body": again.excluded.body}), list(rows))

    def wrote(self) -> None:
        """Set the times of the file, its journal and the folder to midnight. A letter is not lost where that fails."""
        date_at_midnight([self._path, self._path.with_name(self._path.name + "-journal"), self._path.parent])

    def rewrite(self, waiting: int) -> None:
        """Rewrite the file: no free page is left, and the pages stand in the order of the digests.

        The copy is made in memory; where more waits than that should hold, in a file without a name.
        """
        store = "MEMORY" if waiting <= _IN_MEMORY else "FILE"
        raw = self.engine.raw_connection()
        try:
            raw.cursor().execute(f"PRAGMA temp_store={store}")
            raw.cursor().execute("VACUUM")
        finally:
            raw.cursor().execute("PRAGMA temp_store=MEMORY")
            raw.close()
            self.wrote()

    def has_gaps(self) -> bool:
        """Return whether pages of the file hold nothing."""
        return int(self._ask("PRAGMA freelist_count")) > 0

    def is_whole(self) -> bool:
        """Return whether the file's pages, tables and rows hold together."""
        return bool(self._ask("PRAGMA integrity_check(1)") == "ok")

    def in_use(self, connection: Connection) -> bool:
        """Return False: a file tells of no reader. Who serves the folder holds its serve.lock."""
        return False

    def used_bytes(self) -> int:
        """Return how long the file is."""
        return int(self._ask("PRAGMA page_count")) * int(self._ask("PRAGMA page_size"))

    def _ask(self, pragma: str) -> Any:
        with self.engine.execution_options(reading=True).begin() as connection:
            return connection.exec_driver_sql(pragma).scalar_one()


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin does
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
