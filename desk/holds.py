# SPDX-License-Identifier: AGPL-3.0-or-later
"""Litigation holds: what may not be erased, why, and by whose word. A hold wins over every schedule (FRCP 37(e)).

While any hold stands, no week's keys are destroyed: what it covers may still lie sealed at the portal.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from crypto.primitives import random_bytes
from desk import index, tables
from desk.cards import PREFIXES, card_of, terms_of
from desk.decisions import Decision, Topic, after, all_decisions, heads, standing
from desk.errors import Held, NoSuchHold, ScopeRefused
from desk.events import Kind
from desk.review import checked_text
from desk.roles import Act, refuse_unless
from desk.vault import Vault

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that stands. `scope` are terms that a report must all have; none is everything."""

    id: str
    scope: tuple[str, ...]
    reason: str
    by: str
    day: str


def holds(connection: Connection) -> list[Hold]:
    """Return the holds that stand, by id. A hold stands while any decision on it does not release it."""
    found = [one for stands in heads(all_decisions(connection, Topic.HOLD)).values() for one in stands]
    return sorted((_hold(connection, one) for one in found if one.value == ON), key=lambda hold: hold.id)


def _hold(connection: Connection, one: Decision) -> Hold:
    text = connection.execute(select(tables.texts.c.text).where(tables.texts.c.id == one.text)).scalar_one()
    body = json.loads(text)
    return Hold(one.subject, tuple(body["scope"]), body["reason"], one.reviewer, one.day)


def standing_holds(vault: Vault) -> list[Hold]:
    """Return the holds that stand, by id."""
    with vault.reading() as connection:
        return holds(connection)


def check_scope(scope: Sequence[str]) -> None:
    """Raise ScopeRefused for a term that no report could ever have: a hold that covers nothing by a slip."""
    for term in scope:
        prefix, _, value = term.partition(":")
        if prefix not in (*PREFIXES, "report") or not value.strip():
            raise ScopeRefused(term[:40])


def find_hold(vault: Vault, name: str) -> Hold:
    """Return the hold of this id. Raises NoSuchHold."""
    for one in standing_holds(vault):
        if one.id == name.strip().lower():
            return one
    raise NoSuchHold


def hold(vault: Vault, scope: Sequence[str], reason: str) -> Hold:
    """Begin a hold. `scope` are terms of desk.index; none is everything. Raises RoleMissing, NothingWritten."""
    refuse_unless(vault, Act.HOLD)
    check_scope(scope)
    reason, name = checked_text(reason), random_bytes(4).hex()
    text = json.dumps({"scope": sorted(scope), "reason": reason}, sort_keys=True)
    with vault.writing() as writer:
        writer.record(Kind.HELD, hold=name, state=ON, text=writer.text(text), after=None)
    return Hold(name, tuple(sorted(scope)), reason, vault.reviewer, vault.day.isoformat())


def release(vault: Vault, name: str, reason: str) -> Hold:
    """End a hold; its reason and its end stay in the log. Raises RoleMissing, NothingWritten, NoSuchHold."""
    refuse_unless(vault, Act.RELEASE_HOLD)
    found, reason = find_hold(vault, name), checked_text(reason)
    with vault.writing() as writer:
        text = json.dumps({"scope": found.scope, "reason": reason}, sort_keys=True)
        stands = after(standing(writer.connection, Topic.HOLD, found.id))
        writer.record(Kind.HELD, hold=found.id, state=OFF, text=writer.text(text), after=stands)
    return found


def covered(connection: Connection, report: str) -> tuple[Hold, ...]:
    """Return the holds that cover a report; all of them for one whose facts are gone: nobody can tell."""
    card = card_of(connection, report)
    terms = terms_of(card) if card else None
    return tuple(one for one in holds(connection) if terms is None or set(one.scope) <= terms | {f"report:{report}"})


def count_covered(vault: Vault, one: Hold) -> int:
    """Return how many reports a hold covers today; it covers those that come later, too."""
    with vault.reading() as connection:
        return sum(one in covered(connection, card["report"]) for card in index.page(connection, []))


def refuse_while_any(vault: Vault) -> None:
    """Raise Held while any hold stands: for key destruction, and for what cannot be told apart."""
    found = standing_holds(vault)
    if found:
        raise Held(", ".join(one.id for one in found))
