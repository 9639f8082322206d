# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shelf in a PostgreSQL database, for several front ends on one host.

It is reached over a Unix socket, and the server asks the kernel who is at the other end: no password exists anywhere.
One advisory lock lets one transaction write at a time, over all front ends, as SQLite's own lock does.
The server keeps more of a letter's way than a SQLite file does; deploy/RUNBOOK.md says what.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, func, make_url, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from intake.errors import Exit, UndersealError
from portal.tables import ENVELOPES, METADATA

LOCK_SECONDS = 10  # how long a writer waits for the others, as with SQLite's busy timeout
IDLE_SECONDS = 10  # after which a front end that stopped in the middle of a transaction holds up nobody
CONNECT_SECONDS = 4
_WRITING = 0x756E6473  # "unds": the advisory lock of whoever writes
_SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "default_transaction_isolation": "read\\ committed",
    "search_path": "public",
    "timezone": "UTC",
}
_NEW = "_new"
_INSUFFICIENT_PRIVILEGE = "42501"
_OTHERS = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend')"
)


class RightsMissing(UndersealError):
    """the tables are rewritten, and the database's role may not end the server's log of changes"""

    exit_code = Exit.STORAGE
    hint = 'GRANT pg_checkpoint, and EXECUTE on pg_switch_wal(): RUNBOOK, "PostgreSQL, for several front ends"'


class PostgresqlStore:
    """One database, and the connections to it."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url, " ".join(f"-c {name}={value}" for name, value in _SESSION.items()))
        event.listen(self.engine, "begin", _begin)

    def insert(self, table: Table) -> Any:
        """Return PostgreSQL's own insert."""
        return postgresql.insert(table)

    def overwrite(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write envelopes. One that is there gets a new version of its row, with all its bytes."""
        again = postgresql.insert(ENVELOPES)
        once = {row["digest"]: row for row in rows}  # one statement cannot change a row twice
        connection.execute(
            again.on_conflict_do_update(index_elements=["digest"], set_={"body": again.excluded.body}),
            list(once.values()),
        )

    def wrote(self) -> None:
        """Do nothing: the server's files have times of their own, which only their owner could set."""

    def rewrite(self, waiting: int) -> None:
        """Make every table anew, in the order of its keys and in one transaction, and let the old ones go.

        Afterwards every row is of the same transaction, and what the rows hold stands in the order of the keys; the
        server's log of changes (WAL) begins anew. Raises RightsMissing where the role may not do the last.
        """
        with self.engine.begin() as connection:
            for table in METADATA.sorted_tables:
                _make_anew(connection, table)
        with self.engine.execution_options(reading=True).begin() as connection:
            for table in METADATA.sorted_tables:  # whoever reads first marks rows as committed, which is logged too
                connection.execute(select(func.count()).select_from(table))
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT", reading=True) as connection:
            try:
                connection.execute(select(func.pg_switch_wal()))
                connection.execute(text("CHECKPOINT"))
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
                    raise RightsMissing from error
                raise

    def has_gaps(self) -> bool:
        """Return True: what a deletion left is not told by any count that the server keeps exactly."""
        return True

    def is_whole(self) -> bool:
        """Read every row of every table; pages that are not as written raise DBAPIError (`data_checksums`)."""
        with self.engine.execution_options(reading=True).begin() as connection:
            for table in METADATA.sorted_tables:
                for _ in connection.execution_options(yield_per=16).execute(select(table)):
                    pass
        return True

    def in_use(self, connection: Connection) -> bool:
        """Return whether somebody else is connected to the database."""
        found: bool = connection.execute(_OTHERS).scalar_one()
        return found

    def used_bytes(self) -> int:
        """Return how large the database is, without the server's log of changes."""
        with self.engine.execution_options(reading=True).begin() as connection:
            return int(connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one())


def make_engine(url: str, options: str = "") -> Engine:
    """Return an engine that reaches one database over its socket and never has a password to send."""
    place = {"host": make_url(url).query["host"], "password": "", "passfile": "/dev/null/none", "require_auth": "none"}
    return create_engine(
        url,
        pool_size=4,
        max_overflow=16,
        pool_pre_ping=True,  # the server may have been restarted: a connection is tried before it is used
        hide_parameters=True,
        connect_args={**place, "options": options, "connect_timeout": CONNECT_SECONDS},
    )


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("reading", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITING})")


def _make_anew(connection: Connection, table: Table) -> None:
    """Put a copy of a table in its place, sorted by its primary key, with the same constraints under the same names."""
    name, new = table.name, table.name + _NEW
    keys = ", ".join(column.name for column in table.primary_key)
    connection.exec_driver_sql(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    connection.exec_driver_sql(f"CREATE TABLE {new} (LIKE {name} INCLUDING ALL)")
    connection.exec_driver_sql(f"INSERT INTO {new} SELECT * FROM {name} ORDER BY {keys}")
    connection.exec_driver_sql(f"DROP TABLE {name}")
    connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {name}")
    indexes = connection.exec_driver_sql(f"SELECT indexname FROM pg_indexes WHERE tablename = '{name}'").scalars()
    for index in list(indexes):
        connection.exec_driver_sql(f"ALTER INDEX {index} RENAME TO {index.replace(new, name, 1)}")
