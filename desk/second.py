# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two people for one act, where the desk has said so: one asks, another agrees, then the first does it.

What was asked for is kept word for word; agreement to one thing is no agreement to another, and serves once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from crypto.primitives import random_bytes
from desk import tables
from desk.decisions import Decision, Topic, after, all_decisions, heads, standing
from desk.errors import NoSuchRequest, OwnRequest, SecondNeeded
from desk.events import Kind
from desk.roles import MAY, Act, people, refuse_unless
from desk.vault import Vault, Writer

RULES = "two"  # the one subject of Topic.RULES


class Guarded(StrEnum):
    """What can be put under the rule of two people."""

    PURGE = "purge"
    KEYS = "keys"
    UNMASK = "unmask"


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked for. `state` is asked, approved or done."""

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
    return frozenset(Guarded(word) for decision in stands for word in decision.value.split() if word in set(Guarded))


def set_guarded(vault: Vault, acts: frozenset[Guarded]) -> bool:
    """Put these acts, and no others, under the rule; return False where it is so. Loosening it needs a second, too."""
    refuse_unless(vault, Act.RULES)
    now = guarded(vault)
    if acts == now:
        return False
    words = " ".join(sorted(acts))
    if now - acts:
        second(vault, min(now - acts), {"rules": words})
    with vault.writing() as writer:
        stands = standing(writer.connection, Topic.RULES, RULES)
        writer.record(Kind.RULES, subject=RULES, acts=words, after=after(stands))
    return True


def requests(vault: Vault) -> list[Request]:
    """Return what was asked for and is not done, by id."""
    with vault.reading() as connection:
        found = heads(all_decisions(connection, Topic.SECOND))
        texts = dict(map(tuple, connection.execute(select(tables.texts.c.id, tables.texts.c.text))))
    made = [_request(name, decisions, texts) for name, decisions in found.items()]
    return sorted((request for request in made if request.state != "done"), key=lambda request: request.id)


def _request(name: str, decisions: list[Decision], texts: Mapping[str, str]) -> Request:
    first = decisions[0]
    state = "done" if any(d.value == "done" for d in decisions) else first.value
    body = json.loads(texts[first.text or ""])
    return Request(name, Guarded(body["act"]), body["what"], state, body["by"], tuple(decisions))


def second(vault: Vault, act: Guarded, what: Mapping[str, object]) -> None:
    """Return where the act may be done now: it is not under the rule, or another person has agreed to exactly this.

    Otherwise it is asked for, once, and SecondNeeded says under which id. An agreement is used up by this.
    """
    if act not in guarded(vault):
        return
    same = [r for r in requests(vault) if (r.guarded, dict(r.what), r.by) == (act, dict(what), vault.reviewer)]
    approved = next((request for request in same if request.state == "approved" and _valid(vault, request)), None)
    with vault.writing() as writer:
        if approved:
            _record(writer, approved.id, approved.stands[0].text, "done", after(approved.stands))
            return
        name = same[0].id if same else random_bytes(4).hex()
        if not same:
            text = json.dumps({"act": act.value, "what": dict(what), "by": vault.reviewer}, sort_keys=True)
            _record(writer, name, writer.text(text), "asked", None)
    raise SecondNeeded(name)


def _valid(vault: Vault, request: Request) -> bool:
    """Return whether somebody else who may approve has done so."""
    may = {person.fingerprint for person in people(vault) if person.roles & MAY[Act.APPROVE]}
    return any(d.value == "approved" and d.reviewer in may and d.reviewer != request.by for d in request.stands)


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
