# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shelf: what the portal keeps on stable storage, and nothing more.

An envelope's row is its digest, size class, day and bytes. Its key is the digest, so the tree tells no order of
arrival; `vacuum` rewrites the pages in the same order. A day is never below the largest day the shelf has seen.
The shelf stands in a SQLite file or in a PostgreSQL database (store.py); everything here holds for both.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from crypto.primitives import sha256
from portal.store import CommitUnsettled, connection_ended, open_store
from portal.tables import DAMAGED, DAYS, ENVELOPES, KEY_LISTS, MANIFESTS, NONCES, PUBLISHED

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


@dataclass(frozen=True, slots=True)
class Published:
    """Signed bytes that every front end serves alike. `digest` is that of `body` when it was written."""

    name: str
    number: int
    digest: bytes
    body: bytes


class EnvelopeDamaged(Exception):
    """An envelope's bytes are no longer those of its digest; it was set aside."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(digest.hex())
        self.digest = digest.hex()


class Shelf:
    """The database behind one URL. Each method is one transaction, `remove` several."""

    def __init__(self, url: str) -> None:
        self._store = open_store(url)
        self._engine = self._store.engine
        self._reading = self._engine.execution_options(reading=True)

    def open(self) -> None:
        """Open the first connection, for which all others would wait. A locked shelf is no fault yet."""
        with contextlib.suppress(OperationalError), self._reading.connect():
            pass

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def put(self, letters: Iterable[Letter], today: date) -> None:
        """Store letters in one transaction.

        A letter that is there already is written again, with the day it had: else the time of the answer would tell
        that a copy is here. Returns after the commit is on stable storage. Raises CommitUnsettled.
        """
        with self._writing() as connection:
            day = _pass_day(connection, today)
            rows = [
                {"digest": letter.digest, "size_class": letter.size_class, "day": day, "body": letter.body}
                for letter in letters
            ]
            self._store.overwrite(connection, rows)

    def waiting(self) -> tuple[int, date | None]:
        """Return how many envelopes wait, and the oldest one's day."""
        query = select(func.count(), func.min(ENVELOPES.c.day)).select_from(ENVELOPES)
        with self._reading.begin() as connection:
            count, day = connection.execute(query).one()
            return count, day

    def damaged(self) -> int:
        """Return how many envelopes were set aside because their bytes had changed."""
        with self._reading.begin() as connection:
            return connection.execute(select(func.count()).select_from(DAMAGED)).scalar_one()

    def bodies(self, digests: Sequence[str]) -> Iterable[bytes]:
        """Yield the envelopes in the order of `digests`.

        Raises KeyError if one is gone, and EnvelopeDamaged, after setting it aside, if one is not as it came: whoever
        takes the bytes would refuse them, and all that stand after it.
        """
        for start in range(0, len(digests), _STREAM_STEP):
            keys = [bytes.fromhex(digest) for digest in digests[start : start + _STREAM_STEP]]
            query = select(ENVELOPES.c.digest, ENVELOPES.c.body).where(ENVELOPES.c.digest.in_(keys))
            with self._reading.begin() as connection:
                found = {row.digest: row.body for row in connection.execute(query)}
            for key in keys:
                if sha256(found[key]) != key:
                    self._set_aside(key)
                    raise EnvelopeDamaged(key)
                yield found[key]

    def remove(self, digests: Sequence[str]) -> int:
        """Delete envelopes; return how many were there.

        Some hundred in each transaction: the journal must hold what is overwritten, and a full disk has little room
        for it. If the portal dies in between, the same acknowledgement deletes the rest.
        """
        deleted = 0
        for start in range(0, len(digests), _DELETE_STEP):
            keys = [bytes.fromhex(digest) for digest in digests[start : start + _DELETE_STEP]]
            with self._writing() as connection:
                deleted += connection.execute(delete(ENVELOPES).where(ENVELOPES.c.digest.in_(keys))).rowcount
        return deleted

    def vacuum(self) -> None:
        """Rewrite the store: nothing deleted is left, and the pages stand in the order of the digests."""
        self._store.rewrite(self.waiting()[0])

    def is_whole(self) -> bool:
        """Return whether pages, tables and rows hold together. Reads all of it."""
        return self._store.is_whole()

    def has_gaps(self) -> bool:
        """Return whether deleted rows may have left room that a vacuum gives up."""
        return self._store.has_gaps()

    def used_bytes(self) -> int:
        """Return how large the database is."""
        return self._store.used_bytes()

    def revision(self) -> str | None:
        """Return which revision of the tables is here: None for none at all, "" for one from before they had names."""
        with self._reading.begin() as connection:
            tables = set(inspect(connection).get_table_names())
            if "alembic_version" in tables:
                found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
                return found or ""
        return "" if ENVELOPES.name in tables else None

    def last_manifest(self) -> MadeManifest | None:
        """Return the manifest of the last pull."""
        with self._reading.begin() as connection:
            return _last_manifest(connection)

    def made(self, pull: int, digest: str) -> bool:
        """Return whether the portal made this manifest."""
        query = select(MANIFESTS.c.pull).where(MANIFESTS.c.pull == pull, MANIFESTS.c.digest == digest)
        with self._reading.begin() as connection:
            return connection.execute(query).first() is not None

    def note_acknowledged(self, pull: int) -> None:
        """Note that the desk holds the bundles of this shelf up to this number."""
        column = MANIFESTS.c
        with self._writing() as connection:
            connection.execute(
                update(MANIFESTS).where(column.pull <= pull, column.signature.is_not(None)).values(signature=None)
            )

    def begin(self) -> "Writing":
        """Return a transaction that alone may write, for making a manifest or taking a list."""
        return Writing(self._writing())

    def list_for(self, today: date) -> HeldList | None:
        """Return the list in force: the highest sequence that covers today and that no newer list has replaced."""
        query = select(KEY_LISTS).where(_stands(), KEY_LISTS.c.first <= today, KEY_LISTS.c.last >= today)
        return self._one_list(query.order_by(KEY_LISTS.c.sequence.desc()).limit(1))

    def last_list(self) -> HeldList | None:
        """Return the list with the highest sequence held, in force or not. No list has replaced it."""
        return self._one_list(select(KEY_LISTS).order_by(KEY_LISTS.c.sequence.desc()).limit(1))

    def list_days(self) -> list[tuple[int, date, date]]:
        """Return sequence, first and last day of every list that no newer one has replaced."""
        query = select(KEY_LISTS.c.sequence, KEY_LISTS.c.first, KEY_LISTS.c.last).where(_stands())
        with self._reading.begin() as connection:
            return [tuple(row) for row in connection.execute(query.order_by(KEY_LISTS.c.sequence))]

    def published(self, name: str) -> Published | None:
        """Return what is published under this name."""
        with self._reading.begin() as connection:
            return _published(connection, name)

    def published_digest(self, name: str) -> bytes | None:
        """Return its digest alone: what to ask for where only a change matters."""
        with self._reading.begin() as connection:
            found: bytes | None = connection.execute(
                select(PUBLISHED.c.digest).where(PUBLISHED.c.name == name)
            ).scalar()
            return found

    def forget_nonces(self, today: date) -> None:
        """Delete the nonces of days that are over; those of yesterday still stand for requests around midnight."""
        with self._writing() as connection:
            _forget_nonces(connection, today)

    def use_nonce(self, nonce: str, today: date) -> bool:
        """Return whether the nonce was new, and keep it until tomorrow has passed: no hour of a request is kept."""
        with self._writing() as connection:
            _forget_nonces(connection, today)
            new = self._store.insert(NONCES).values(nonce=nonce, day=today).on_conflict_do_nothing()
            return connection.execute(new.returning(NONCES.c.nonce)).first() is not None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Yield a connection that alone may write, until the block ends and all is committed.

        Raises CommitUnsettled if nobody can say whether it was.
        """
        try:
            with self._engine.connect() as connection, connection.begin() as transaction:
                yield connection
                try:
                    transaction.commit()
                except DBAPIError as error:
                    if connection_ended(error):
                        raise CommitUnsettled from error
                    raise
        finally:
            self._store.wrote()

    def _set_aside(self, key: bytes) -> None:
        chosen = select(ENVELOPES.c.digest, ENVELOPES.c.day, ENVELOPES.c.body).where(ENVELOPES.c.digest == key)
        with self._writing() as connection:
            aside = self._store.insert(DAMAGED).from_select(list(DAMAGED.c), chosen)
            connection.execute(aside.on_conflict_do_nothing())
            connection.execute(delete(ENVELOPES).where(ENVELOPES.c.digest == key))

    def _one_list(self, query: Any) -> HeldList | None:
        with self._reading.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else HeldList(**row._mapping)


class Writing:
    """One write transaction: what is read in it is still true when it commits."""

    def __init__(self, transaction: contextlib.AbstractContextManager[Connection]) -> None:
        self._transaction = transaction

    def __enter__(self) -> "Writing":
        self._connection = self._transaction.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        self._transaction.__exit__(*reason)

    def last_manifest(self) -> MadeManifest | None:
        """Return the manifest of the last pull."""
        return _last_manifest(self._connection)

    def knows(self, digest: str) -> bool:
        """Return whether a manifest of this digest is here, under any number."""
        query = select(MANIFESTS.c.pull).where(MANIFESTS.c.digest == digest)
        return self._connection.execute(query).first() is not None

    def any_acknowledged(self) -> bool:
        """Return whether the desk holds a bundle of this shelf, as far as the shelf knows.

        What the shelf went on from is no bundle of it: no signature, line or number before. Where such a row has
        number 1, and others follow, it counts as one.
        """
        column = MANIFESTS.c
        last = select(func.max(column.pull)).scalar_subquery()
        gone_on_from = column.line.is_(None) & column.previous.is_(None) & ((column.pull > 1) | (column.pull == last))
        query = select(column.pull).where(column.signature.is_(None), ~gone_on_from)
        return self._connection.execute(query.limit(1)).first() is not None

    def digests(self) -> list[tuple[str, int]]:
        """Return digest and length of every envelope, sorted by digest."""
        query = select(ENVELOPES.c.digest, func.length(ENVELOPES.c.body)).order_by(ENVELOPES.c.digest)
        return [(digest.hex(), size) for digest, size in self._connection.execute(query)]

    def keep_manifest(self, made: MadeManifest) -> None:
        """Keep a manifest as the last one; of those before, only number, digests, day and signature stay."""
        self._connection.execute(update(MANIFESTS).values(line=None))
        day = _pass_day(self._connection, made.day)
        self._connection.execute(
            insert(MANIFESTS).values(
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
        row = self._connection.execute(select(KEY_LISTS).where(KEY_LISTS.c.sequence == sequence)).first()
        return None if row is None else HeldList(**row._mapping)

    def highest_sequence(self) -> int:
        """Return the highest sequence held, 0 if none is."""
        return self._connection.execute(select(func.max(KEY_LISTS.c.sequence))).scalar_one() or 0

    def keep_list(self, held: HeldList) -> None:
        """Keep a list that is not held yet."""
        self._connection.execute(
            insert(KEY_LISTS).values(
                sequence=held.sequence, text=held.text, signature=held.signature, first=held.first, last=held.last
            )
        )

    def published(self, name: str) -> Published | None:
        """Return what is published under this name."""
        return _published(self._connection, name)

    def publish(self, name: str, number: int, body: bytes) -> None:
        """Publish these bytes in place of those that have the name."""
        self._connection.execute(delete(PUBLISHED).where(PUBLISHED.c.name == name))
        self._connection.execute(insert(PUBLISHED).values(name=name, number=number, digest=sha256(body), body=body))


def _stands() -> ColumnElement[bool]:
    """Return the condition that no list with a higher sequence begins on or before the first week of this one."""
    newer = KEY_LISTS.alias()
    replaced = select(newer.c.sequence).where(
        newer.c.sequence > KEY_LISTS.c.sequence, newer.c.first <= KEY_LISTS.c.first
    )
    return ~replaced.exists()


def _published(connection: Connection, name: str) -> Published | None:
    row = connection.execute(select(PUBLISHED).where(PUBLISHED.c.name == name)).first()
    return None if row is None else Published(**row._mapping)


def _forget_nonces(connection: Connection, today: date) -> None:
    connection.execute(delete(NONCES).where(NONCES.c.day < today - timedelta(days=1)))


def _last_manifest(connection: Connection) -> MadeManifest | None:
    row = connection.execute(select(MANIFESTS).order_by(MANIFESTS.c.pull.desc()).limit(1)).first()
    return None if row is None else MadeManifest(**row._mapping)


def _pass_day(connection: Connection, today: date) -> date:
    largest: date | None = connection.execute(select(DAYS.c.largest)).scalar()
    if largest is not None and largest >= today:
        return largest
    connection.execute(delete(DAYS))
    connection.execute(insert(DAYS).values(largest=today))
    return today
