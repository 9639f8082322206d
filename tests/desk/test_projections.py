# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables: what is written step by step is what a rebuild makes, whatever happened in whatever order."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import create_engine, insert

from desk import projections, tables
from desk.events import Event, Kind

Step = tuple[Kind, dict[str, object], str]
Steps = list[Step]
REPORTS, CODES, DAYS = ["00", "11"], ["REV.OVER", "STD.NEXUS"], ["2031-05-06", "2031-05-07"]
FIELDS = {
    Kind.TAGGED: {"report": REPORTS, "code": CODES},
    Kind.UNTAGGED: {"report": REPORTS, "code": CODES},
    Kind.NOTED: {"report": REPORTS, "text": ["t1", "t2"]},
    Kind.SUMMARIZED: {"report": REPORTS, "text": ["t3", "t4"]},
    Kind.STATUS: {"report": REPORTS, "status": ["new", "done"], "reason": [None, "t5"]},
    Kind.OPENED: {"subject": REPORTS},
    Kind.FILED: {
        "envelope": ["e1", "e2", "e3"],
        "report": REPORTS,
        "letter": ["l", "l2"],
        "sealed": ["s", "s2"],
        "facts": ["f", "f2"],
    },
    Kind.REPEATED: {"envelope": ["e1", "e2", "e3"], "report": REPORTS},
    Kind.SET_ASIDE: {"envelope": ["e1", "e2", "e3"], "fault": ["size", "no-match"], "sealed": [None, "s", "s2"]},
    Kind.RECEIVED: {
        "manifest": ["m1", "m2"],
        "portal": ["p", "p2"],
        "pull": [1, 2],
        "missing_from": [None, 1],
        "pulled": ["2031-05-06"],
        "envelopes": [3],
    },
    Kind.JOINED: {"key": ["k"], "name": ["n"]},
    Kind.OFFICE: {"settings": ["d", "e"], "after": [None, "d1"]},
    Kind.DESTROYED: {"until": ["2031-05-11"], "text": ["t6"]},
    Kind.ROLES: {"member": ["a", "b"], "roles": ["", "coder"], "after": [None, "d1"]},
    Kind.CUSTODY: {"report": REPORTS, "state": ["passed", "quarantine"], "reason": [None, "t7"], "after": [None, "d1"]},
    Kind.MASKED: {"report": REPORTS, "letter": ["l"], "masked": [None, "t8"], "layer": ["t9"], "after": [None]},
    Kind.ASSIGNED: {"report": REPORTS, "to": [None, "a"], "after": [None, "d1"]},
    Kind.HELD: {"hold": ["h1"], "state": ["on", "off"], "text": ["t10"], "after": [None, "d1"]},
    Kind.PURGED: {"subject": REPORTS, "what": ["words", "all"], "rule": ["r", "r2"], "report": [None, *REPORTS]},
    Kind.BACKED_UP: {"heads": ["x", "y"], "after": [None, "d1"]},
    Kind.JUNKED: {"envelope": ["e3"], "junk": [0, 1]},
    Kind.BULK: {"verb": ["tag"], "events": [1, 3]},
    Kind.UNDONE: {"first": [1, 2, 5, 9], "last": [1, 3, 9, 40]},
    Kind.REDONE: {"first": [1, 2, 5, 9], "last": [1, 3, 9, 40]},
    Kind.SEEN: {"report": REPORTS},
    Kind.LINKED: {
        "report": ["00"],
        "other": ["11", "22"],
        "relation": ["same-source", "same-event"],
        "state": ["on", "off"],
        "after": [None, "d1"],
    },
    Kind.FILTER: {"filter": ["f1"], "state": ["on", "off"], "text": ["t12"], "after": [None, "d1"]},
    Kind.TEMPLATE: {"template": ["f2"], "state": ["on", "off"], "text": ["t13"], "after": [None, "d1"]},
    Kind.RULES: {"subject": ["two"], "acts": ["", "purge"], "after": [None, "d1"]},
    Kind.SECOND: {"request": ["q1"], "state": ["asked", "approved"], "text": ["t11"], "after": [None, "d1"]},
    Kind.CLOCK: {"report": REPORTS, "clock": ["ulp 2031-05-06 open", "ulp 2031-05 done"], "after": [None, "d1"]},
    Kind.REGIME: {"subject": ["office"], "profile": ["p1", "p2"], "after": [None, "d1"]},
    Kind.ROUTE: {"route": ["grievance"], "rule": ["25 workdays -"], "text": [None, "t12"], "after": [None, "d1"]},
}


@some.composite
def _steps(draw: some.DrawFn, kinds: Sequence[Kind] = tuple(Kind)) -> Step:
    kind = draw(some.sampled_from(kinds))
    fields = {name: draw(some.sampled_from(values)) for name, values in FIELDS[kind].items()}
    return kind, fields, draw(some.sampled_from(DAYS))


def _chain(reviewer: str, steps: Steps) -> list[Event]:
    return [
        Event(reviewer, number, None, date, kind, fields)  # type: ignore[arg-type]
        for number, (kind, fields, date) in enumerate(steps, start=1)
    ]


@settings(deadline=None)  # what is undone reads its whole chain
@given(some.lists(_steps(), max_size=30), some.lists(_steps(), max_size=30))
def test_written_equals_rebuilt(mine: Steps, other: Steps) -> None:
    """Event by event or all at once, the tables hold the same rows."""
    events = [*_chain("a", mine), *_chain("b", other)]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        tables.made.create_all(connection)
        tables.truth.create_all(connection)
        for event in events:
            row = {"reviewer": event.reviewer, "number": event.number, "body": event.body, "signature": "-"}
            connection.execute(insert(tables.events), {**row, "digest": f"{event.reviewer} {event.number}"})
            projections.apply(connection, event)
        written = projections.stored(connection)
        projections.rebuild(connection, events)
        rebuilt = projections.stored(connection)
    engine.dispose()
    assert written == rebuilt == projections.fold(events)


def _written(events: list[Event]) -> projections.State:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        tables.made.create_all(connection)
        tables.truth.create_all(connection)
        for event in events:
            row = {"reviewer": event.reviewer, "number": event.number, "body": event.body, "signature": "-"}
            connection.execute(insert(tables.events), {**row, "digest": f"{event.reviewer} {event.number}"})
            projections.apply(connection, event)
        written = projections.stored(connection)
    engine.dispose()
    return written


SHARED = (Kind.FILED, Kind.REPEATED, Kind.SET_ASIDE, Kind.RECEIVED, Kind.OFFICE, Kind.PURGED, Kind.JUNKED)


@settings(deadline=None)
@given(
    some.lists(_steps(SHARED) | _steps(), max_size=20),
    some.lists(_steps(SHARED) | _steps(), max_size=20),
    some.lists(some.booleans(), max_size=40),
)
def test_no_table_depends_on_order(mine: Steps, other: Steps, turns: list[bool]) -> None:
    """Every table is the same whichever chain is read first, and as it was written while both people worked."""
    one, two = _chain("a", mine), _chain("b", other)
    left = [list(one), list(two)]
    worked = [left[turn].pop(0) for turn in turns if left[turn]] + left[0] + left[1]
    assert projections.fold([*one, *two]) == projections.fold([*two, *one]) == _written(worked)
