# SPDX-License-Identifier: AGPL-3.0-or-later
"""Linking reports, and taking a link off. A link is a decision: the latest that knew of the others stands."""

from collections.abc import Sequence

from desk.decisions import OFF, ON, after
from desk.events import Kind
from desk.roles import Act, refuse_unless
from desk.sources import Relation, Sources, standing_of
from desk.vault import Vault
from desk.work_errors import WithItself


def link(vault: Vault, report: str, others: Sequence[str], relation: Relation, *, on: bool = True) -> list[str]:
    """Link one report with each of the others, or take these links off; return those for which this changed anything.

    Raises RoleMissing, WithItself; then none is changed.
    """
    refuse_unless(vault, Act.WORK)
    if report in others:
        raise WithItself
    with vault.writing() as writer:
        changed, steps = [], []
        sources = Sources(writer.connection)
        for other in dict.fromkeys(others):
            first, second = min(report, other), max(report, other)
            stands = standing_of(writer.connection, other, report, relation)  # the side with fewer
            if any(one.value == ON for one in stands) == on:
                continue
            changed.append(other)
            pair = {"report": first, "other": second, "relation": relation.value, "after": after(stands)}
            steps.append((Kind.LINKED, {**pair, "state": ON if on else OFF}))
            writer.touched |= sources.members(report) | sources.members(other)
        writer.act("link" if on else "unlink", steps)
    return changed
