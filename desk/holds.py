# SPDX-License-Identifier: AGPL-3.0-or-later
"""Litigation holds: what may not be erased, why, and by whose word. A hold wins over every schedule (FRCP 37(e)).

While any hold stands, no week's keys are destroyed: what it covers may still lie sealed at the portal.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from crypto.primitives import random_bytes
from crypto.secret.identity import HybridIdentity
from desk import index, tables
from desk.cards import Card, terms_of
from desk.codebook import load_codebook
from desk.custody import all_flags
from desk.decisions import OFF, ON, Decision, Topic, after, all_decisions, heads, standing
from desk.errors import Held, NoSuchHold
from desk.events import Kind
from desk.keeping_errors import NotCounselsKey, ScopeRefused
from desk.review import checked_text
from desk.roles import Act, refuse_unless
from desk.vault import Vault
from intake.questionnaire import load_questionnaire, shipped_questionnaires

ANSWERS = {"month": "event_month", "region": "region", "program": "program"}  # field of each prefix


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


def check_scope(vault: Vault, scope: Sequence[str]) -> None:
    """Raise ScopeRefused for a term that no report could ever have, or could lose again: it would hold by a slip.

    A scope is of what never changes: report (its whole id), kind, month, region, program, flag.
    """
    for term in scope:
        if not _lasting(vault, *term.partition(":")[::2]):
            raise ScopeRefused(term[:40])


def _lasting(vault: Vault, prefix: str, value: str) -> bool:
    if prefix == "report":
        with vault.reading() as connection:
            found = select(tables.reports.c.report).where(tables.reports.c.report == value)
            return connection.execute(found).first() is not None
    if prefix == "kind":
        return value in load_codebook().kinds
    if prefix == "flag":
        return value in all_flags()
    regions = [region.id for region in vault.settings.office.regions]
    return any(
        field.accepts(value, regions)
        for name in shipped_questionnaires()
        for field in load_questionnaire(name).fields
        if field.id == ANSWERS.get(prefix)
    )


def find_hold(vault: Vault, name: str) -> Hold:
    """Return the hold of this id. Raises NoSuchHold."""
    for one in standing_holds(vault):
        if one.id == name.strip().lower():
            return one
    raise NoSuchHold


def hold(vault: Vault, scope: Sequence[str], reason: str) -> Hold:
    """Begin a hold on reports with all these terms; none is everything. Raises RoleMissing, ScopeRefused."""
    refuse_unless(vault, Act.HOLD)
    check_scope(vault, scope)
    reason, name = checked_text(reason), random_bytes(4).hex()
    text = json.dumps({"scope": sorted(scope), "reason": reason}, sort_keys=True)
    with vault.writing() as writer:
        writer.record(Kind.HELD, hold=name, state=ON, text=writer.text(text), after=None)
    return Hold(name, tuple(sorted(scope)), reason, vault.reviewer, vault.day.isoformat())


def may_release(vault: Vault, name: str, identities: Sequence[HybridIdentity]) -> Hold:
    """Return the hold of this id, where it may be ended now. Raises RoleMissing, NotCounselsKey, NoSuchHold."""
    refuse_unless(vault, Act.RELEASE_HOLD)
    if vault.settings.counsel not in {identity.recipient for identity in identities}:
        raise NotCounselsKey
    return find_hold(vault, name)


def release(vault: Vault, name: str, reason: str, identities: Sequence[HybridIdentity]) -> Hold:
    """End a hold, by counsel's role and counsel's key; its reason and its end stay in the log.

    Raises NothingWritten, and what `may_release` raises.
    """
    found, reason = may_release(vault, name, identities), checked_text(reason)
    with vault.writing() as writer:
        text = json.dumps({"scope": found.scope, "reason": reason}, sort_keys=True)
        stands = after(standing(writer.connection, Topic.HOLD, found.id))
        writer.record(Kind.HELD, hold=found.id, state=OFF, text=writer.text(text), after=stands)
    return found


def covering(found: Iterable[Hold], card: Card) -> tuple[Hold, ...]:
    """Return those of these holds that cover the report of this card."""
    terms = terms_of(card) | {f"report:{card['report']}"}
    return tuple(one for one in found if set(one.scope) <= terms)


def covered(vault: Vault, one: Hold) -> list[str]:
    """Return the reports that a hold covers today; it covers those that come later, too."""
    with vault.reading() as connection:
        return [card["report"] for card in index.page(connection, []) if covering([one], card)]


def refuse_while_any(vault: Vault) -> None:
    """Raise Held while any hold stands: what it covers may still lie sealed, and the keys that open it stay."""
    found = standing_holds(vault)
    if found:
        raise Held(", ".join(one.id for one in found))
