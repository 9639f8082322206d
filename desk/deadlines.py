# SPDX-License-Identifier: AGPL-3.0-or-later
"""Days of deadlines, counted as the page counts them. Pure: today is handed in.

Day 1 is the day after what happened. Months end with the last day of a shorter month. The last day rolls only where
the route's own rule says so; the day to file by is the last workday on or before the day counted to, and never rolls.
Workdays leave out federal holidays (5 USC 6103), from the library `holidays`. Vectors: tests/vectors/deadlines.json.
"""

import calendar
import functools
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from desk.clock_errors import DayRefused
from desk.errors import MonthRefused
from desk.regimes import Profile, Route, Sense, Standing, Unit

FIRST_YEAR = 1990
LAST_YEAR = 2096  # the library knows the holidays until 2100; no route of ours counts more than 3 years
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_SATURDAY = 5
_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """The day counted to, the last day that still holds, and the workday on which to have filed."""

    unrolled: date
    hard_due: date
    file_by: date


@dataclass(frozen=True, slots=True)
class Span:
    """What a month gives: act on the first of these days, despair not before the last."""

    file_by: date
    open_until_at_least: date
    certainly_past_after: date


class State(StrEnum):
    """Where a route stands today. `date`: it is no day to file by; `contract`: nobody has said how many days."""

    OPEN = "open"
    MAYBE = "maybe"
    PASSED = "passed"
    DATE = "date"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Outlook:
    """One route, counted from a day (`due`) or a month (`span`) as of a day."""

    route: Route
    standing: Standing
    state: State
    due: Due | None
    span: Span | None

    @property
    def file_by(self) -> date | None:
        """The workday by which to have acted; None where the contract counts."""
        found = self.due or self.span
        return found.file_by if found else None

    @property
    def last_day(self) -> date | None:
        """The last day that may still hold, by the route's own rule."""
        return self.due.hard_due if self.due else self.span.certainly_past_after if self.span else None


def read_day(untrusted: str) -> date:
    """Return a day written YYYY-MM-DD, from FIRST_YEAR to LAST_YEAR; raises DayRefused."""
    try:
        day = date.fromisoformat(untrusted if _DAY.fullmatch(untrusted) else "")
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DayRefused(FIRST_YEAR, LAST_YEAR, untrusted[:20])
    return day


def checked_month(untrusted: str) -> str:
    """Return a month written YYYY-MM; raises MonthRefused."""
    if not _MONTH.fullmatch(untrusted):
        raise MonthRefused(untrusted[:20])
    return untrusted


def read_month(untrusted: str) -> date:
    """Return the first day of a month written YYYY-MM; raises MonthRefused, DayRefused."""
    return read_day(f"{checked_month(untrusted)}-01")


def months_after(day: date, months: int) -> date:
    """Return the same day some months on, or the last of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@functools.cache
def _holidays(country: str) -> Container[date]:
    from holidays import country_holidays  # here, since it takes 0.2 s that no other verb should pay

    return country_holidays(country)


def is_workday(country: str, day: date) -> bool:
    """Return whether offices are open: not a Saturday, a Sunday or the day a federal holiday is kept."""
    return day.weekday() < _SATURDAY and day not in _holidays(country)


def workdays_after(country: str, day: date, count: int) -> date:
    """Return the nth workday after a day."""
    left = count
    while left:
        day += _ONE
        left -= is_workday(country, day)
    return day


def _nearest(country: str, day: date, step: timedelta) -> date:
    while not is_workday(country, day):
        day += step
    return day


def due_from(profile: Profile, route: Route, day: date) -> Due:
    """Return the days of a route that began on this day. The route must have a count: ValueError."""
    return _due(profile.country, route, day)


@functools.lru_cache(maxsize=4096)
def _due(country: str, route: Route, day: date) -> Due:
    if route.count is None:
        raise ValueError(f"the contract says the days of {route.id}")
    match route.unit:
        case Unit.MONTHS:
            unrolled = months_after(day, route.count)
        case Unit.WORKDAYS:
            unrolled = workdays_after(country, day, route.count)
        case Unit.CALENDAR_DAYS:
            unrolled = day + timedelta(days=route.count)
    hard = _nearest(country, unrolled, _ONE) if route.rolls else unrolled
    return Due(unrolled, hard, _nearest(country, unrolled, -_ONE))


def span_from(profile: Profile, route: Route, first: date) -> Span:
    """Return what is known of a route that began in the month of this first day."""
    early, late = due_from(profile, route, first), due_from(profile, route, months_after(first, 1) - _ONE)
    return Span(early.file_by, early.hard_due, late.hard_due)


def look_out(profile: Profile, route: Route, when: str, today: date) -> Outlook:
    """Return where a route stands that began on a day or in a month. Raises DayRefused, MonthRefused."""
    whole = len(when) != len("YYYY-MM")
    first = read_day(when) if whole else read_month(when)
    standing = profile.standing(route)
    if route.count is None:
        return Outlook(route, standing, State.CONTRACT, None, None)
    if whole:
        due = due_from(profile, route, first)
        return Outlook(route, standing, _state(route, today, due.hard_due, due.hard_due), due, None)
    span = span_from(profile, route, first)
    state = _state(route, today, span.open_until_at_least, span.certainly_past_after)
    return Outlook(route, standing, state, None, span)


def _state(route: Route, today: date, surely: date, possibly: date) -> State:
    if route.sense is not Sense.DUE:
        return State.DATE
    if today <= surely:
        return State.OPEN
    return State.MAYBE if today <= possibly else State.PASSED
