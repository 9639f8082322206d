# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking back one's own last act, and doing it again. Nothing leaves the log: an event says what counts no more."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, select

from crypto.primitives import digest
from desk import tables
from desk.acts import UNDOABLE, Act, acts_of
from desk.decisions import Decision, Topic, standing
from desk.events import Event, Kind
from desk.projections import own_acts
from desk.roles import Act as May
from desk.roles import refuse_unless
from desk.saved import Sort, namesakes
from desk.sources import Relation, Sources, standing_of
from desk.vault import Vault
from desk.work_errors import DecidedSince, NothingDone

_SUBJECTS = {  # the topic of decisions that can be undone, and the field that names their subject
    Kind.ASSIGNED: (Topic.ASSIGNED, "report"),
    Kind.FILTER: (Topic.FILTER, "filter"),
    Kind.TEMPLATE: (Topic.TEMPLATE, "template"),
}
DECISIONS = frozenset({Kind.LINKED, *_SUBJECTS})


@dataclass(frozen=True, slots=True)
class Changed:
    """What was undone or redone: how many events of which kind, and the reports they are about."""

    kinds: dict[str, int]
    reports: tuple[str, ...]


def undo(vault: Vault) -> Changed:
    """Take back the last act of whoever has the vault open. Raises NothingDone, DecidedSince, RoleMissing.

    Again goes further back. What others did is left as it is, and what NEVER_UNDONE names.
    """
    return _change(vault, Kind.UNDONE)


def redo(vault: Vault) -> Changed:
    """Do again what was undone last, unless something else was done since. Raises what `undo` raises."""
    return _change(vault, Kind.REDONE)


def _change(vault: Vault, kind: Kind) -> Changed:
    with vault.reading() as connection:
        act, events = _last(connection, vault.reviewer, kind)
        refuse = _refuse_if_followed if kind is Kind.UNDONE else _refuse_if_replaced
        refuse(connection, [one for one in events if one.kind in DECISIONS])
    refuse_unless(vault, May.JUNK if {one.kind for one in events} == {Kind.JUNKED} else May.WORK)
    with vault.writing() as writer:
        before, alike = _of_sources(writer.connection, events), _namesakes(writer.connection, events)
        writer.record(kind, first=act.first, last=act.last)
        writer.touched |= before | _of_sources(writer.connection, events)
        if _namesakes(writer.connection, events) - alike:
            raise DecidedSince  # somebody has saved under that name since: both would stand; nothing is written
    reports = {str(one.fields["report"]) for one in events if one.fields.get("report")}
    return Changed(dict(Counter(one.kind.value for one in events)), tuple(sorted(reports)))


def _last(connection: Connection, reviewer: str, kind: Kind) -> tuple[Act, list[Event]]:
    """Return what this person would undo or redo, and its events. Raises NothingDone."""
    chain = own_acts(connection, reviewer)
    acts, back = acts_of(chain), kind is Kind.UNDONE
    left = acts.done if back else acts.undone
    if not left:
        raise NothingDone("undone" if back else "redone")
    return left[-1], _events(chain, left[-1])


def _events(chain: list[Event], act: Act) -> list[Event]:
    return [event for event in chain if event.kind in UNDOABLE and act.first <= event.number <= act.last]


def _of_sources(connection: Connection, events: list[Event]) -> set[str]:
    """Return the reports that events are about, and where they are links, all of the sources that they join."""
    named = {str(one.fields[name]) for one in events for name in ("report", "other") if one.fields.get(name)}
    if any(one.kind is Kind.LINKED for one in events):
        sources = Sources(connection)
        named |= {member for report in named for member in sources.members(report)}
    return named


def _namesakes(connection: Connection, events: list[Event]) -> Counter[str]:
    """Return the names under which more than one filter or template stands, where events are about such."""
    sorts = {Sort(one.kind.value) for one in events if one.kind in (Kind.FILTER, Kind.TEMPLATE)}
    return Counter({f"{sort} {name}": n for sort in sorts for name, n in namesakes(connection, sort).items()})


def _refuse_if_followed(connection: Connection, decisions: list[Event]) -> None:
    """Raise DecidedSince where another decision takes the place of one of these: it would fall with it."""
    mine = {digest(event.body.encode()) for event in decisions}
    if not mine:
        return
    for table in (tables.decisions, tables.links):
        rows = connection.execute(select(table.c.after).where(table.c.after.is_not(None))).scalars()
        if any(mine & set(row.split()) for row in rows):
            raise DecidedSince


def _refuse_if_replaced(connection: Connection, decisions: list[Event]) -> None:
    """Raise DecidedSince where something else stands now than one of these took the place of: both would stand."""
    for event in decisions:
        if {one.id for one in _standing(connection, event)} != set(str(event.fields["after"] or "").split()):
            raise DecidedSince


def _standing(connection: Connection, event: Event) -> list[Decision]:
    fields = event.fields
    if event.kind is Kind.LINKED:
        return standing_of(connection, str(fields["other"]), str(fields["report"]), Relation(str(fields["relation"])))
    topic, subject = _SUBJECTS[event.kind]
    return standing(connection, topic, str(fields[subject]))
