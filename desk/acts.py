# SPDX-License-Identifier: AGPL-3.0-or-later
"""Acts of reviewers, as a chain tells them: which events are one act, which acts are undone. Pure.

Undoing is an event that names events of its own chain by number; redoing is one that names them again. Nothing leaves
the log, and nobody undoes what another did. What NEVER_UNDONE names is never undone, whatever an event names: each of
them has its own way back, or none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from desk.events import Event, Kind

NEVER_UNDONE = "custody, masks, clocks, holds, purging, roles and keys"  # as people are told
UNDOABLE = frozenset(
    {
        Kind.TAGGED,
        Kind.UNTAGGED,
        Kind.NOTED,
        Kind.SUMMARIZED,
        Kind.STATUS,
        Kind.ASSIGNED,
        Kind.LINKED,
        Kind.JUNKED,
        Kind.FILTER,
        Kind.TEMPLATE,
    }
)


@dataclass(frozen=True, slots=True)
class Act:
    """What a reviewer did with one command: events from `first` to `last` in their chain."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Acts:
    """What a reviewer did and can undo, and what they undid and can redo; the latest last."""

    done: tuple[Act, ...]
    undone: tuple[Act, ...]


def covers(change: Event, event: Event) -> bool:
    """Return whether an event that undoes or redoes names this one: its own reviewer's, earlier, and undoable."""
    first, last = change.fields["first"], change.fields["last"]
    numbered = isinstance(first, int) and isinstance(last, int) and first <= event.number <= last
    mine = event.reviewer == change.reviewer and event.number < change.number
    return bool(numbered and mine and event.kind in UNDOABLE)


def undone(events: Iterable[Event]) -> set[tuple[str, int]]:
    """Return the reviewer and number of each event that counts no more. Each chain is given in its order."""
    acts: dict[str, list[Event]] = {}
    gone: set[tuple[str, int]] = set()
    for event in events:
        mine = acts.setdefault(event.reviewer, [])
        if event.kind in UNDOABLE:
            mine.append(event)
        elif event.kind is Kind.UNDONE:
            gone |= {(one.reviewer, one.number) for one in mine if covers(event, one)}
        elif event.kind is Kind.REDONE:
            gone -= {(one.reviewer, one.number) for one in mine if covers(event, one)}
    return gone


def acts_of(events: Iterable[Event]) -> Acts:
    """Return the acts of one chain. What is done anew after an undo ends the way forward."""
    done: list[Act] = []
    back: list[Act] = []
    bulk_until = 0
    for event in events:
        if event.kind is Kind.UNDONE and done:
            back.append(done.pop())
        elif event.kind is Kind.REDONE and back:
            done.append(back.pop())
        elif event.kind is Kind.BULK and isinstance(event.fields["events"], int):
            bulk_until = event.number + event.fields["events"]
            done.append(Act(event.number + 1, bulk_until))
            back = []
        elif event.kind in UNDOABLE and event.number > bulk_until:
            done.append(Act(event.number, event.number))
            back = []
    return Acts(tuple(done), tuple(back))
