# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the schedule erased stays so: nothing that holds words is written about it, or kept of it, again."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from desk import tables
from desk.errors import Erased
from desk.sources import MANY
from desk.vault import Vault


def erased(connection: Connection, subjects: Sequence[str]) -> frozenset[str]:
    """Return those of these reports and envelopes of which words, or all, were erased."""
    column = tables.purged.c.subject
    parts = [subjects[start : start + MANY] for start in range(0, len(subjects), MANY)]
    asked = (connection.execute(select(column).where(column.in_(part))).scalars() for part in parts)
    return frozenset(subject for found in asked for subject in found)


def refuse_if_erased(vault: Vault, report: str) -> None:
    """Raise Erased where a report's words were erased: what is written about it now would never be due again."""
    with vault.reading() as connection:
        if erased(connection, [report]):
            raise Erased(report[:8])
