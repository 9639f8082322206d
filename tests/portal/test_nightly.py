# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nightly job: nothing is lost, no order and no hour is left, and a shelf that is damaged is called so."""

import random
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path

import pytest
from portalkit import Served, underseal
from storekit import ME, Kit, PostgresqlKit, both, on_postgresql

from crypto.primitives import sha256
from portal.shelf import Letter, Shelf

DAY = date(2031, 5, 6)
SIZE = 21_157


def arrivals(count: int) -> list[Letter]:
    """Return letters in the order they arrive in; the same each time."""
    bodies = [random.Random(number).randbytes(SIZE) for number in range(count)]
    return [Letter(sha256(body), "letter", body) for body in bodies]


def places(store: Kit, letters: list[Letter]) -> list[int]:
    """Return where in the seized files each letter's last bytes stand."""
    raw = store.tables()
    return [raw.index(letter.body[-32:]) for letter in letters]


def kendall_tau(ranks: list[int]) -> float:
    """Return Kendall's tau of a list against the order it stands in (Kendall 1938); no ties."""
    pairs = [1 if a < b else -1 for a, b in combinations(ranks, 2)]
    return sum(pairs) / len(pairs)


def nightly(folder: Path):
    """Run the job by its command."""
    return underseal("portal", "nightly", "--dir", folder)


@both
def test_order_is_gone(folder: Path, shelf: Shelf, store: Kit) -> None:
    """Before, the order of 500 letters can be read from the file; after, it cannot, and all are there."""
    letters = arrivals(500)
    for letter in letters:
        shelf.put([letter], DAY)
    assert kendall_tau(places(store, letters)) > 0.5
    ran = nightly(folder)
    assert (0, "portal: the shelf is rewritten and whole; envelopes waiting: 500\n") == (ran.code, ran.err)
    assert abs(kendall_tau(places(store, letters))) < 0.1
    assert [letter.body for letter in letters] == list(shelf.bodies([letter.digest.hex() for letter in letters]))


@dataclass(frozen=True, slots=True)
class Seized:
    """A row as it lies in a table's file: the transaction that wrote it, its digest, the number of its long value."""

    transaction: int
    digest: bytes
    value: int


def seized_rows(heap: bytes) -> list[Seized]:
    """Return the rows of `envelopes` in the order of their places, read from the file as an examiner would.

    PostgreSQL's "Database Page Layout": pages of 8 KiB, line pointers from byte 24 on, tuples with xmin at 0 and the
    length of their header at 22; here the digest comes first (33 bytes), and a pointer to the long value last.
    """
    rows = []
    for page in (heap[start : start + 8_192] for start in range(0, len(heap), 8_192)):
        (lower,) = struct.unpack_from("<H", page, 12)
        for (line,) in struct.iter_unpack("<I", page[24:lower]):
            offset, state, length = line & 0x7FFF, line >> 15 & 3, line >> 17
            assert state == 1, "a dead row has been left"
            tuple_ = page[offset : offset + length]
            data = tuple_[tuple_[22] :]
            assert data[0] == 0x43 and tuple_[-18:-16] == b"\x01\x12"
            rows.append(Seized(*struct.unpack_from("<I", tuple_), data[1:33], struct.unpack("<I", tuple_[-8:-4])[0]))
    return rows


@on_postgresql
def test_rows_tell_no_order(folder: Path, shelf: Shelf, store: PostgresqlKit) -> None:
    """Transactions, places and numbers of long values tell the order of 500 letters before the job, and not after."""
    letters = arrivals(500)
    for letter in letters:
        shelf.put([letter], DAY)
    store.flush()
    arrived = {letter.digest: number for number, letter in enumerate(letters)}
    before = sorted(seized_rows(store.file_of("envelopes")), key=lambda row: row.transaction)
    assert list(range(500)) == [arrived[row.digest] for row in before]
    assert kendall_tau([row.value for row in before]) > 0.9
    assert nightly(folder).code == 0
    after = seized_rows(store.file_of("envelopes"))
    assert 1 == len({row.transaction for row in after})
    assert sorted(arrived) == [row.digest for row in after] == [row.digest for row in sorted(after, key=by_value)]
    assert abs(kendall_tau([arrived[row.digest] for row in after])) < 0.1
    raw = b"".join(path.read_bytes() for path in sorted((store.server.data / "pg_wal").iterdir()) if path.is_file())
    assert [] == [letter for letter in letters if letter.digest in raw or letter.body[-32:] in raw]


