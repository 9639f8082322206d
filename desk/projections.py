# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each event makes of the tables. One function says it, for the running desk and for a rebuild alike.

What a reviewer has undone makes nothing: the tables are those of a log in which it does not stand.
Chains of two people have no common order. Where both make one row, a rule says which stands, whichever is read first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from crypto.primitives import digest
from desk import acts, tables
from desk.decisions import Topic
from desk.events import Event, Kind, Value, read_event

Row = dict[str, Value]
Key = tuple[Value, ...]
State = dict[str, dict[Key, Row]]


@dataclass(frozen=True, slots=True)
class Put:
    """A row that now stands, in place of an earlier one of the same key."""

    table: Table
    row: Row


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that no longer stands. `row` holds its key."""

    table: Table
    row: Row


def _envelope(event: Event, outcome: str) -> Put:
    fields = event.fields
    row: Row = {
        "envelope": fields["envelope"],
        "outcome": outcome,
        "report": fields.get("report"),
        "fault": fields.get("fault"),
        "sealed": fields.get("sealed") if outcome == "set_aside" else None,
        "day": event.day,
    }
    return Put(tables.envelopes, row)


def _decision(event: Event, topic: Topic, subject: str, value: str, text: str = "") -> Put:
    fields = event.fields
    row: Row = {
        "decision": digest(event.body.encode()),
        "topic": topic.value,
        "subject": fields[subject] if subject else topic.value,
        "value": fields[value] or "",
        "text": fields[text] if text else None,
        "after": fields["after"],
        "reviewer": event.reviewer,
        "day": event.day,
    }
    return Put(tables.decisions, row)


def _link(event: Event, report: Value, other: Value) -> Put:
    kept = {name: event.fields[name] for name in ("relation", "state", "after")}
    own: Row = {"decision": digest(event.body.encode()), "reviewer": event.reviewer, "day": event.day}
    return Put(tables.links, {"report": report, "other": other, **kept, **own})


# What each kind of decision is about: its topic, and the fields that hold subject, value and text.
_DECISIONS: dict[Kind, tuple[Topic, str, str, str]] = {
    Kind.OFFICE: (Topic.OFFICE, "", "settings", ""),
    Kind.ROLES: (Topic.ROLES, "member", "roles", ""),
    Kind.CUSTODY: (Topic.CUSTODY, "report", "state", "reason"),
    Kind.MASKED: (Topic.MASKS, "report", "masked", "layer"),
    Kind.ASSIGNED: (Topic.ASSIGNED, "report", "to", ""),
    Kind.HELD: (Topic.HOLD, "hold", "state", "text"),
    Kind.FILTER: (Topic.FILTER, "filter", "state", "text"),
    Kind.TEMPLATE: (Topic.TEMPLATE, "template", "state", "text"),
    Kind.RULES: (Topic.RULES, "subject", "acts", ""),
    Kind.SECOND: (Topic.SECOND, "request", "state", "text"),
    Kind.CLOCK: (Topic.CLOCK, "report", "clock", ""),
    Kind.REGIME: (Topic.REGIME, "subject", "profile", ""),
    Kind.ROUTE: (Topic.ROUTE, "route", "rule", "text"),
    Kind.BACKED_UP: (Topic.BACKUP, "", "heads", ""),
}


def effects(event: Event) -> tuple[Put | Drop, ...]:
    """Return what an event changes. Reviewers' rows are their own, so chains may be followed in any order."""
    fields, own = event.fields, {"reviewer": event.reviewer}
    dated: Row = {**fields, **own, "day": event.day}
    numbered: Row = {**dated, "number": event.number}
    if event.kind in _DECISIONS:
        return (_decision(event, *_DECISIONS[event.kind]),)
    match event.kind:
        case Kind.FILED:
            return Put(tables.reports, {**fields, "day": event.day}), _envelope(event, "filed")
        case Kind.REPEATED | Kind.SET_ASIDE:
            return (_envelope(event, event.kind.value),)
        case Kind.RECEIVED:
            return (Put(tables.bundles, {**fields, "day": event.day}),)
        case Kind.TAGGED:
            return (Put(tables.codings, {**fields, **own}),)
        case Kind.UNTAGGED:
            return (Drop(tables.codings, {**fields, **own}),)
        case Kind.STATUS:
            return (Put(tables.statuses, dated),)
        case Kind.SUMMARIZED:
            return (Put(tables.summaries, dated),)
        case Kind.NOTED:
            return (Put(tables.notes, numbered),)
        case Kind.OPENED:
            return (Put(tables.openings, numbered),)
        case Kind.LINKED:
            report, other = fields["report"], fields["other"]
            return _link(event, report, other), _link(event, other, report)
        case Kind.SEEN:
            return (Put(tables.seen, dated),)
        case Kind.JUNKED:
            return (Put(tables.junk, dated),)
        case Kind.PURGED:
            kept = {name: value for name, value in dated.items() if name != "report"}
            return (Put(tables.purged, kept),)
        case Kind.JOINED | Kind.DESTROYED | Kind.BULK | Kind.UNDONE | Kind.REDONE:
            return ()
    raise ValueError(f"nothing is known of what {event.kind} changes")


