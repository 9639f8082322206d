# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stands where people decide one after the other: custody, masks, roles, assignments.

A decision names those whose place it takes. What nobody has taken the place of, stands; where two people decided
without knowing of each other, both stand, whichever chain is read first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from desk import tables

ON, OFF = "on", "off"  # of what stands or does not: a link, a hold, something saved


class Topic(StrEnum):
    """What a decision is about."""

    OFFICE = "office"  # the one subject "office"; value: digest of the settings; the vault's maker begins it
    ROLES = "roles"  # subject: a reviewer; value: their roles, separated by spaces
    CUSTODY = "custody"  # subject: a report; value: desk.custody.State
    MASKS = "masks"  # subject: a report; value: id of the masked text; text: id of the layer
    ASSIGNED = "assigned"  # subject: a report; value: a reviewer, or nothing
    HOLD = "hold"  # subject: a hold's id; value: on or off; text: scope and reason
    RULES = "rules"  # value: the acts that need two people
    BACKUP = "backup"  # the one subject "backup"; value: digest of the heads that the copy holds
    FILTER = "filter"  # subject: a saved filter's id; value: on or off; text: name and terms
    TEMPLATE = "template"  # subject: a template's id; value: on or off; text: name and text
    SECOND = "second"  # subject: a request's id; value: asked, approved or done; text: what was asked for
    CLOCK = "clock"  # subject: a report; value: route, day or month, desk.clocks.Mark; one decision for each route
    REGIME = "regime"  # value: a profile of deadlines
    ROUTE = "route"  # subject: a route; value: count, unit, the profile it is confirmed for; text: with whom to file


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `text` is the id of a text, or None; `after` the ids of those whose place it takes."""

    id: str
    subject: str
    value: str
    text: str | None
    after: str
    reviewer: str
    day: str


def all_decisions(connection: Connection, topic: Topic, subject: str | None = None) -> list[Decision]:
    """Return every decision on a topic, by id; on one subject only where it is given."""
    found = tables.decisions.c
    chosen = select(tables.decisions).where(found.topic == topic.value).order_by(found.decision)
    rows = connection.execute(chosen if subject is None else chosen.where(found.subject == subject))
    return [_decision(row) for row in rows]


def _decision(row: Any) -> Decision:
    return Decision(row.decision, row.subject, row.value, row.text, row.after or "", row.reviewer, row.day)


def heads(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    """Return those of these decisions whose place none of these takes, by subject."""
    decisions = list(decisions)
    replaced = {(one.subject, earlier) for one in decisions for earlier in one.after.split()}
    stands: dict[str, list[Decision]] = {}
    for one in decisions:
        if (one.subject, one.id) not in replaced:
            stands.setdefault(one.subject, []).append(one)
    return stands


def stands_of_many(connection: Connection, subjects: Sequence[str]) -> dict[str, dict[Topic, list[Decision]]]:
    """Return what stands for these subjects on every topic, by id, in one reading."""
    found: dict[tuple[str, Topic], list[Decision]] = {}
    column = tables.decisions.c
    chosen = select(tables.decisions).where(column.subject.in_(subjects)).order_by(column.decision)
    for row in connection.execute(chosen):
        found.setdefault((row.subject, Topic(row.topic)), []).append(_decision(row))
    stands: dict[str, dict[Topic, list[Decision]]] = {}
    for (subject, topic), decisions in found.items():
        stands.setdefault(subject, {})[topic] = heads(decisions).get(subject, [])
    return stands


def standing(connection: Connection, topic: Topic, subject: str) -> list[Decision]:
    """Return what stands for a subject, by id; mostly one, none before the first."""
    return heads(all_decisions(connection, topic, subject)).get(subject, [])


def after(decisions: Iterable[Decision]) -> str | None:
    """Return these as the decision that takes their place names them."""
    return " ".join(decision.id for decision in decisions) or None
