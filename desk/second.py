# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two people for one act, where the desk has said so: one asks, another agrees, then the first does it.

What was asked for is kept word for word; agreement to one thing is no agreement to another, serves once, and lapses.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, select

from crypto.primitives import random_bytes
from desk import tables
from desk.decisions import Decision, Topic, after, all_decisions, heads, standing
from desk.events import Kind
from desk.keeping_errors import NoSuchRequest, OwnRequest, SecondNeeded
from desk.roles import MAY, Act, people, read_roles, refuse_unless
from desk.vault import Vault, Writer

RULES = "two"  # the one subject of Topic.RULES
LAPSE_DAYS = 14  # of an agreement: what was right then may not be now


class Guarded(StrEnum):
    """What can be put under the rule of two people."""

    PURGE = "purge"
    KEYS = "keys"
    UNMASK = "unmask"
    PEOPLE = "people"  # who becomes custodian, approver or counsel; with any of the others this is guarded, too


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked for. `state` is asked, approved or done; asked again once an agreement counts no more."""

    id: str
    guarded: Guarded
    what: Mapping[str, object]
    state: str
    by: str
    stands: tuple[Decision, ...]


def guarded(vault: Vault) -> frozenset[Guarded]:
    """Return what needs two people at this desk: where decisions differ, all that any of them names."""
    with vault.reading() as connection:
        stands = standing(connection, Topic.RULES, RULES)
    return _whole(Guarded(word) for decision in stands for word in decision.value.split() if word in set(Guarded))


def _whole(acts: Iterable[Guarded]) -> frozenset[Guarded]:
    """Return these acts with that of who becomes whom: without it one person would be two."""
    found = frozenset(acts)
    return found | {Guarded.PEOPLE} if found else found


def set_guarded(vault: Vault, acts: frozenset[Guarded]) -> bool:
    """Put these acts, and no others, under the rule; return False where it is so. Loosening it needs a second, too."""
    refuse_unless(vault, Act.RULES)
    now, acts = guarded(vault), _whole(acts)
    if acts == now:
        return False
    words = " ".join(sorted(acts))
    agreement = agreed(vault, min(now - acts), {"rules": words}) if now - acts else None
    with vault.writing() as writer:
        use_up(writer, agreement)
        stands = standing(writer.connection, Topic.RULES, RULES)
        writer.record(Kind.RULES, subject=RULES, acts=words, after=after(stands))
    return True


def requests(vault: Vault) -> list[Request]:
    """Return what was asked for and is not done, by id; without that on which nobody said a word for LAPSE_DAYS."""
    may = {person.fingerprint for person in people(vault) if person.roles & MAY[Act.APPROVE]}
    with vault.reading() as connection:
        found = heads(all_decisions(connection, Topic.SECOND))
        open_ones = {name: stands for name, stands in found.items() if _waits(stands, vault.day)}
        return [_request(connection, vault.day, may, *named) for named in sorted(open_ones.items())]


def _waits(stands: list[Decision], day: date) -> bool:
    fresh = any(_age(one.day, day) <= LAPSE_DAYS for one in stands)
    return fresh and all(one.value != "done" for one in stands)


def _request(connection: Connection, day: date, may: set[str], name: str, decisions: list[Decision]) -> Request:
    texts = tables.texts.c
    body = json.loads(connection.execute(select(texts.text).where(texts.id == decisions[0].text)).scalar_one())
    agreed = any(
        one.value == "approved" and one.reviewer in may - {body["by"]} and _age(one.day, day) <= LAPSE_DAYS
        for one in decisions
    )
    state = "approved" if agreed else "asked"
    return Request(name, Guarded(body["act"]), body["what"], state, body["by"], tuple(decisions))


def _age(of: str, day: date) -> int:
    return abs((day - date.fromisoformat(of)).days)


def agreed(vault: Vault, act: Guarded, what: Mapping[str, object]) -> Request | None:
    """Return the agreement of another person to exactly this; None where the act is not under the rule.

    Whoever does the act hands it to `use_up`. Otherwise it is asked for, once, and SecondNeeded says under which id.
    """
    if act not in guarded(vault) or (act is Guarded.PEOPLE and not _others(vault)):
        return None
    wanted = json.loads(json.dumps(dict(what)))
    same = [r for r in requests(vault) if (r.guarded, dict(r.what), r.by) == (act, wanted, vault.reviewer)]
    approved = next((request for request in same if request.state == "approved"), None)
    if approved:
        return approved
    name = same[0].id if same else random_bytes(4).hex()
    if not same:
        with vault.writing() as writer:
            text = json.dumps({"act": act.value, "what": dict(what), "by": vault.reviewer}, sort_keys=True)
            _record(writer, name, writer.text(text), "asked", None)
    raise SecondNeeded(name)


def use_up(writer: Writer, request: Request | None) -> None:
    """Note that what was agreed to is done, in the transaction that does it; None is nothing.

    What is done to files is done before: an agreement whose act was cut is there still, and serves for the rest.
    """
    if request is not None:
        _record(writer, request.id, request.stands[0].text, "done", after(request.stands))


def _others(vault: Vault) -> bool:
    """Return whether anybody else was ever given a role that agrees. Before that a desk is one person's."""
    with vault.reading() as connection:
        given = all_decisions(connection, Topic.ROLES)
    return any(one.subject != vault.reviewer and read_roles(one.value) & MAY[Act.APPROVE] for one in given)


def approve(vault: Vault, name: str) -> Request:
    """Agree to what another person asked for. Raises RoleMissing, NoSuchRequest, OwnRequest."""
    refuse_unless(vault, Act.APPROVE)
    request = next((request for request in requests(vault) if request.id == name.strip().lower()), None)
    if request is None or request.state != "asked":
        raise NoSuchRequest
    if request.by == vault.reviewer:
        raise OwnRequest
    with vault.writing() as writer:
        _record(writer, request.id, request.stands[0].text, "approved", after(request.stands))
    return request


def _record(writer: Writer, name: str, text: str | None, state: str, replaces: str | None) -> None:
    writer.record(Kind.SECOND, request=name, state=state, text=text, after=replaces)