def by_value(row: Seized) -> int:
    """Return what a row is sorted by: the server numbers long values in the order they are written."""
    return row.value


@on_postgresql
def test_rights_are_named(folder: Path, shelf: Shelf, store: PostgresqlKit) -> None:
    """A role that may not end the log of changes is told so; the tables are rewritten all the same."""
    shelf.put(arrivals(1), DAY)
    with store.server.changed():
        store.server.stop()
        store.server.alone("postgres", f'REVOKE pg_checkpoint FROM "{ME}"')
        store.server.start()
        ran = nightly(folder)
        told = underseal("portal", "status", "--dir", folder).err
        store.server.stop()
        store.server.alone("postgres", f'GRANT pg_checkpoint TO "{ME}"')
    assert (7, True) == (ran.code, "may not end the server's log of changes" in ran.err), ran.err
    assert "the role may not end the log of changes" in told
    assert 1 == shelf.waiting()[0]


@on_postgresql
def test_damaged_page_is_named(folder: Path, shelf: Shelf, store: PostgresqlKit) -> None:
    """A page of the server's that is not as it was written: one sentence, exit 7."""
    shelf.put(arrivals(3), DAY)
    shelf.close()
    store.flush()
    path = store.server.data / store.rows("SELECT pg_relation_filepath('envelopes')")[0][0]
    with store.server.changed():
        store.server.stop()
        raw = bytearray(path.read_bytes())
        raw[8_000:8_050] = b"\xff" * 50
        path.write_bytes(raw)
        store.server.start()
        ran = nightly(folder)
    assert (7, True) == (ran.code, ran.err.startswith("portal: the shelf does not hold together")), ran.err


def test_every_file_says_midnight(folder: Path, shelf: Shelf) -> None:
    """No file and no folder of the portal keeps an hour."""
    shelf.put(arrivals(2), DAY)
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.touch()
    nightly(folder)
    times = {second for path in paths for second in (path.stat().st_mtime, path.stat().st_atime)}
    assert {0} == {second % 86_400 for second in times}


@both
def test_old_nonces_go(folder: Path, shelf: Shelf, store: Kit) -> None:
    """A courier's nonces of days that are over are not kept until the next courier comes."""
    today = datetime.now(UTC).date()
    for nonce, day in (("old", DAY.replace(year=2020)), ("new", today)):
        shelf.use_nonce(nonce, day)
    nightly(folder)
    assert [("new",)] == store.rows("SELECT nonce FROM nonces")


@both
def test_portal_takes_letters_meanwhile(served: Served, office, shelf: Shelf) -> None:
    """The job runs beside a portal that is being used."""
    for _ in range(3):
        assert served.post(office.envelope()).status == 201
        assert nightly(served.folder).code == 0
    assert shelf.waiting()[0] == 3


def spoil(folder: Path, where: int) -> None:
    """Change bytes of the shelf's file, as a failing disk would."""
    raw = bytearray((folder / "shelf.sqlite").read_bytes())
    raw[where : where + 600] = b"\xff" * 600
    (folder / "shelf.sqlite").write_bytes(raw)


@pytest.mark.parametrize("where", [100, 4_096 * 3])
def test_damaged_shelf_is_named(folder: Path, shelf: Shelf, where: int) -> None:
    """The tables no longer hold together: one sentence, exit 7."""
    shelf.put(arrivals(3), DAY)
    shelf.close()
    spoil(folder, where)
    ran = nightly(folder)
    assert ran.code == 7, ran.err
    assert ran.err.startswith("portal: the shelf does not hold together")


@both
def test_damaged_letter_is_set_aside(folder: Path, shelf: Shelf, store: Kit) -> None:
    """One letter's bytes have changed: it is set aside and told, the others wait as before."""
    letters = arrivals(3)
    shelf.put(letters, DAY)
    shelf.close()
    store.spoil(letters[1].body)
    ran = nightly(folder)
    assert ran.code == 0
    assert "envelopes waiting: 2\n" in ran.err
    assert "because their bytes had changed: 1\n" in ran.err
