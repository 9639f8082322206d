# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a log holds that this program would have refused: acts of people who never had a role for them. Pure.

Chains have no common order, so that nobody can say from them whether a role was held on the day of an act. Whoever
was ever given one, by somebody who could, is taken to have had it.
"""

from collections.abc import Iterable, Iterator, Sequence

from desk.decisions import ON
from desk.events import Event, Kind
from desk.roles import MAY, Act, Role, read_roles

_FILING = (Act.RECEIVE,)
_WORK = (Act.WORK,)
NEEDED: dict[Kind, tuple[Act, ...]] = {  # any of these; what is not here needs no role
    Kind.FILED: _FILING,
    Kind.REPEATED: _FILING,
    Kind.SET_ASIDE: _FILING,
    Kind.RECEIVED: _FILING,
    Kind.CUSTODY: (Act.RECEIVE, Act.CUSTODY, Act.ISOLATED),
    Kind.MASKED: (Act.RECEIVE, Act.CUSTODY, Act.ISOLATED),
    Kind.OPENED: (Act.RAW, Act.ISOLATED),
    Kind.TAGGED: _WORK,
    Kind.UNTAGGED: _WORK,
    Kind.NOTED: _WORK,
    Kind.SUMMARIZED: _WORK,
    Kind.STATUS: _WORK,
    Kind.ASSIGNED: _WORK,
    Kind.LINKED: _WORK,
    Kind.FILTER: _WORK,
    Kind.TEMPLATE: _WORK,
    Kind.ROLES: (Act.PEOPLE,),
    Kind.RULES: (Act.RULES,),
    Kind.DESTROYED: (Act.KEYS,),
    Kind.PURGED: (Act.PURGE,),
    Kind.JUNKED: (Act.JUNK,),
    Kind.CLOCK: (Act.CLOCK,),
    Kind.REGIME: (Act.REGIME,),
    Kind.ROUTE: (Act.REGIME, Act.CONFIRM),
}


def needed(event: Event) -> tuple[Act, ...]:
    """Return the acts of which an event is one: its author may do any of them. None: everybody may."""
    if event.kind is Kind.HELD:
        return (Act.HOLD,) if event.fields["state"] == ON else (Act.RELEASE_HOLD,)
    if event.kind is Kind.SECOND and event.fields["state"] == "approved":
        return (Act.APPROVE,)
    return NEEDED.get(event.kind, ())


def makers(events: Iterable[Event]) -> list[str]:
    """Return who wrote settings that take the place of none: in a good log one person, the vault's maker."""
    return [event.reviewer for event in events if event.kind is Kind.OFFICE and event.fields["after"] is None]


def ever(events: Sequence[Event]) -> dict[str, set[Role]]:
    """Return every role that a person was given by the maker, or by somebody who was ever made a custodian."""
    roles: dict[str, set[Role]] = {}
    given = [event for event in events if event.kind is Kind.ROLES]
    trusted = set(makers(events)[:1])
    for _ in range(len(given) + 1):
        for event in given:
            if event.reviewer in trusted:
                roles.setdefault(event.text("member"), set()).update(read_roles(event.text("roles")))
        more = trusted | {who for who, held in roles.items() if held & MAY[Act.PEOPLE]}
        if more == trusted:
            break
        trusted = more
    return roles


def not_allowed(events: Sequence[Event]) -> Iterator[Event]:
    """Yield each event whose author never had a role for it."""
    roles = ever(events)
    for event in events:
        acts = needed(event)
        if acts and not any(roles.get(event.reviewer, set()) & MAY[act] for act in acts):
            yield event


def after_nothing(events: Sequence[Event], digests: Sequence[str]) -> Iterator[Event]:
    """Yield each decision that takes the place of something which is no decision of its kind in this log.

    digests  those of the events' lines, in the same order
    """
    kinds = {name: event.kind for name, event in zip(digests, events, strict=True)}
    for event in events:
        named = str(event.fields.get("after") or "").split()
        if any(kinds.get(name) is not event.kind for name in named):
            yield event
