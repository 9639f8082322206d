# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nightly job: nothing is lost, no order and no hour is left, and a shelf that is damaged is called so."""

import random
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path

import pytest
from portalkit import Served, underseal

from crypto.primitives import sha256
from portal.shelf import Letter, Shelf

DAY = date(2031, 5, 6)
SIZE = 21_157


def arrivals(count: int) -> list[Letter]:
    """Return letters in the order they arrive in; the same each time."""
    bodies = [random.Random(number).randbytes(SIZE) for number in range(count)]
    return [Letter(sha256(body), "letter", body) for body in bodies]


def places(folder: Path, letters: list[Letter]) -> list[int]:
    """Return where in the seized files each letter's last bytes stand."""
    raw = (folder / "shelf.sqlite").read_bytes()
    return [raw.index(letter.body[-32:]) for letter in letters]


def kendall_tau(ranks: list[int]) -> float:
    """Return Kendall's tau of a list against the order it stands in (Kendall 1938); no ties."""
    pairs = [1 if a < b else -1 for a, b in combinations(ranks, 2)]
    return sum(pairs) / len(pairs)


def nightly(folder: Path):
    """Run the job by its command."""
    return underseal("portal", "nightly", "--dir", folder)


def test_order_is_gone(folder: Path, shelf: Shelf) -> None:
    """Before, the order of 500 letters can be read from the file; after, it cannot, and all are there."""
    letters = arrivals(500)
    for letter in letters:
        shelf.put([letter], DAY)
    assert kendall_tau(places(folder, letters)) > 0.5
    ran = nightly(folder)
    assert (0, "portal: the shelf is rewritten and whole; envelopes waiting: 500\n") == (ran.code, ran.err)
    assert abs(kendall_tau(places(folder, letters))) < 0.1
    assert [letter.body for letter in letters] == list(shelf.bodies([letter.digest.hex() for letter in letters]))


def test_every_file_says_midnight(folder: Path, shelf: Shelf) -> None:
    """No file and no folder of the portal keeps an hour."""
    shelf.put(arrivals(2), DAY)
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.touch()
    nightly(folder)
    times = {second for path in paths for second in (path.stat().st_mtime, path.stat().st_atime)}
    assert {0} == {second % 86_400 for second in times}


def test_old_nonces_go(folder: Path, shelf: Shelf) -> None:
    """A courier's nonces of days that are over are not kept until the next courier comes."""
    today = datetime.now(UTC).date()
    for nonce, day in (("old", DAY.replace(year=2020)), ("new", today)):
        shelf.use_nonce(nonce, day)
    nightly(folder)
    with closing(sqlite3.connect(folder / "shelf.sqlite")) as connection:
        assert [("new",)] == connection.execute("SELECT nonce FROM nonces").fetchall()


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


def test_damaged_letter_is_set_aside(folder: Path, shelf: Shelf) -> None:
    """One letter's bytes have changed: it is set aside and told, the others wait as before."""
    letters = arrivals(3)
    shelf.put(letters, DAY)
    shelf.close()
    spoil(folder, (folder / "shelf.sqlite").read_bytes().index(letters[1].body[2_000:2_032]))
    ran = nightly(folder)
    assert ran.code == 0
    assert "envelopes waiting: 2\n" in ran.err
    assert "because their bytes had changed: 1\n" in ran.err
