# SPDX-License-Identifier: AGPL-3.0-or-later
"""The log: what reviewers did, as one signed chain per reviewer. Events hold ids, digests and days, never words.

An event is one line of canonical JSON. It is signed with its LF in `event@underseal`:
{"day":"2031-05-06","kind":"tagged","number":12,"previous":<digest or null>,"reviewer":<fingerprint>,"v":1,...}
Its digest is that of the same line; `previous` is the digest of the event before it in the same chain.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from crypto.errors import Untrusted
from crypto.primitives import digest
from crypto.signature import Namespace, PublicKey, SigningKey, sign, verify

Value = str | int | None


class Kind(StrEnum):
    """What happened. The names of the further fields stand in FIELDS."""

    JOINED = "joined"
    OFFICE = "office"
    FILED = "filed"
    REPEATED = "repeated"
    SET_ASIDE = "set_aside"
    RECEIVED = "received"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    NOTED = "noted"
    SUMMARIZED = "summarized"
    STATUS = "status"
    OPENED = "opened"
    DESTROYED = "destroyed"
    ROLES = "roles"
    CUSTODY = "custody"
    MASKED = "masked"
    ASSIGNED = "assigned"
    HELD = "held"
    PURGED = "purged"
    JUNKED = "junked"
    RULES = "rules"
    SECOND = "second"
    CLOCK = "clock"
    REGIME = "regime"
    ROUTE = "route"
    BACKED_UP = "backed_up"
    BULK = "bulk"
    UNDONE = "undone"
    REDONE = "redone"
    SEEN = "seen"
    LINKED = "linked"
    FILTER = "filter"
    TEMPLATE = "template"


FIELDS: dict[Kind, frozenset[str]] = {
    Kind.JOINED: frozenset({"key", "name"}),
    Kind.OFFICE: frozenset({"settings", "after"}),
    Kind.FILED: frozenset({"envelope", "report", "letter", "sealed", "facts"}),
    Kind.REPEATED: frozenset({"envelope", "report"}),
    Kind.SET_ASIDE: frozenset({"envelope", "fault", "sealed"}),
    Kind.RECEIVED: frozenset({"manifest", "portal", "pull", "missing_from", "pulled", "envelopes"}),
    Kind.TAGGED: frozenset({"report", "code"}),
    Kind.UNTAGGED: frozenset({"report", "code"}),
    Kind.NOTED: frozenset({"report", "text"}),
    Kind.SUMMARIZED: frozenset({"report", "text"}),
    Kind.STATUS: frozenset({"report", "status", "reason"}),
    Kind.OPENED: frozenset({"subject"}),
    Kind.DESTROYED: frozenset({"until", "text"}),
    Kind.ROLES: frozenset({"member", "roles", "after"}),
    Kind.CUSTODY: frozenset({"report", "state", "reason", "after"}),
    Kind.MASKED: frozenset({"report", "letter", "masked", "layer", "after"}),
    Kind.ASSIGNED: frozenset({"report", "to", "after"}),
    Kind.HELD: frozenset({"hold", "state", "text", "after"}),
    Kind.PURGED: frozenset({"subject", "what", "rule", "report"}),
    Kind.JUNKED: frozenset({"envelope", "junk"}),
    Kind.RULES: frozenset({"subject", "acts", "after"}),
    Kind.BACKED_UP: frozenset({"heads", "after"}),
    Kind.SECOND: frozenset({"request", "state", "text", "after"}),
    Kind.BULK: frozenset({"verb", "events"}),  # the next so many events of this chain are one act
    Kind.UNDONE: frozenset({"first", "last"}),  # numbers in this chain: what may be undone of these counts no more
    Kind.REDONE: frozenset({"first", "last"}),  # and counts again
    Kind.SEEN: frozenset({"report"}),
    Kind.LINKED: frozenset({"report", "other", "relation", "state", "after"}),
    Kind.FILTER: frozenset({"filter", "state", "text", "after"}),
    Kind.TEMPLATE: frozenset({"template", "state", "text", "after"}),
    Kind.CLOCK: frozenset({"report", "clock", "after"}),
    Kind.REGIME: frozenset({"subject", "profile", "after"}),
    Kind.ROUTE: frozenset({"route", "rule", "text", "after"}),
}
TEXT_FIELDS = ("text", "facts", "reason", "name", "masked", "layer")  # each the id of a row of texts
HEAD = frozenset({"v", "reviewer", "number", "previous", "day", "kind"})
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class EventRefused(Exception):
    """An event, or its place in the chain, is not acceptable. The text says why, in words of ours only."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one reviewer. `fields` are those of its kind."""

    reviewer: str
    number: int
    previous: str | None
    day: str
    kind: Kind
    fields: Mapping[str, Value]

    def text(self, name: str) -> str:
        """Return a field that is text."""
        value = self.fields[name]
        if not isinstance(value, str):
            raise EventRefused(f"its {name} is not text")
        return value

    @property
    def body(self) -> str:
        """The canonical line, with its LF."""
        head = {"v": 1, "reviewer": self.reviewer, "number": self.number, "previous": self.previous}
        whole = {**self.fields, **head, "day": self.day, "kind": self.kind.value}
        return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True) + "\n"


@dataclass(frozen=True, slots=True)
class Signed:
    """An event as it stands in the log."""

    event: Event
    body: str
    signature: str
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain; number 0 and no digest before the first event."""

    number: int = 0
    digest: str | None = None


def next_event(head: Head, key: SigningKey, day: date, kind: Kind, fields: Mapping[str, Value]) -> Signed:
    """Return the event that follows `head`, signed."""
    event = Event(key.public.fingerprint, head.number + 1, head.digest, day.isoformat(), kind, dict(fields))
    if frozenset(fields) != FIELDS[kind]:
        raise ValueError(f"an event {kind} has the fields {sorted(FIELDS[kind])}")
    body = event.body
    return Signed(event, body, sign(body.encode(), key, Namespace.EVENT), digest(body.encode()))


def read_event(body: str) -> Event:
    """Return the event a line holds; raises EventRefused for a line that is not of the exact form."""
    try:
        whole = json.loads(body)
        kind = Kind(whole["kind"])
        event = Event(
            whole["reviewer"],
            whole["number"],
            whole["previous"],
            whole["day"],
            kind,
            {name: whole[name] for name in FIELDS[kind]},
        )
        named = set(whole) == HEAD | FIELDS[kind] and type(event.number) is int
        exact = named and event.body == body and DAY.fullmatch(event.day)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EventRefused("it is not written as an event") from None
    if not exact or not all(isinstance(value, str | int | None) for value in event.fields.values()):
        raise EventRefused("it is not written as an event")
    return event


def follow(head: Head, row: Signed, key: PublicKey) -> Head:
    """Return the head after `row`; raises EventRefused unless it is the reviewer's own next event."""
    event = row.event
    if event.number != head.number + 1:
        raise EventRefused(f"event {head.number + 1} is missing")
    if event.previous != head.digest:
        raise EventRefused("it does not follow the event before it")
    if row.digest != digest(row.body.encode()):
        raise EventRefused("its digest is not that of its line")
    if event.reviewer != key.fingerprint:
        raise EventRefused("it is another reviewer's")
    try:
        verify(row.body.encode(), row.signature, key, Namespace.EVENT)
    except Untrusted:
        raise EventRefused("its signature does not hold") from None
    return Head(event.number, row.digest)
