# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lists, filters and search read: a card, terms and masked words for each report.

All of it is made from the other tables and their texts, in the transaction that changes them, and can be made again.
A filter is a set of terms; a report is found when it has all of them. Terms and cards hold chosen answers and what
the desk decided; only masked words of reports that were passed are searched.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    intersect,
    select,
    text,
)

from crypto.primitives import random_bytes
from desk import tables
from desk.custody import CANNOT_WAIT, STRICTEST, State
from desk.decisions import Decision, Topic, stands_of
from desk.sources import Sources

NEW = "new"
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

Card = dict[str, Any]


def create(connection: Connection) -> None:
    """Make the empty tables."""
    indexed.create_all(connection)
    connection.exec_driver_sql(_SEARCH)
    connection.exec_driver_sql("INSERT INTO found(found, rank) VALUES('secure-delete', 1)")


Stands = dict[Topic, list[Decision]]


def custody_of(connection: Connection, report: str) -> State:
    """Return the state of a report: the strictest of what stands; quarantine where nothing does."""
    return _custody(stands_of(connection, report))


def _custody(stands: Stands) -> State:
    states = {decision.value for decision in stands.get(Topic.CUSTODY, [])} or {State.QUARANTINE}
    return next(state for state in STRICTEST if state in states)


def masked_words(connection: Connection, report: str) -> str | None:
    """Return a report's masked words; None where it was not passed, or where they were erased.

    Where two layers stand, both texts are given, one after the other.
    """
    return _words(connection, stands_of(connection, report))


def _words(connection: Connection, stands: Stands) -> str | None:
    if _custody(stands) is not State.PASSED:
        return None
    names = [decision.value for decision in stands.get(Topic.MASKS, [])]
    column = tables.texts.c
    found = connection.execute(select(column.text).where(column.id.in_(names)).order_by(column.id)).scalars().all()
    return "\n\n".join(found) if found else None


def card_of(connection: Connection, report: str, sources: Sources | None = None) -> Card | None:
    """Return what a list shows of a report; None where its facts were erased."""
    return _card(connection, report, stands_of(connection, report), sources or Sources(connection))


def _card(connection: Connection, report: str, stands: Stands, sources: Sources) -> Card | None:
    facts = _facts(connection, report)
    if facts is None:
        return None
    answers = facts["answers"]
    statuses, codings = tables.statuses.c, tables.codings.c
    states = connection.execute(select(statuses.status).where(statuses.report == report)).scalars()
    codes = connection.execute(select(codings.code).where(codings.report == report)).scalars()
    assigned = {decision.value for decision in stands.get(Topic.ASSIGNED, [])} - {""}
    seen = select(tables.seen.c.reviewer).where(tables.seen.c.report == report).order_by(tables.seen.c.reviewer)
    return {
        "report": report,
        "month": str(answers.get("event_month", "")),
        "region": str(answers.get("region", "")),
        "program": str(answers.get("program", "")),
        "kinds": list(answers.get("kinds", ())),
        "codes": sorted(set(codes)),
        "status": "/".join(sorted(set(states))) or NEW,  # reviewers who differ are both shown
        "custody": _custody(stands).value,
        "flags": facts["flags"],
        "today": bool(set(facts["flags"]) & CANNOT_WAIT),
        "assigned": sorted(assigned),
        "seen": list(connection.execute(seen).scalars()),
        "source": sources.name(report),
        "links": sorted({link.relation for link in sources.links(report)}),
        "day": facts["day"],
    }


def facts_of(connection: Connection, report: str) -> dict[str, Any]:
    """Return the chosen answers, consent and findings of a report that has a card."""
    facts = _facts(connection, report)
    assert facts is not None, "a card is made from facts"
    return facts


def _facts(connection: Connection, report: str) -> dict[str, Any] | None:
    joined = tables.reports.join(tables.texts, tables.reports.c.facts == tables.texts.c.id)
    chosen = select(tables.texts.c.text, tables.reports.c.day).select_from(joined)
    row = connection.execute(chosen.where(tables.reports.c.report == report)).one_or_none()
    return None if row is None else {**json.loads(row.text), "day": row.day}


