# SPDX-License-Identifier: AGPL-3.0-or-later
"""Retention: which report or envelope is due by the schedule, and erasing it. A tombstone stays; a hold refuses.

The schedule is data (retention.json). What is erased: the sealed letter, masked words, notes, summaries, reasons,
and, where all goes, the answers. What stays: ids, digests, codes, the rule and the day.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import Any

from sqlalchemy import Connection, delete, func, select

from desk import clocks, holds, index, tables
from desk.cards import NEW, Card, facts_of_many
from desk.errors import Held, NotDue
from desk.events import FIELDS, TEXT_FIELDS, Kind, read_event
from desk.roles import Act, refuse_unless
from desk.second import Guarded, agreed, guarded, requests, use_up
from desk.vault import Vault, Writer

ALL, WORDS = "all", "words"
COURIER = timedelta(days=31)  # between bundles, at most; a desk that receives nothing erases nothing either
RULES_OF_CODE = {"out_of_scope": "OTH.OUT"}
FOLLOWED = {"junk": "envelope", "record_only": "report", "unused": "report", **dict.fromkeys(RULES_OF_CODE, "report")}
_WORDED = frozenset({Kind.TAGGED, Kind.NOTED, Kind.SUMMARIZED})
WORKED = _WORDED | {Kind.UNTAGGED, Kind.STATUS, Kind.CUSTODY, Kind.MASKED, Kind.ASSIGNED, Kind.LINKED, Kind.CLOCK}
CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the schedule."""

    id: str
    of: str
    when: str
    after_days: int
    goes: str


@dataclass(frozen=True, slots=True)
class Due:
    """A report or envelope that the schedule says may go since `since`; `held` by these holds, it stays."""

    subject: str
    rule: Rule
    since: date
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """The day of the last work on each report, and which ever had a code, a note or a summary, undone or not."""

    last: Mapping[str, str]
    used: frozenset[str]


def schedule() -> tuple[str, tuple[Rule, ...]]:
    """Return the day the schedule is as of, and its rules. Raises ValueError for a rule that nothing follows."""
    data = json.loads(resources.files("desk").joinpath("retention.json").read_bytes())
    rules = tuple(Rule(**rule) for rule in data["rules"])
    if strange := [rule for rule in rules if FOLLOWED.get(rule.id) != rule.of or rule.goes not in (ALL, WORDS)]:
        raise ValueError(f"nothing follows these rules of the schedule: {strange}")
    return data["as_of"], rules


def due(vault: Vault) -> list[Due]:
    """Return what is due today, by id: a subject under the first rule that takes it.

    Today is what two clocks agree on: this machine's, and the portal's as the newest bundle tells it, with a month
    for the courier. One wrong clock erases nothing; a day of the portal's that is still to come is no day.
    """
    with vault.reading() as connection:
        newest = vault.newest_pull(connection)
        if newest is None:
            return []
        today, last = min(vault.day, newest + COURIER), vault.last_day.isoformat()
        found = [*_due_reports(connection, today, last), *_due_junk(connection, today, last)]
        return sorted(found, key=lambda one: one.subject)


def _work(connection: Connection) -> _Work:
    """Return what the log tells of work on reports. Openings and views are none; undoing and redoing is."""
    events = tables.events.c
    last: dict[str, str] = {}
    used: set[str] = set()
    chains: dict[str, dict[int, tuple[str, ...]]] = {}
    for body in connection.execute(select(events.body).order_by(events.reviewer, events.number)).scalars():
        event = read_event(body)
        chain = chains.setdefault(event.reviewer, {})
        about: tuple[str, ...] = ()
        if event.kind in WORKED:
            about = tuple(str(event.fields[name]) for name in ("report", "other") if event.fields.get(name))
            chain[event.number] = about
            used |= set(about) if event.kind in _WORDED else set()
        elif event.kind in (Kind.UNDONE, Kind.REDONE):
            first, end = event.fields["first"], event.fields["last"]
            about = tuple(one for number, named in chain.items() if first <= number <= end for one in named)  # type: ignore[operator]
        for report in about:
            last[report] = max(last.get(report, ""), event.day)
    return _Work(last, frozenset(used))


def _due_reports(connection: Connection, today: date, last: str) -> Iterator[Due]:
    rules = [rule for rule in schedule()[1] if rule.of == "report"]
    gone = {(row.subject, row.what) for row in connection.execute(select(tables.purged))}
    work, cards, found = _work(connection), index.page(connection, []), holds.holds(connection)
    needed = clocks.running(connection, today)
    cards = [card for card in cards if card["report"] not in needed]
    facts = facts_of_many(connection, [card["report"] for card in cards])
    for card in cards:
        begun = _begun(card, facts[card["report"]], work, last)
        for rule in rules:
            since = begun + timedelta(days=rule.after_days)
            done = {(card["report"], WORDS), (card["report"], ALL)} & gone if rule.goes == WORDS else set()
            if since <= today and not done and _takes(rule, card, facts[card["report"]], work):
                held = tuple(one.id for one in holds.covering(found, card))
                yield Due(card["report"], rule, since, held)
                break


