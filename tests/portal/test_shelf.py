# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the shelf keeps, in which order, and what a deletion leaves: nothing."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from storekit import Kit, PostgresqlKit, SqliteKit, both, on_postgresql

from crypto.primitives import digest, sha256
from portal.migrating import migrate
from portal.shelf import EnvelopeDamaged, Letter, Shelf

DAY = date(2031, 5, 6)
SIZE = 21_157


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the shelf's file stands, on SQLite."""
    return tmp_path / "shelf.sqlite"


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    """A store without tables."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield SqliteKit(tmp_path)
        return
    server = request.getfixturevalue("postgresql")
    database = server.create()
    yield PostgresqlKit(server, database)
    server.drop(database)


@pytest.fixture
def bare(store: Kit, path: Path) -> Iterator[Shelf]:
    """An empty shelf without key lists."""
    url = store.url or f"sqlite:///{path}"
    migrate(url)
    shelf = Shelf(url)
    yield shelf
    shelf.close()


def letters(count: int) -> list[Letter]:
    """Return letters of random bytes."""
    bodies = [os.urandom(SIZE) for _ in range(count)]
    return [Letter(sha256(body), "letter", body) for body in bodies]


def test_row_is_four_facts(bare: Shelf, path: Path) -> None:
    """An envelope's row is digest, size class, day and bytes, without a hidden row number."""
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(envelopes)")]
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'envelopes'").fetchone()
    assert ["digest", "size_class", "day", "body"] == columns
    assert sql.rstrip().endswith("WITHOUT ROWID")


PRAGMAS = {
    "secure_delete": 1,
    "auto_vacuum": 0,
    "temp_store": 2,
    "mmap_size": 0,
    "busy_timeout": 10_000,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "journal_mode": "truncate",
    "synchronous": 2,
}


@pytest.mark.parametrize("pragma", PRAGMAS)
def test_pragma_is_set(bare: Shelf, pragma: str) -> None:
    """Every connection works under the settings that leave no remnants and lose no commit."""
    with bare._engine.connect() as connection:
        row = connection.exec_driver_sql(f"PRAGMA {pragma}").fetchone()
    assert (PRAGMAS[pragma] if pragma != "mmap_size" else 0) == (row[0] if row else 0)


def test_write_begins_immediate(bare: Shelf) -> None:
    """A write transaction takes its lock at its beginning, so that it never fails halfway for want of one."""
    said: list[str] = []
    event.listen(bare._engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    bare.put(letters(1), DAY)
    assert "BEGIN IMMEDIATE" == said[0]


@on_postgresql
def test_row_is_four_facts_there(bare: Shelf, store: PostgresqlKit) -> None:
    """In a database too; and no table of it has a sequence, a clock or a column for more."""
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'envelopes' ORDER BY 1"
    assert [("body",), ("day",), ("digest",), ("size_class",)] == store.rows(columns)
    types = store.rows("SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'public'")
    assert {("bytea",), ("date",), ("text",), ("integer",), ("character varying",)} == set(types)
    assert [] == store.rows("SELECT relname FROM pg_class WHERE relkind = 'S'")


SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_isolation": "read committed",
    "TimeZone": "UTC",
}


@on_postgresql
@pytest.mark.parametrize("setting", SESSION)
def test_session_is_set(bare: Shelf, setting: str) -> None:
    """Every connection says so itself, whatever the server, the database or the role have."""
    with bare._reading.connect() as connection:
        assert SESSION[setting] == connection.exec_driver_sql(f"SHOW {setting}").scalar_one()


@both
def test_same_letter_one_row(bare: Shelf) -> None:
    """A letter that comes twice, or twice in one commit, is one row."""
    letter = letters(1)[0]
    bare.put([letter, letter], DAY)
    bare.put([letter], DAY)
    assert (1, DAY) == bare.waiting()


@both
def test_pages_in_order_of_digests(bare: Shelf, store: Kit) -> None:
    """After a vacuum the file tells nothing of the order of arrival: the bytes stand in the order of the digests."""
    made = letters(60)
    for letter in made:
        bare.put([letter], DAY)
    bare.vacuum()
    raw = store.tables()
    by_place = sorted(made, key=lambda letter: raw.index(letter.body[-2_000:-1_900]))
    assert sorted(letter.digest for letter in made) == [letter.digest for letter in by_place]


@on_postgresql
def test_deleted_bytes_go_there(bare: Shelf, store: PostgresqlKit) -> None:
    """On PostgreSQL they go with the vacuum: from the tables' files, and from the server's log of changes."""
    made = letters(8)
    bare.put(made, DAY)
    assert 4 == bare.remove([letter.digest.hex() for letter in made[:4]])
    marks = {letter.digest: (letter.body[5_000:5_064], letter.digest) for letter in made}
    before, _ = store.seized(), bare.vacuum()
    assert made == [letter for letter in made if all(mark in before for mark in marks[letter.digest])]
    raw = store.seized()
    assert made[4:] == [letter for letter in made if any(mark in raw for mark in marks[letter.digest])]