def key_of(table: Table, row: Row) -> Key:
    """Return the primary key of a row."""
    return tuple(row[column.name] for column in table.primary_key)


SHARED = frozenset({tables.reports, tables.envelopes, tables.bundles, tables.purged})  # rows that are nobody's own
_OUTCOMES = ("set_aside", "repeated", "filed")


def stands_before(table: Table, row: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    """Return whether a row of SHARED stands, and not the other one of its key; of equal ones, neither.

    What was filed stands before what was repeated, that before what was set aside, and what was opened before what
    was not. Otherwise the later day stands; on one day, the rest of the row decides, only so that something does.
    """
    return _weight(table, row) > _weight(table, other)


def _weight(table: Table, row: Mapping[str, Value]) -> tuple[int, bool, str, str]:
    outcome = _OUTCOMES.index(str(row["outcome"])) if table is tables.envelopes else 0
    rest = repr([row[column.name] for column in table.columns])
    return outcome, row.get("sealed") is not None, str(row["day"]), rest


def fold(events: Iterable[Event]) -> State:
    """Return the tables that these events make."""
    events = list(events)
    state: State = {table.name: {} for table in tables.made.sorted_tables}
    undone = acts.undone(events)
    for event in events:
        if (event.reviewer, event.number) in undone:
            continue
        for effect in effects(event):
            rows, key = state[effect.table.name], key_of(effect.table, effect.row)
            if isinstance(effect, Put):
                if not (key in rows and _loses(effect, rows[key])):
                    rows[key] = effect.row
            else:
                rows.pop(key, None)
    return state


def _loses(put: Put, found: Row) -> bool:
    return put.table in SHARED and not stands_before(put.table, put.row, found)


_PUT = {table: insert(table).prefix_with("OR REPLACE") for table in tables.made.sorted_tables}
_KEYS = {
    table: [column == bindparam(column.name) for column in table.primary_key] for table in tables.made.sorted_tables
}
_ROW = {table: select(table).where(*keys) for table, keys in _KEYS.items()}
_DROP = {table: delete(table).where(*keys) for table, keys in _KEYS.items()}


def apply(connection: Connection, event: Event) -> None:
    """Write what an event changes. It stands in the log already."""
    found = _again(connection, event) if event.kind in (Kind.UNDONE, Kind.REDONE) else effects(event)
    for effect in found:
        if isinstance(effect, Put):
            earlier = _row(connection, effect) if effect.table in SHARED else None
            if earlier is None or not _loses(effect, earlier):
                connection.execute(_PUT[effect.table], effect.row)
        else:
            connection.execute(_DROP[effect.table], effect.row)


def _row(connection: Connection, put: Put) -> Row | None:
    keys = {column.name: put.row[column.name] for column in put.table.primary_key}
    found = connection.execute(_ROW[put.table], keys).mappings().one_or_none()
    return None if found is None else dict(found)


def _again(connection: Connection, event: Event) -> Iterator[Put | Drop]:
    """Yield the rows that events of a chain touch which are undone or redone: as the rest of the chain makes them.

    Such rows are the reviewer's own, so no other chain is read.
    """
    own = own_acts(connection, event.reviewer)
    named = [one for one in own if acts.covers(event, one)]
    rows = {(effect.table.name, key_of(effect.table, effect.row)): effect for one in named for effect in effects(one)}
    state = fold(own)
    for (table, key), effect in rows.items():
        row = state[table].get(key)
        yield Drop(effect.table, effect.row) if row is None else Put(effect.table, row)


def own_acts(connection: Connection, reviewer: str) -> list[Event]:
    """Return what can be undone of a reviewer's chain, with what says how it is grouped and what was undone."""
    column = tables.events.c
    kinds = sorted(kind.value for kind in (*acts.UNDOABLE, Kind.BULK, Kind.UNDONE, Kind.REDONE))
    chosen = select(column.body).where(column.reviewer == reviewer, func.json_extract(column.body, "$.kind").in_(kinds))
    return [read_event(body) for body in connection.execute(chosen.order_by(column.number)).scalars()]


def stored(connection: Connection) -> State:
    """Return the tables as they are."""
    return {
        table.name: {key_of(table, row): row for row in map(dict, connection.execute(select(table)).mappings())}
        for table in tables.made.sorted_tables
    }


def rebuild(connection: Connection, events: Iterable[Event]) -> None:
    """Make the tables anew from events, in the caller's transaction. Rows go in by key, not by time."""
    state = fold(events)
    for table in tables.made.sorted_tables:
        connection.execute(delete(table))
        rows = state[table.name]
        if rows:
            connection.execute(insert(table), [rows[key] for key in sorted(rows, key=str)])
