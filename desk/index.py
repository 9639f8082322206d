# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lists, filters and search read: a card, terms and masked words for each report.

All of it is made from the other tables and their texts, in the transaction that changes them, and can be made again.
A filter is a set of terms; a report is found when it has all of them. Terms and cards hold chosen answers and what
the desk decided; only masked words of reports that were passed are searched.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    intersect,
    select,
    text,
)

from crypto.primitives import random_bytes
from desk import tables
from desk.cards import Card, make_cards, terms_of
from desk.sources import MANY, Sources

MAX_WORDS = 20
SNIPPET_WORDS = 16
MARK = "\x02", "\x03"  # around what was found; no letter can hold them once it is masked and printed

indexed = MetaData()
terms = Table(
    "terms",
    indexed,
    Column("term", String, primary_key=True),
    Column("report", String, primary_key=True),
    sqlite_with_rowid=False,
)
cards = Table(
    "cards",
    indexed,
    Column("report", String, primary_key=True),
    Column("row", Integer, nullable=False, unique=True),  # of the searched words; random, so it tells no order
    Column("card", String, nullable=False),
    sqlite_with_rowid=False,
)
_SEARCH = "CREATE VIRTUAL TABLE found USING fts5(report UNINDEXED, words, tokenize='unicode61 remove_diacritics 2')"
_WORDS_OF = text("SELECT rowid, words FROM found WHERE rowid IN :rows").bindparams(bindparam("rows", expanding=True))
_DROP_WORDS = text("DELETE FROM found WHERE rowid = :row")
_REBUILD = text("INSERT INTO found(found) VALUES('rebuild')")
_PUT_WORDS = text("INSERT INTO found(rowid, report, words) VALUES(:row, :report, :words)")


def create(connection: Connection) -> None:
    """Make the empty tables."""
    indexed.create_all(connection)
    connection.exec_driver_sql(_SEARCH)
    connection.exec_driver_sql("INSERT INTO found(found, rank) VALUES('secure-delete', 1)")


def refresh(connection: Connection, reports: Iterable[str]) -> None:
    """Make card, terms and searched words of these reports anew.

    Where words go and a beginning of one would stay in what parts the leaves of the search, all of it is built anew,
    once: that takes seconds for tens of thousands of reports, and to look takes a tenth of it.
    """
    made, sources = sorted(set(reports)), Sources(connection)
    gone = [_refresh(connection, made[start : start + MANY], sources) for start in range(0, len(made), MANY)]
    if any(gone) and stale(connection):
        connection.execute(_REBUILD)


def _refresh(connection: Connection, reports: Sequence[str], sources: Sources) -> bool:
    """Return whether words went."""
    found = {row.report: row for row in connection.execute(select(cards).where(cards.c.report.in_(reports)))}
    searched = dict(map(tuple, connection.execute(_WORDS_OF, {"rows": [row.row for row in found.values()]})))
    put_cards, put_terms, put_words, gone_words = [], [], [], []
    for report, made in make_cards(connection, reports, sources).items():
        had = json.loads(found[report].card) if report in found else None
        row = found[report].row if had else int.from_bytes(random_bytes(8)) >> 2
        now, before = (terms_of(card) if card else set() for card in (made.card, had))
        if before - now:
            gone = terms.c.term.in_(sorted(before - now))
            connection.execute(delete(terms).where(gone, terms.c.report == report))
        put_terms += [{"term": term, "report": report} for term in sorted(now - before)]
        if made.card:
            put_cards.append({"report": report, "row": row, "card": json.dumps(made.card, sort_keys=True)})
        words, had_words = made.words if made.card else None, searched.get(row)
        if words != had_words:  # to erase words so that nothing of them is left takes long: only what changed
            gone_words += [{"row": row}] if had_words else []
            put_words += [{"row": row, "report": report, "words": words}] if words else []
    if found:
        connection.execute(delete(cards).where(cards.c.report.in_(list(found))))
    steps = ((_DROP_WORDS, gone_words), (insert(cards), put_cards), (insert(terms), put_terms), (_PUT_WORDS, put_words))
    for statement, rows in steps:
        if rows:
            connection.execute(statement, rows)
    return bool(gone_words)


def faults(connection: Connection) -> list[str]:
    """Return the names of the tables here that are not what the other tables make of them."""
    made = make_cards(connection, connection.execute(select(tables.reports.c.report)).scalars().all())
    wanted = {report: one for report, one in made.items() if one.card is not None}
    wanted_terms = {(term, report) for report, one in wanted.items() for term in terms_of(one.card or {})}
    stored = {row.report: row for row in connection.execute(select(cards))}
    rows = {report: row.row for report, row in stored.items()}
    searched = [(rows.get(report, 0), report, one.words) for report, one in wanted.items() if one.words]
    found = {
        "cards": {report: json.loads(row.card) for report, row in stored.items()}
        == {report: one.card for report, one in wanted.items()},
        "terms": {(row.term, row.report) for row in connection.execute(select(terms))} == wanted_terms,
        "found": sorted(map(tuple, connection.execute(text("SELECT rowid, report, words FROM found"))))
        == sorted(searched)
        and not stale(connection),
    }
    return [name for name, holds in found.items() if not holds]