def test_deleted_bytes_are_gone(bare: Shelf, path: Path) -> None:
    """What was deleted is in no free page and in no journal, before the vacuum already."""
    made = letters(20)
    bare.put(made, DAY)
    assert 10 == bare.remove([letter.digest.hex() for letter in made[:10]])
    raw = b"".join(file.read_bytes() for file in path.parent.iterdir())
    left = [letter for letter in made if letter.body[5_000:5_064] in raw or letter.digest in raw]
    assert made[10:] == left


@both
def test_removal_is_exact(bare: Shelf) -> None:
    """Only what is named goes, also when there are more names than one statement takes."""
    made = letters(5)
    bare.put(made, DAY)
    unknown = [digest(str(number).encode()) for number in range(1_200)]
    assert 2 == bare.remove([*unknown, made[0].digest.hex(), made[1].digest.hex()])
    assert (3, DAY) == bare.waiting()


@both
def test_nonce_counts_once(bare: Shelf, store: Kit) -> None:
    """A nonce is new once, is kept through the next day, and nothing finer than its day is written down."""
    days = [DAY, DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
    assert [True, False, False, True] == [bare.use_nonce("a", day) for day in days]
    assert [("a", "2031-05-08")] == store.rows("SELECT * FROM nonces")


def test_file_times_say_midnight(bare: Shelf, path: Path) -> None:
    """After each commit neither the file, its journal nor the folder tells when it was."""
    files = [path, path.with_name("shelf.sqlite-journal"), path.parent]
    for act in (
        lambda: bare.put(letters(2), DAY),
        lambda: bare.use_nonce("a", DAY),
        lambda: bare.remove([digest(b"")]),
        bare.vacuum,
    ):
        for file in files:
            file.touch()
        act()
        times = [second for file in files for second in (file.stat().st_mtime, file.stat().st_atime)]
        assert {0} == {second % 86_400 for second in times}


def test_large_shelf_is_rewritten(bare: Shelf, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more letters than memory should hold the pages are put in order all the same."""
    monkeypatch.setenv("SQLITE_TMPDIR", str(path.parent))
    made = [Letter(sha256(body), "letter", body) for body in (os.urandom(400) for _ in range(1_001))]
    for start in range(0, len(made), 100):
        bare.put(made[start : start + 100], DAY)
    bare.remove([letter.digest.hex() for letter in made[:10]])
    bare.vacuum()
    raw = path.read_bytes()
    assert [True] * 991 == [letter.body in raw for letter in made[10:]]
    assert (False, {"shelf.sqlite", "shelf.sqlite-journal"}) == (
        bare.has_gaps(),
        {file.name for file in path.parent.iterdir()},
    )


@both
def test_damaged_letter_is_set_aside(bare: Shelf, store: Kit) -> None:
    """A letter of which one bit has flipped on the disk ends the reading; then it is kept apart, and can come anew."""
    made = sorted(letters(3), key=lambda letter: letter.digest)
    bare.put(made, DAY)
    bare.close()  # and with it what it holds in memory
    store.spoil(made[1].body)
    names = [letter.digest.hex() for letter in made]
    reading = iter(bare.bodies(names))
    assert made[0].body == next(reading)
    with pytest.raises(EnvelopeDamaged, match=names[1]):
        next(reading)
    assert (2, 1) == (bare.waiting()[0], bare.damaged())
    assert [made[0].body, made[2].body] == list(bare.bodies([names[0], names[2]]))
    bare.put(made, DAY)
    assert [letter.body for letter in made] == list(bare.bodies(names))


def test_letter_again_is_written(bare: Shelf, path: Path) -> None:
    """A letter that is here already is written to the disk like a new one, so that its answer comes no sooner."""
    letter = letters(1)[0]
    bare.put([letter], DAY)
    before, commits = path.read_bytes(), path.read_bytes()[24:28]  # the file's count of its commits
    bare.put([letter], DAY)
    after = path.read_bytes()
    assert 1 == int.from_bytes(after[24:28], "big") - int.from_bytes(commits, "big")
    assert len(before) == len(after)


@both
def test_letter_again_mends_it(bare: Shelf, store: Kit) -> None:
    """A letter that is sent again takes the place of a damaged copy, under the day it came first."""
    letter = letters(1)[0]
    bare.put([letter], DAY)
    bare.close()
    store.spoil(letter.body)
    bare.put([letter], DAY + timedelta(days=3))
    assert [letter.body] == list(bare.bodies([letter.digest.hex()]))
    assert (1, DAY) == bare.waiting()