def _begun(card: Card, facts: Mapping[str, Any], work: _Work, last: str) -> date:
    """Return the day from which is counted: of filing by either clock, or of the last work, whichever is latest.

    last  the last day that a bundle may be of; what stands under a later one is counted by the desk's clock
    """
    pulled = facts.get("pulled") or ""
    return date.fromisoformat(max(card["day"], pulled if pulled <= last else "", work.last.get(card["report"], "")))


def _takes(rule: Rule, card: Card, facts: Mapping[str, Any], work: _Work) -> bool:
    if rule.id in RULES_OF_CODE:
        return bool(card["codes"] == [RULES_OF_CODE[rule.id]])
    if rule.id == "record_only":
        return not any(value is True for name, value in facts["consent"].items() if name != "record")
    untouched = card["status"] == NEW and card["report"] not in work.used
    return rule.id == "unused" and (untouched or card["status"] == CLOSED)


def _due_junk(connection: Connection, today: date, last: str) -> Iterator[Due]:
    rule = next(rule for rule in schedule()[1] if rule.of == "envelope")
    gone = set(connection.execute(select(tables.purged.c.subject)).scalars())
    held = tuple(one.id for one in holds.holds(connection))  # nobody can tell what an unread envelope is about
    junk, bundles = tables.junk.c, tables.bundles.c
    marked = (
        select(junk.envelope, func.max(junk.day).label("day")).group_by(junk.envelope).having(func.min(junk.junk) == 1)
    )
    received = connection.execute(select(bundles.day, bundles.pulled).where(bundles.pulled <= last)).all()
    for row in connection.execute(marked):
        if row.envelope in gone:
            continue
        pulled = max((each.pulled for each in received if each.day <= row.day), default="")  # the portal's day by then
        since = date.fromisoformat(max(row.day, pulled)) + timedelta(days=rule.after_days)
        if since <= today:
            yield Due(row.envelope, rule, since, held)


def ready(vault: Vault) -> tuple[list[Due], str | None]:
    """Return what a purge takes now, by id, and the id of the request under which another person agreed to it.

    Where two people are needed, that is what was agreed to for whoever has the vault open, if all of it is still due
    and not held: more may be due by then, and an agreement is to exactly one list. Otherwise all that is due and not
    held, and None.
    """
    free = {one.subject: one for one in due(vault) if not one.held}
    waiting = requests(vault) if Guarded.PURGE in guarded(vault) else []
    for request in waiting:
        mine = request.guarded is Guarded.PURGE and request.by == vault.reviewer and request.state == "approved"
        subjects = request.what.get("subjects")  # another request of this act is to take it from the rule
        if mine and isinstance(subjects, list) and free.keys() >= set(subjects):
            return [free[subject] for subject in sorted(subjects)], request.id
    return list(free.values()), None


def purge(vault: Vault, subjects: Sequence[str]) -> list[Due]:
    """Erase these, in one transaction, and return what went. All of them must be due and none held.

    Raises RoleMissing, NotDue, Held, SecondNeeded; then nothing is erased.
    """
    refuse_unless(vault, Act.PURGE)
    found = {one.subject: one for one in due(vault)}
    if missing := [subject for subject in subjects if subject not in found]:
        raise NotDue(missing[0][:8])
    going = [found[subject] for subject in sorted(set(subjects))]
    if held := [one for one in going if one.held]:
        raise Held(", ".join(held[0].held))
    agreement = agreed(vault, Guarded.PURGE, {"subjects": sorted(set(subjects))})
    with vault.writing() as writer:
        use_up(writer, agreement)
        for one in going:
            _erase(writer, one)
    return going


def _erase(writer: Writer, one: Due) -> None:
    connection = writer.connection
    if one.rule.of == "envelope":
        connection.execute(delete(tables.kept).where(tables.kept.c.envelope == one.subject))
        writer.record(Kind.PURGED, subject=one.subject, what=one.rule.goes, rule=one.rule.id, report=None)
        return
    names = texts_of(connection, one.subject, one.rule.goes)
    connection.execute(delete(tables.letters).where(tables.letters.c.report == one.subject))
    for name in names:
        connection.execute(delete(tables.texts).where(tables.texts.c.id == name))
    writer.record(Kind.PURGED, subject=one.subject, what=one.rule.goes, rule=one.rule.id, report=one.subject)


def texts_of(connection: Connection, report: str, what: str) -> list[str]:
    """Return the ids of the texts that go with a report: of every event about it, the answers only where all goes."""
    bodies = connection.execute(
        select(tables.events.c.body).where(tables.events.c.body.contains(report, autoescape=True))
    )
    found = []
    for body in bodies.scalars():
        event = read_event(body)
        if event.fields.get("report") == report:
            found += [str(event.fields[name]) for name in erased_fields(event.kind, what) if event.fields[name]]
    return found


def erased_fields(kind: Kind, what: str) -> tuple[str, ...]:
    """Return which fields of an event about a report name texts that go with it."""
    return tuple(name for name in TEXT_FIELDS if name in FIELDS[kind] and (what == ALL or name != "facts"))


def tombstones(vault: Vault) -> list[dict[str, Any]]:
    """Return what was erased, by which rule, when: subject, what, rule, day."""
    with vault.reading() as connection:
        return [
            dict(row) for row in connection.execute(select(tables.purged).order_by(tables.purged.c.subject)).mappings()
        ]
