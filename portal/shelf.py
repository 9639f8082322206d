# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shelf: what the portal keeps on stable storage, and nothing more.

An envelope's row is its digest, size class, day and bytes. Its key is the digest, so the tree tells no order of
arrival; `vacuum` rewrites the pages in the same order. A day is never below the largest day the shelf has seen.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

_METADATA = MetaData()
_ENVELOPES = Table(
    "envelopes",
    _METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("size_class", Text, nullable=False),
    Column("day", Date, nullable=False),  # before the bytes: read without walking their overflow pages
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
_MANIFESTS = Table(
    "manifests",
    _METADATA,
    Column("pull", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("previous", Text),
    Column("day", Date, nullable=False),
    Column("line", LargeBinary),  # of the last manifest only
    Column("signature", Text),
)
_KEY_LISTS = Table(
    "key_lists",
    _METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("text", LargeBinary, nullable=False),
    Column("signature", Text, nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
)
_NONCES = Table(
    "nonces",
    _METADATA,
    Column("nonce", Text, primary_key=True),
    Column("expires", Integer, nullable=False),  # Unix time, of a courier's request
    sqlite_with_rowid=False,
)
_DAYS = Table("days", _METADATA, Column("largest", Date, primary_key=True))
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
_DELETE_STEP = 500  # envelopes deleted in one transaction: about 12 MiB of journal
_STREAM_STEP = 16  # envelopes read at once: short reads, so that a long pull never keeps a letter waiting


@dataclass(frozen=True, slots=True)
class Letter:
    """A sealed envelope on its way to the shelf."""

    digest: bytes
    size_class: str
    body: bytes


@dataclass(frozen=True, slots=True)
class HeldList:
    """A signed key list as the shelf keeps it."""

    sequence: int
    text: bytes
    signature: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class MadeManifest:
    """A manifest the portal has made. `line` and `signature` are kept for the last one only."""

    pull: int
    digest: str
    previous: str | None
    day: date
    line: bytes | None
    signature: str | None


class Shelf:
    """The database behind one URL. Each method is one transaction, `remove` several."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_size=4, max_overflow=16, hide_parameters=True)
        event.listen(self._engine, "connect", _set_pragmas)
        event.listen(self._engine, "begin", _begin)
        self._reading = self._engine.execution_options(reading=True)

    def make(self) -> None:
        """Make the tables of a new shelf."""
        with self._engine.begin() as connection:
            _METADATA.create_all(connection)

    def open(self) -> None:
        """Open the first connection, for which all others would wait. A locked shelf is no fault yet."""
        with contextlib.suppress(OperationalError), self._reading.connect():
            pass

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def put(self, letters: Iterable[Letter], today: date) -> None:
        """Store letters in one transaction; those that are there already change nothing.

        Returns after the commit is on stable storage.
        """
        with self._engine.begin() as connection:
            day = _pass_day(connection, today)
            rows = [
                {"digest": letter.digest, "size_class": letter.size_class, "day": day, "body": letter.body}
                for letter in letters
            ]
            connection.execute(sqlite.insert(_ENVELOPES).on_conflict_do_nothing(), rows)

    def waiting(self) -> tuple[int, date | None]:
        """Return how many envelopes wait, and the oldest one's day."""
        query = select(func.count(), func.min(_ENVELOPES.c.day)).select_from(_ENVELOPES)
        with self._reading.begin() as connection:
            count, day = connection.execute(query).one()
            return count, day

    def bodies(self, digests: Sequence[str]) -> Iterable[bytes]:
        """Yield the envelopes in the order of `digests`. Raises KeyError if one is gone."""
        for start in range(0, len(digests), _STREAM_STEP):
            keys = [bytes.fromhex(digest) for digest in digests[start : start + _STREAM_STEP]]
            query = select(_ENVELOPES.c.digest, _ENVELOPES.c.body).where(_ENVELOPES.c.digest.in_(keys))
            with self._reading.begin() as connection:
                found = {row.digest: row.body for row in connection.execute(query)}
            for key in keys:
                yield found[key]

    def remove(self, digests: Sequence[str]) -> int:
        """Delete envelopes; return how many were there.

        Some hundred in each transaction: the journal must hold what is overwritten, and a full disk has little room
        for it. If the portal dies in between, the same acknowledgement deletes the rest.
        """
        deleted = 0
        for start in range(0, len(digests), _DELETE_STEP):
            keys = [bytes.fromhex(digest) for digest in digests[start : start + _DELETE_STEP]]
            with self._engine.begin() as connection:
                deleted += connection.execute(delete(_ENVELOPES).where(_ENVELOPES.c.digest.in_(keys))).rowcount
        return deleted

    def vacuum(self) -> None:
        """Rewrite the file: no free page is left, and the pages stand in the order of the digests.

        The copy is made in memory, which must hold what waits.
        """
        raw = self._engine.raw_connection()
        try:
            raw.cursor().execute("VACUUM")
        finally:
            raw.close()

    def last_manifest(self) -> MadeManifest | None:
        """Return the manifest of the last pull."""
        with self._reading.begin() as connection:
            return _last_manifest(connection)

    def made(self, pull: int, digest: str) -> bool:
        """Return whether the portal made this manifest."""
        query = select(_MANIFESTS.c.pull).where(_MANIFESTS.c.pull == pull, _MANIFESTS.c.digest == digest)
        with self._reading.begin() as connection:
            return connection.execute(query).first() is not None

    def begin(self) -> "Writing":
        """Return a transaction that alone may write, for making a manifest or taking a list."""
        return Writing(self._engine)

    def list_for(self, today: date) -> HeldList | None:
        """Return the list in force.

        The highest sequence whose first week covers today, else the highest with any week that does.
        """
        covering = (_KEY_LISTS.c.first <= today) & (_KEY_LISTS.c.last >= today)
        begun = _KEY_LISTS.c.first > today - timedelta(days=7)
        query = select(_KEY_LISTS).where(covering).order_by(begun.desc(), _KEY_LISTS.c.sequence.desc()).limit(1)
        return self._one_list(query)

    def last_list(self) -> HeldList | None:
        """Return the list with the highest sequence held, in force or not."""
        return self._one_list(select(_KEY_LISTS).order_by(_KEY_LISTS.c.sequence.desc()).limit(1))

    def list_days(self) -> list[tuple[int, date, date]]:
        """Return sequence, first and last day of every list held."""
        query = select(_KEY_LISTS.c.sequence, _KEY_LISTS.c.first, _KEY_LISTS.c.last).order_by(_KEY_LISTS.c.sequence)
        with self._reading.begin() as connection:
            return [(row.sequence, row.first, row.last) for row in connection.execute(query)]

    def use_nonce(self, nonce: str, *, expires: int, now: int) -> bool:
        """Return whether the nonce was new, and keep it until `expires` (Unix time)."""
        with self._engine.begin() as connection:
            connection.execute(delete(_NONCES).where(_NONCES.c.expires < now))
            made = connection.execute(
                sqlite.insert(_NONCES).values(nonce=nonce, expires=expires).on_conflict_do_nothing()
            )
            return made.rowcount == 1

    def _one_list(self, query: Any) -> HeldList | None:
        with self._reading.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else HeldList(**row._mapping)


class Writing:
    """One write transaction: what is read in it is still true when it commits."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = engine.begin()

    def __enter__(self) -> "Writing":
        self._connection = self._transaction.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        self._transaction.__exit__(*reason)

    def last_manifest(self) -> MadeManifest | None:
        """Return the manifest of the last pull."""
        return _last_manifest(self._connection)

    def digests(self) -> list[tuple[str, int]]:
        """Return digest and length of every envelope, sorted by digest."""
        query = select(_ENVELOPES.c.digest, func.length(_ENVELOPES.c.body)).order_by(_ENVELOPES.c.digest)
        return [(digest.hex(), size) for digest, size in self._connection.execute(query)]

    def keep_manifest(self, made: MadeManifest) -> None:
        """Keep a manifest as the last one; of those before, only number, digest and day stay."""
        self._connection.execute(update(_MANIFESTS).values(line=None, signature=None))
        day = _pass_day(self._connection, made.day)
        self._connection.execute(
            insert(_MANIFESTS).values(
                pull=made.pull,
                digest=made.digest,
                previous=made.previous,
                day=day,
                line=made.line,
                signature=made.signature,
            )
        )

    def held_list(self, sequence: int) -> HeldList | None:
        """Return the list of this sequence."""
        row = self._connection.execute(select(_KEY_LISTS).where(_KEY_LISTS.c.sequence == sequence)).first()
        return None if row is None else HeldList(**row._mapping)

    def highest_sequence(self) -> int:
        """Return the highest sequence held, 0 if none is."""
        return self._connection.execute(select(func.max(_KEY_LISTS.c.sequence))).scalar_one() or 0

    def keep_list(self, held: HeldList) -> None:
        """Keep a list that is not held yet."""
        self._connection.execute(
            insert(_KEY_LISTS).values(
                sequence=held.sequence, text=held.text, signature=held.signature, first=held.first, last=held.last
            )
        )


def storage_broke(error: BaseException) -> bool:
    """Return whether writing or syncing failed below the database.

    After that nobody knows what the disk holds: the process must end, and never sync the same file again.
    """
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.Error) and (getattr(cause, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_IOERR


def _last_manifest(connection: Connection) -> MadeManifest | None:
    row = connection.execute(select(_MANIFESTS).order_by(_MANIFESTS.c.pull.desc()).limit(1)).first()
    return None if row is None else MadeManifest(**row._mapping)


def _pass_day(connection: Connection, today: date) -> date:
    largest: date | None = connection.execute(select(_DAYS.c.largest)).scalar()
    if largest is not None and largest >= today:
        return largest
    connection.execute(delete(_DAYS))
    connection.execute(insert(_DAYS).values(largest=today))
    return today


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin does
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
