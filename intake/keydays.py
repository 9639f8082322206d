# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long the signed weeks last, and what people are told when they end. Values only: callers own the clock."""

from collections.abc import Iterable
from datetime import date, timedelta

SOON_DAYS = 21  # the next signing is due (deploy/CEREMONY.md)
URGENT_DAYS = 7  # a courier may come once a week: what is signed later may be published too late
_DAY = timedelta(days=1)


def covered_until(spans: Iterable[tuple[date, date]], today: date) -> date | None:
    """Return the last day that lists cover without a gap from today on; None where none covers today.

    spans  first and last day of each list that no newer one has replaced
    """
    last = today - _DAY
    for first, end in sorted(spans):
        if first <= last + _DAY:
            last = max(last, end)
    return last if last >= today else None


def ending(until: date | None, today: date) -> str | None:
    """Return one sentence where the signed weeks end in less than three weeks, None where there is time.

    until  the last day that is covered; None, or a day gone by, where today is not
    """
    if until is None or until < today:
        return (
            f"WARNING: no signed week covers today, {today}: nobody can seal a letter until newer lists are published"
        )
    days = (until - today).days
    if days >= SOON_DAYS:
        return None
    when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    if days >= URGENT_DAYS:
        return f"the last signed week ends {when}, on {until}: it is time to sign the next quarter"
    return f"WARNING: the last signed week ends {when}, on {until}: after that nobody can seal a letter; sign now"
