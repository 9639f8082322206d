# SPDX-License-Identifier: AGPL-3.0-or-later
"""Links between reports as they stand, and the sources that follow: reports of one source count once."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, select

from desk import tables
from desk.decisions import ON, Decision, heads

MANY = 500  # values in one question to the database


class Relation(StrEnum):
    """How two reports are linked; the value stands in its event."""

    SAME_SOURCE = "same-source"
    SAME_EVENT = "same-event"
    CORROBORATES = "corroborates"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that stands, from one report to another."""

    report: str
    other: str
    relation: str


def links_of(connection: Connection, reports: Iterable[str]) -> list[Link]:
    """Return the links of these reports, by report, relation and other; a link stands while any decision says so."""
    found = []
    ordered = sorted(set(reports))
    for start in range(0, len(ordered), MANY):
        column = tables.links.c
        some = column.report.in_(ordered[start : start + MANY])
        rows = connection.execute(select(tables.links).where(some).order_by(column.decision))
        standing = heads(_decision(row) for row in rows)
        for subject, decisions in standing.items():
            report, relation, other = subject.split()
            if any(one.value == ON for one in decisions):
                found.append(Link(report, other, relation))
    return sorted(found, key=lambda link: (link.report, link.relation, link.other))


def standing_of(connection: Connection, report: str, other: str, relation: Relation) -> list[Decision]:
    """Return the decisions that stand on one link, on or off."""
    column = tables.links.c
    chosen = select(tables.links).where(column.report == report, column.other == other, column.relation == relation)
    rows = connection.execute(chosen.order_by(column.decision))
    return [one for stands in heads(_decision(row) for row in rows).values() for one in stands]


def _decision(row: Row[tuple[str, ...]]) -> Decision:
    subject = f"{row.report} {row.relation} {row.other}"
    return Decision(row.decision, subject, row.state, None, row.after or "", row.reviewer, row.day)


class Sources:
    """Links and sources of many reports, as they stand; a source is looked up once for all of its members."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, frozenset[str]] = {}
        self._linked = frozenset(connection.execute(select(tables.links.c.report).distinct()).scalars())

    def links(self, report: str) -> list[Link]:
        """Return the links of one report."""
        return links_of(self._connection, [report]) if report in self._linked else []

    def members(self, report: str) -> frozenset[str]:
        """Return the reports that come from the source of this one, itself among them."""
        if report not in self._known:
            whole = self._follow(report)
            self._known |= dict.fromkeys(whole, whole)
        return self._known[report]

    def name(self, report: str) -> str:
        """Return the id under which a source of several reports is counted; nothing where the report stands alone."""
        members = self.members(report)
        return min(members) if len(members) > 1 else ""

    def _follow(self, report: str) -> frozenset[str]:
        found, fresh = {report}, {report}
        while fresh & self._linked:
            links = links_of(self._connection, fresh)
            fresh = {link.other for link in links if link.relation == Relation.SAME_SOURCE} - found
            found |= fresh
        return frozenset(found)
