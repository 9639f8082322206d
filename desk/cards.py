# SPDX-License-Identifier: AGPL-3.0-or-later
"""A card for each report: what lists show and filters ask, made from facts and decisions; and its masked words.

Facts, decisions and masked words of many reports are asked for at once.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from desk import tables
from desk.custody import CANNOT_WAIT, STRICTEST, State
from desk.decisions import Decision, Topic, stands_of_many
from desk.sources import MANY, Sources

NEW = "new"
ENDED = frozenset({"done", "closed"})

Card = dict[str, Any]
Stands = dict[Topic, list[Decision]]


@dataclass(frozen=True, slots=True)
class Made:
    """A report's card, None where its facts were erased, and its masked words, None where nobody may read any."""

    card: Card | None
    words: str | None


def make_cards(connection: Connection, reports: Iterable[str], sources: Sources | None = None) -> dict[str, Made]:
    """Return what is made of these reports."""
    sources, ordered = sources or Sources(connection), sorted(set(reports))
    made: dict[str, Made] = {}
    for start in range(0, len(ordered), MANY):
        some = ordered[start : start + MANY]
        material = _gather(connection, some)
        made |= {report: Made(_card(material, report, sources), _words(material, report)) for report in some}
    return made


def card_of(connection: Connection, report: str, sources: Sources | None = None) -> Card | None:
    """Return the card of one report; None where its facts were erased."""
    return make_cards(connection, [report], sources)[report].card


def masked_words(connection: Connection, report: str) -> str | None:
    """Return a report's masked words; None where it was not passed, or where they were erased.

    Where two layers stand, both texts are given, one after the other.
    """
    return _words(_gather(connection, [report]), report)


def custody_of(connection: Connection, report: str) -> State:
    """Return the state of a report: the strictest of what stands; quarantine where nothing does."""
    return _custody(stands_of_many(connection, [report]).get(report, {}))


def facts_of(connection: Connection, report: str) -> dict[str, Any]:
    """Return the chosen answers, consent and findings of a report that has a card."""
    return facts_of_many(connection, [report])[report]


def facts_of_many(connection: Connection, reports: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the chosen answers, consent and findings of those of these reports that have a card."""
    ordered = sorted(set(reports))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ordered), MANY):
        found |= _facts(connection, ordered[start : start + MANY])
    return found


def cannot_wait(card: Card) -> bool:
    """Return whether a report comes before all others: until everybody who decided on it has done or closed it."""
    return bool(card["today"]) and not set(card["status"].split("/")) <= ENDED


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


@dataclass(frozen=True, slots=True)
class _Material:
    """What cards are made of, by report; `texts` by their id."""

    facts: dict[str, dict[str, Any]]
    stands: dict[str, Stands]
    statuses: dict[str, set[str]]
    codes: dict[str, set[str]]
    seen: dict[str, set[str]]
    texts: dict[str, str]


def _gather(connection: Connection, reports: Sequence[str]) -> _Material:
    stands = stands_of_many(connection, reports)
    passed = [report for report in reports if _custody(stands.get(report, {})) is State.PASSED]
    names = [decision.value for report in passed for decision in stands[report].get(Topic.MASKS, [])]
    texts = tables.texts.c
    return _Material(
        _facts(connection, reports),
        stands,
        _grouped(connection, tables.statuses.c.report, tables.statuses.c.status, reports),
        _grouped(connection, tables.codings.c.report, tables.codings.c.code, reports),
        _grouped(connection, tables.seen.c.report, tables.seen.c.reviewer, reports),
        dict(map(tuple, connection.execute(select(texts.id, texts.text).where(texts.id.in_(names))))),
    )


def _grouped(
    connection: Connection, report: ColumnElement[str], value: ColumnElement[str], reports: Sequence[str]
) -> dict[str, set[str]]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for name, found in connection.execute(select(report, value).where(report.in_(reports))):
        groups[name].add(found)
    return groups


def _facts(connection: Connection, reports: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = tables.reports.c
    joined = tables.reports.join(tables.texts, found.facts == tables.texts.c.id)
    chosen = select(found.report, tables.texts.c.text, found.day).select_from(joined).where(found.report.in_(reports))
    return {row.report: {**json.loads(row.text), "day": row.day} for row in connection.execute(chosen)}


def _custody(stands: Stands) -> State:
    states = {decision.value for decision in stands.get(Topic.CUSTODY, [])} or {State.QUARANTINE}
    return next(state for state in STRICTEST if state in states)


def _words(material: _Material, report: str) -> str | None:
    stands = material.stands.get(report, {})
    if _custody(stands) is not State.PASSED:
        return None
    names = sorted(decision.value for decision in stands.get(Topic.MASKS, []))
    found = [material.texts[name] for name in names if name in material.texts]
    return "\n\n".join(found) if found else None


def _card(material: _Material, report: str, sources: Sources) -> Card | None:
    facts = material.facts.get(report)
    if facts is None:
        return None
    answers, stands = facts["answers"], material.stands.get(report, {})
    return {
        "report": report,
        "month": str(answers.get("event_month", "")),
        "region": str(answers.get("region", "")),
        "program": str(answers.get("program", "")),
        "kinds": list(answers.get("kinds", ())),
        "codes": sorted(material.codes.get(report, ())),
        "status": "/".join(sorted(material.statuses.get(report, ()))) or NEW,  # reviewers who differ are both shown
        "custody": _custody(stands).value,
        "flags": facts["flags"],
        "today": bool(set(facts["flags"]) & CANNOT_WAIT),
        "assigned": sorted({decision.value for decision in stands.get(Topic.ASSIGNED, [])} - {""}),
        "seen": sorted(material.seen.get(report, ())),
        "source": sources.name(report),
        "links": sorted({link.relation for link in sources.links(report)}),
        "day": facts["day"],
    }
