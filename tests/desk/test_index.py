# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lists and search read is written anew only where it changed, and asked for by few questions."""

import random

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, typed
from keepkit import questions
from sqlalchemy import delete, insert, select

from desk import custodian, index, review, tables
from desk.vault import Vault, open_vault, read_header
from desk.verify import verify_vault

IDS = [f"{number:02}" * 16 for number in range(6)]


@pytest.fixture
def filed(desk: Desk, office: Office) -> Desk:
    """A desk with six reports."""
    letters = [letter(f"Report {name[:2]} about a decision.", id=name) for name in IDS]
    desk.receive(office.bundle([office.envelope(each) for each in letters]))
    return desk


def _search_tables(vault: Vault) -> list[object]:
    with vault.reading() as connection:
        return list(connection.exec_driver_sql("SELECT id, block FROM found_data ORDER BY id").fetchall())


def test_searched_words_stay_while_they_are_the_same(filed: Desk) -> None:
    """A code leaves the search tables as they lie; words that were taken back go from them, and come again."""
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        before = _search_tables(vault)
        review.tag(vault, IDS, ["OTH.OUT"])
        assert before == _search_tables(vault)
        with vault.reading() as connection:
            assert 6 == index.count(connection, ["code:OTH.OUT"])
    filed("quarantine", "0000", typed="a name\n")
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        assert before != _search_tables(vault)
        with vault.reading() as connection:
            assert IDS[1:] == list(index.searched(connection))
            assert [] == index.search(connection, "00", limit=9)
        assert [] == verify_vault(vault).faults
    assert 0 == filed("pass", "0000", "--identity", str(filed.office.secret / "custodian.age"), typed="none\n").code
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        with vault.reading() as connection:
            assert [IDS[0]] == [report for report, _ in index.search(connection, "00", limit=9)]
        assert [] == verify_vault(vault).faults


def test_no_word_stays_between_the_leaves(filed: Desk) -> None:
    """Words that go leave nothing: not in the leaves, and not in what parts one leaf of the search from the next."""
    chance = random.Random(3)
    names = ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=8)) for _ in range(1_200)]
    rows = [
        {"row": chance.getrandbits(61), "report": f"{number:032x}", "words": f"{name}{last} was there"}
        for number, (name, last) in enumerate((name, last) for name in names for last in "ab")
    ]
    gone = [row for row in rows if row["words"].split()[0].endswith("b")]
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        with vault.writing() as writer:
            for row in chance.sample(rows, len(rows)):
                writer.connection.execute(index._PUT_WORDS, row)
            assert [] == index.stale(writer.connection)
        with vault.writing() as writer:
            writer.connection.execute(index._DROP_WORDS, [{"row": row["row"]} for row in gone])
            assert [] != index.stale(writer.connection)  # what FTS5 itself leaves of them
        custodian.quarantine(vault, IDS[0], "a name was missed")
        with vault.reading() as connection:
            assert [] == index.stale(connection)
            left = repr(connection.exec_driver_sql("SELECT * FROM found_idx, found_data").fetchall())
        assert [] == [word for row in gone if (word := row["words"].split()[0]) in left]


def test_many_words_that_go_are_one_rebuilding(filed: Desk) -> None:
    """A thousand reports that are gone build the search anew once; where nothing would stay, it is not built anew."""
    chance = random.Random(5)
    ids = [f"f{number:031x}" for number in range(2_000)]
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        with vault.writing() as writer:
            card = writer.connection.execute(select(index.cards.c.card).limit(1)).scalar_one()
            for name in chance.sample(ids, len(ids)):  # in pairs of words that differ in their end; one of each goes
                row, (pair, last) = chance.getrandbits(61), divmod(int(name[1:], 16), 2)
                words = " ".join(f"name{pair:04}{each}{'ab'[last]}" for each in range(8))
                writer.connection.execute(insert(index.cards), {"report": name, "row": row, "card": card})
                writer.connection.execute(index._PUT_WORDS, {"row": row, "report": name, "words": words})
        for gone, expected in ((ids[1::2], 1), ([IDS[0]], 0)):
            with questions(vault) as asked, vault.writing() as writer:
                writer.connection.execute(delete(tables.decisions).where(tables.decisions.c.subject.in_(gone)))
                index.refresh(writer.connection, gone)
                assert [] == index.stale(writer.connection)
            assert expected == len([one for one in asked if "rebuild" in one])
            with vault.reading() as connection:
                assert set(gone).isdisjoint(index.searched(connection))
