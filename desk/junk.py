# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was set aside, in bins by fault, and the decision that it is junk. Nothing is erased here, nor by itself.

An envelope is junk once somebody has decided so and nobody decided to keep it; the schedule's purge erases it later.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Subquery, case, func, select

from desk import tables
from desk.events import Kind
from desk.reading import set_aside
from desk.roles import Act, refuse_unless
from desk.vault import Vault

REPEAT = "repeat"  # the bin of letters that came again: nothing is kept of them but that they came


@dataclass(frozen=True, slots=True)
class Bin:
    """What was set aside for one fault. `oldest` is the earliest day on which one of them was."""

    fault: str
    undecided: int
    discarded: int
    kept: int
    oldest: str

    def as_json(self) -> dict[str, object]:
        """Return it for a machine."""
        return asdict(self)


def _verdicts() -> Subquery:
    """Each envelope set aside and still kept, with 1 for junk, 0 for kept, nothing for neither."""
    aside, junk = set_aside().order_by(None).subquery(), tables.junk.c
    columns = select(aside.c.envelope, aside.c.fault, aside.c.day, func.min(junk.junk).label("verdict"))
    joined = columns.join_from(aside, tables.junk, junk.envelope == aside.c.envelope, isouter=True)
    return joined.group_by(aside.c.envelope, aside.c.fault, aside.c.day).subquery()


def bins(vault: Vault) -> list[Bin]:
    """Return the bins that are not empty, by fault, and that of exact repeats."""
    found = _verdicts().c
    counted = [func.sum(case((found.verdict.is_(None), 1), else_=0))]
    counted += [func.sum(case((found.verdict == value, 1), else_=0)) for value in (1, 0)]
    whole = select(found.fault, *counted, func.min(found.day)).group_by(found.fault).order_by(found.fault)
    column = tables.envelopes.c
    repeats = select(func.count(), func.min(column.day)).where(column.outcome == "repeated")
    with vault.reading() as connection:
        made = [Bin(*tuple(row)) for row in connection.execute(whole)]
        count, oldest = connection.execute(repeats).one()
    return [*made, *([Bin(REPEAT, 0, 0, count, oldest)] if count else [])]


def in_bin(vault: Vault, fault: str, *, junk: bool) -> list[str]:
    """Return the envelopes of a bin on which such a decision would change something, by digest.

    junk  those that nobody decided on; without it, those that are not kept
    """
    found = _verdicts().c
    chosen = select(found.envelope).where(found.fault == fault)
    chosen = chosen.where(found.verdict.is_(None) if junk else found.verdict.is_not(0))
    with vault.reading() as connection:
        rows = connection.execute(chosen.order_by(found.envelope)).all()
    return [row[0] for row in rows]


def decide(vault: Vault, envelopes: Iterable[str], *, junk: bool) -> int:
    """Say of envelopes that they are junk, or that they are to be kept; return how many this changed.

    Raises RoleMissing.
    """
    refuse_unless(vault, Act.JUNK)
    with vault.writing() as writer:
        mine = _mine(writer.connection, vault.reviewer)
        changed = [name for name in dict.fromkeys(envelopes) if mine.get(name) != junk]
        writer.act("junk", [(Kind.JUNKED, {"envelope": name, "junk": int(junk)}) for name in changed])
    return len(changed)


def _mine(connection: Connection, reviewer: str) -> dict[str, int]:
    column = tables.junk.c
    rows = connection.execute(select(column.envelope, column.junk).where(column.reviewer == reviewer))
    return {row[0]: row[1] for row in rows}
