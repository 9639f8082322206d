# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may do what at the desk. One table says it, and one function refuses.

Roles are kept by keys: raw words open with the custodian's or counsel's identity alone, whatever this table says, and
every act is signed by the person who did it. This table keeps honest people from slips, and makes the rest visible.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, select

from desk import tables
from desk.decisions import Decision, Topic, all_decisions, heads
from desk.errors import NoSuchPerson, RoleMissing
from desk.vault import Vault, read_header


class Role(StrEnum):
    """A role of a person at the desk."""

    CUSTODIAN = "custodian"  # receives, quarantines, masks, sees raw words
    CODER = "coder"  # codes, summarizes and links what is masked
    ADJUDICATOR = "adjudicator"  # settles where coders differ
    APPROVER = "approver"  # the second person where two are needed
    COUNSEL = "counsel"  # isolated reports, holds


class Act(StrEnum):
    """What a role may be needed for; the value completes "you may not ..."."""

    READ = "look at what the desk keeps"
    COPY = "take a copy of the vault or of its log away"
    RECEIVE = "receive letters"
    CUSTODY = "quarantine, pass or mask reports"
    RAW = "see an officer's own words"
    ISOLATED = "decide on an isolated report"
    WORK = "code, summarize, link or assign reports"
    PEOPLE = "add people or change their roles"
    KEYS = "destroy keys"
    HOLD = "begin a hold"
    RELEASE_HOLD = "end a hold"
    PURGE = "erase what is due"
    JUNK = "decide what is junk"
    RULES = "say what needs two people"
    APPROVE = "agree to what another person asked for"
    CLOCK = "set or close clocks"
    REGIME = "choose the rules by which days are counted"
    CONFIRM = "confirm a rule"


ALL = frozenset(Role)
FIRST = (Role.CUSTODIAN, Role.CODER, Role.ADJUDICATOR, Role.APPROVER)  # of a vault that one person begins
MAY: dict[Act, frozenset[Role]] = {
    Act.READ: ALL,
    Act.COPY: frozenset({Role.CUSTODIAN, Role.COUNSEL}),
    Act.RECEIVE: frozenset({Role.CUSTODIAN, Role.COUNSEL}),
    Act.CUSTODY: frozenset({Role.CUSTODIAN}),
    Act.RAW: frozenset({Role.CUSTODIAN, Role.COUNSEL}),
    Act.ISOLATED: frozenset({Role.COUNSEL}),
    Act.WORK: frozenset({Role.CODER, Role.ADJUDICATOR}),
    Act.PEOPLE: frozenset({Role.CUSTODIAN}),
    Act.KEYS: frozenset({Role.CUSTODIAN}),
    Act.HOLD: frozenset({Role.CUSTODIAN, Role.COUNSEL}),
    Act.RELEASE_HOLD: frozenset({Role.COUNSEL}),
    Act.PURGE: frozenset({Role.CUSTODIAN}),
    Act.JUNK: frozenset({Role.CUSTODIAN}),
    Act.RULES: frozenset({Role.CUSTODIAN}),
    Act.APPROVE: frozenset({Role.APPROVER, Role.COUNSEL}),
    Act.CLOCK: frozenset({Role.CODER, Role.ADJUDICATOR, Role.COUNSEL}),
    Act.REGIME: frozenset({Role.CUSTODIAN, Role.COUNSEL}),
    Act.CONFIRM: frozenset({Role.COUNSEL}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has joined this desk."""

    fingerprint: str
    name: str
    roles: frozenset[Role]


def written(roles: frozenset[Role] | tuple[Role, ...]) -> str:
    """Return roles as an event holds them."""
    return " ".join(role.value for role in Role if role in roles)


def read_roles(text: str) -> frozenset[Role]:
    """Return the roles an event names; a role that this program does not know gives nothing."""
    return frozenset(Role(word) for word in text.split() if word in set(Role))


def role_decisions(connection: Connection) -> dict[str, list[Decision]]:
    """Return what stands of each person's roles.

    Only decisions of the vault's maker count, and of those whom such decisions make custodians: what anybody else
    writes, for themselves or for others, gives nothing.
    """
    maker = connection.execute(select(tables.settings.c.value).where(tables.settings.c.name == "maker")).scalar_one()
    rows = all_decisions(connection, Topic.ROLES)
    trusted, stands = {str(maker)}, heads(row for row in rows if row.reviewer == maker)
    for _ in range(len(rows)):
        more = {who for who, decisions in stands.items() if Role.CUSTODIAN in _least(decisions)} | {str(maker)}
        if more == trusted:
            break
        trusted |= more
        stands = heads(row for row in rows if row.reviewer in trusted)
    return stands


def _least(decisions: list[Decision]) -> frozenset[Role]:
    """Return the roles that all of these give: where people differ, a person has what all agree on."""
    return frozenset.intersection(*(read_roles(decision.value) for decision in decisions)) if decisions else frozenset()


def people(vault: Vault) -> list[Person]:
    """Return everybody who has joined, by name."""
    with vault.reading() as connection:
        stands = role_decisions(connection)
        rows = connection.execute(select(tables.reviewers.c.fingerprint, tables.reviewers.c.name)).all()
    found = [Person(row.fingerprint, row.name, _least(stands.get(row.fingerprint, []))) for row in rows]
    return sorted(found, key=lambda person: (person.name, person.fingerprint))


def folded(name: str) -> str:
    """Return a name as people read it: one form of each letter, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def person_named(vault: Vault, folder: Path, untrusted: str) -> Person:
    """Return the person of this name, however it is written, or with this fingerprint.

    Where several have the name, it is the one who has a door: the others left, or never came in. Raises NoSuchPerson.
    """
    found = people(vault)
    named = [person for person in found if person.fingerprint == untrusted.strip()]
    named = named or [person for person in found if folded(person.name) == folded(untrusted)]
    if len(named) > 1:
        doors = {door.key for door in read_header(folder).doors}
        named = [person for person in named if person.fingerprint in doors]
    if len(named) != 1:
        raise NoSuchPerson
    return named[0]


def roles_of(vault: Vault, fingerprint: str) -> frozenset[Role]:
    """Return the roles of one person."""
    with vault.reading() as connection:
        return _least(role_decisions(connection).get(fingerprint, []))


def refuse_unless(vault: Vault, act: Act) -> None:
    """Raise RoleMissing unless the person who has the vault open has a role that may do this."""
    if not roles_of(vault, vault.reviewer) & MAY[act]:
        raise RoleMissing(act.value, " or ".join(sorted(MAY[act])))