PREFIXES = ("kind", "code", "status", "month", "region", "program", "flag", "custody", "assigned")


def terms_of(card: Card) -> set[str]:
    """Return the terms under which a card is found."""
    return {
        "all",
        f"month:{card['month']}",
        f"region:{card['region']}",
        f"program:{card['program']}",
        f"custody:{card['custody']}",
        *(f"kind:{kind}" for kind in card["kinds"]),
        *(f"code:{code}" for code in card["codes"]),
        *(f"status:{status}" for status in card["status"].split("/")),
        *(f"flag:{flag}" for flag in card["flags"]),
        *(f"assigned:{who}" for who in card["assigned"] or [""]),
        *(f"seen:{who}" for who in card["seen"]),
        *(f"link:{relation}" for relation in card["links"]),
        *([f"source:{card['source']}"] if card["source"] else []),
        *(["today"] if card["today"] else []),
    }


def refresh(connection: Connection, reports: Iterable[str]) -> None:
    """Make card, terms and searched words of these reports anew."""
    sources = Sources(connection)
    for report in sorted(reports):
        found = connection.execute(select(cards.c.row, cards.c.card).where(cards.c.report == report)).one_or_none()
        stands = stands_of(connection, report)
        card, had = _card(connection, report, stands, sources), json.loads(found.card) if found else None
        row = found.row if found else int.from_bytes(random_bytes(8)) >> 2
        if card != had:
            _write(connection, report, row, card, had)
        _write_words(connection, report, row, _words(connection, stands) if card else None)


def _write_words(connection: Connection, report: str, row: int, words: str | None) -> None:
    """Let these words be searched, and no others of this report. Most acts leave them as they are."""
    there = connection.execute(text("SELECT words FROM found WHERE rowid = :row"), {"row": row}).scalar_one_or_none()
    if there == (words or None):
        return
    if there is not None:
        connection.execute(text("DELETE FROM found WHERE rowid = :row"), {"row": row})
    if words:
        put = text("INSERT INTO found(rowid, report, words) VALUES(:row, :report, :words)")
        connection.execute(put, {"row": row, "report": report, "words": words})


def _write(connection: Connection, report: str, row: int, card: Card | None, had: Card | None) -> None:
    now, before = terms_of(card) if card else set(), terms_of(had) if had else set()
    if before - now:
        gone = terms.c.term.in_(sorted(before - now))
        connection.execute(delete(terms).where(gone, terms.c.report == report))
    if now - before:
        connection.execute(insert(terms), [{"term": term, "report": report} for term in sorted(now - before)])
    connection.execute(delete(cards).where(cards.c.report == report))
    if card:
        connection.execute(insert(cards), {"report": report, "row": row, "card": json.dumps(card, sort_keys=True)})


def faults(connection: Connection) -> list[str]:
    """Return the names of the tables here that are not what the other tables make of them."""
    wanted_cards: dict[str, Card] = {}
    wanted_words: dict[str, str] = {}
    wanted_terms: set[tuple[str, str]] = set()
    sources = Sources(connection)
    for report in connection.execute(select(tables.reports.c.report)).scalars().all():
        card = card_of(connection, report, sources)
        if card is not None:
            wanted_cards[report] = card
            wanted_terms |= {(term, report) for term in terms_of(card)}
            words = masked_words(connection, report)
            wanted_words |= {report: words} if words else {}
    found = {
        "cards": {row.report: json.loads(row.card) for row in connection.execute(select(cards))} == wanted_cards,
        "terms": {(row.term, row.report) for row in connection.execute(select(terms))} == wanted_terms,
        "found": dict(map(tuple, connection.execute(text("SELECT report, words FROM found")))) == wanted_words,
    }
    return [name for name, holds in found.items() if not holds]


def rebuild(connection: Connection) -> None:
    """Make all of it anew from the other tables."""
    connection.execute(delete(terms))
    connection.execute(delete(cards))
    connection.execute(text("DELETE FROM found"))
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
    wanted = [word for word in untrusted_words.split() if re.search(r"\w", word)][:MAX_WORDS]
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