def stale(connection: Connection) -> list[str]:
    """Return what the search keeps between its leaves though no word there begins so: left of words that have gone.

    Source: SQLite's FTS5, "The %_idx Table"; a term's first byte tells its index, and there is one.
    """
    connection.exec_driver_sql("CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'found', 'row')")
    try:
        words = connection.exec_driver_sql("SELECT term FROM temp.words ORDER BY term").scalars().all()
    finally:
        connection.exec_driver_sql("DROP TABLE temp.words")
    living = sorted(word.encode() for word in words)
    kept = [bytes(term)[1:] for term in connection.exec_driver_sql("SELECT term FROM found_idx").scalars() if term]
    return [repr(term) for term in kept if not any(word.startswith(term) for word in _after(living, term))]


def _after(living: list[bytes], term: bytes) -> list[bytes]:
    at = bisect_left(living, term)
    return living[at : at + 1]


def rebuild(connection: Connection) -> None:
    """Make all of it anew from the other tables."""
    connection.execute(delete(terms))
    connection.execute(delete(cards))
    connection.execute(text("DELETE FROM found"))
    connection.execute(_REBUILD)
    refresh(connection, connection.execute(select(tables.reports.c.report)).scalars().all())


def _matching(wanted: Sequence[str]) -> Any:
    each = [select(terms.c.report).where(terms.c.term == term) for term in wanted or ("all",)]
    return (intersect(*each) if len(each) > 1 else each[0]).subquery()


def count(connection: Connection, wanted: Sequence[str]) -> int:
    """Return how many reports have all of these terms."""
    return int(connection.execute(select(func.count()).select_from(_matching(wanted))).scalar_one())


def count_sources(connection: Connection, wanted: Sequence[str]) -> int:
    """Return from how many sources the reports come that have all of these terms."""
    found, column = _matching(wanted), terms.c
    of_many = select(func.count(), func.count(column.term.distinct())).join(found, found.c.report == column.report)
    members, sources = connection.execute(of_many.where(column.term >= "source:", column.term < "source;")).one()
    return count(connection, wanted) - int(members) + int(sources)


def sources_of(connection: Connection, reports: Sequence[str]) -> int:
    """Return from how many sources these reports come."""
    sources = Sources(connection)
    return len({sources.name(report) or report for report in reports})


def unread(connection: Connection, reviewer: str) -> str | None:
    """Return a report for this reviewer to read: passed, not closed, not shown to them, and theirs or nobody's.

    What cannot wait comes first; among the rest the first id after a random one, so that no order is told.
    """
    passed = select(terms.c.report).where(terms.c.term == "custody:passed")
    theirs = passed.where(_has("assigned:", f"assigned:{reviewer}"))
    open_to = theirs.where(~_has(f"seen:{reviewer}"), ~_has("status:closed"))
    urgent = open_to.where(_has("today"))
    start = random_bytes(16).hex()
    for chosen in (urgent, open_to):
        for further in (chosen.where(terms.c.report > start), chosen):
            row = connection.execute(further.order_by(terms.c.report).limit(1)).one_or_none()
            if row is not None:
                return str(row[0])
    return None


def _has(*wanted: str) -> Any:
    other = terms.alias()
    return select(other.c.term).where(other.c.term.in_(wanted), other.c.report == terms.c.report).exists()


def searched(connection: Connection) -> dict[str, str]:
    """Return the masked words of every report that was passed."""
    return dict(map(tuple, connection.execute(text("SELECT report, words FROM found ORDER BY report"))))


def matching(connection: Connection, wanted: Sequence[str]) -> frozenset[str]:
    """Return the ids of the reports that have all of these terms."""
    return frozenset(connection.execute(select(_matching(wanted).c.report)).scalars())


def tally(connection: Connection, beginning: str) -> dict[str, int]:
    """Return how many reports have each term that begins so, by what follows."""
    column = terms.c.term
    counted = select(column, func.count()).where(column >= beginning, column < beginning + "\x7f").group_by(column)
    return {term.removeprefix(beginning): number for term, number in connection.execute(counted.order_by(column))}


def page(connection: Connection, wanted: Sequence[str], *, start: str = "", limit: int | None = None) -> list[Card]:
    """Return cards of the reports that have all of these terms, by id, from the first id after `start` on."""
    found = _matching(wanted)
    chosen = select(found.c.report).where(found.c.report > start).order_by(found.c.report).limit(limit).subquery()
    joined = select(cards.c.card).join(chosen, chosen.c.report == cards.c.report).order_by(cards.c.report)
    return [json.loads(card) for card in connection.execute(joined).scalars()]


def search(connection: Connection, untrusted_words: str, *, limit: int) -> list[tuple[str, str]]:
    """Return (report, snippet) for the reports whose masked words hold all of these, in an order that tells nothing.

    A word that ends with * finds what begins so. What was found stands between the two MARKs.
    """
    readable = untrusted_words.encode("utf-8", "replace").decode().replace("\0", " ")  # SQLite takes no other
    wanted = [word for word in readable.split() if re.search(r"\w", word)][:MAX_WORDS]
    if not wanted:
        return []
    query = " ".join(_quoted(word) for word in wanted)
    statement = text(
        "SELECT report, snippet(found, 1, :opens, :closes, ' ... ', :words) FROM found"
        " WHERE found MATCH :query ORDER BY rowid LIMIT :limit"
    )
    values = {"opens": MARK[0], "closes": MARK[1], "words": SNIPPET_WORDS, "query": query, "limit": limit}
    return [(row[0], row[1]) for row in connection.execute(statement, values)]


def _quoted(word: str) -> str:
    """Return a word as FTS5 reads it literally; a * at its end stays one."""
    return '"' + word.rstrip("*").replace('"', '""') + '"' + ("*" if word.endswith("*") else "")
