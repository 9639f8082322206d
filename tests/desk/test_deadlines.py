# SPDX-License-Identifier: AGPL-3.0-or-later
"""Days of deadlines: the page's own vectors, the library's holidays, and what holds for every day and month."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from vectorfiles import FOLDER

from desk import deadlines
from desk.clock_errors import DayRefused, NoSuchProfile, NoSuchRoute
from desk.deadlines import State, due_from, is_workday, look_out, months_after, span_from, workdays_after
from desk.errors import MonthRefused
from desk.regimes import Profile, Route, Standing, Unit, load_profile, page_profile, profile_names

VECTORS: dict[str, Any] = json.loads((FOLDER / "deadlines.json").read_text("utf-8"))
PROFILES = [load_profile(name) for name in profile_names()]
COUNTED = [(profile, route) for profile in PROFILES for route in profile.routes if route.count is not None]
OF_2019, OF_2026, EXCLUDED = (load_profile(f"us-federal-{name}") for name in ("2019", "2026", "excluded"))
TODAY = date(2026, 11, 24)
days = some.dates(date(deadlines.FIRST_YEAR, 1, 1), date(deadlines.LAST_YEAR, 12, 31))
rules = some.sampled_from(COUNTED)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
@pytest.mark.parametrize("vector", VECTORS["dues"], ids=lambda vector: vector["name"])
def test_days_of_the_vectors(profile: Profile, vector: dict[str, str]) -> None:
    """Every profile counts from these days to these days, as the page does."""
    due = due_from(profile, profile.route(vector["route"]), date.fromisoformat(vector["from"]))
    expected = vector["unrolled"], vector["hard_due"], vector["file_by"]
    assert expected == (str(due.unrolled), str(due.hard_due), str(due.file_by))


@pytest.mark.parametrize("vector", VECTORS["months"], ids=lambda vector: f"{vector['route']} {vector['month']}")
def test_months_of_the_vectors(vector: dict[str, str]) -> None:
    """Only a month: to file by from its first day, certainly past from its last."""
    span = span_from(OF_2019, OF_2019.route(vector["route"]), deadlines.read_month(vector["month"]))
    expected = vector["file_by"], vector["open_until_at_least"], vector["certainly_past_after"]
    assert expected == (str(span.file_by), str(span.open_until_at_least), str(span.certainly_past_after))


@pytest.mark.parametrize("vector", VECTORS["states"], ids=lambda v: f"{v['route']} {v['when']} on {v['today']}")
def test_states_of_the_vectors(vector: dict[str, str]) -> None:
    """Open, may have passed, passed, on the very days."""
    outlook = look_out(OF_2019, OF_2019.route(vector["route"]), vector["when"], date.fromisoformat(vector["today"]))
    assert vector["state"] == outlook.state


@pytest.mark.parametrize("day", VECTORS["no_days"], ids=repr)
def test_no_day_refused(day: str) -> None:
    """What is no day is no day, and is not mended."""
    with pytest.raises(DayRefused):
        deadlines.read_day(day)


@pytest.mark.parametrize("month", VECTORS["no_months"], ids=repr)
def test_no_month_refused(month: str) -> None:
    """What is no month is no month."""
    with pytest.raises((MonthRefused, DayRefused)):
        deadlines.read_month(month)


def _weekdays(first: int, last: int) -> list[date]:
    every = (date(first, 1, 1) + timedelta(days=n) for n in range((last - first + 1) * 366))
    return [day for day in every if day.weekday() < 5 and day.year <= last]


def test_library_gives_the_holidays_of_the_vectors() -> None:
    """2015 to 2040: the library's holidays are those that the page makes of the profiles' rules (5 USC 6103).

    They do not differ. The library names a holiday that falls on a weekend twice, on its day and on the day it is
    kept; only the second is a workday lost. Days given by executive order for one year, such as Christmas Eve, are in
    neither, and Inauguration Day is a holiday around Washington alone.
    """
    assert VECTORS["kept"] == [str(day) for day in _weekdays(2015, 2040) if not is_workday("US", day)]


@pytest.mark.parametrize(("year", "kept"), VECTORS["holidays"].items(), ids=list(VECTORS["holidays"]))
def test_published_holidays_are_no_workdays(year: str, kept: list[str]) -> None:
    """The days that the government published."""
    assert [] == [day for day in kept if is_workday("US", date.fromisoformat(day))]


def test_the_last_years_have_holidays() -> None:
    """The library knows holidays in every year to which a clock can run."""
    last = date(deadlines.LAST_YEAR, 12, 31)
    furthest = max(due_from(profile, route, last).unrolled for profile, route in COUNTED)
    assert furthest.year <= 2100
    assert 10 <= sum(not is_workday("US", day) for day in _weekdays(2100, 2100))


@given(rules, days)
def test_dates_stand_in_order(rule: tuple[Profile, Route], day: date) -> None:
    """Nothing ends before it began; one files on a workday, not after the day counted to, which only rolls forward."""
    profile, route = rule
    due = due_from(profile, route, day)
    assert day < due.unrolled <= due.hard_due
    assert due.file_by <= due.unrolled
    assert is_workday("US", due.file_by)
    assert all(
        not is_workday("US", due.file_by + timedelta(days=n)) for n in range(1, (due.unrolled - due.file_by).days + 1)
    )
    assert due.hard_due == due.unrolled if not route.rolls else is_workday("US", due.hard_due)


@given(rules, days)
def test_a_later_day_is_never_due_earlier(rule: tuple[Profile, Route], day: date) -> None:
    """One day later, all three dates are the same or later."""
    profile, route = rule
    one, other = (
        due_from(profile, route, day),
        due_from(profile, route, min(day + timedelta(days=1), date(2096, 12, 31))),
    )
    assert (one.unrolled, one.hard_due, one.file_by) <= (other.unrolled, other.hard_due, other.file_by)
    assert one.file_by <= other.file_by
    assert one.hard_due <= other.hard_due


@given(days, some.integers(0, 60))
def test_months_end_in_time(day: date, months: int) -> None:
    """The same day of the month, or the last of one that is shorter; always in the month asked for."""
    found = months_after(day, months)
    assert (found.year - day.year) * 12 + found.month - day.month == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


@given(days, some.integers(1, 40))
def test_workdays_are_counted(day: date, count: int) -> None:
    """As many workdays as asked for lie after the day, and the last of them is the answer."""
    found = workdays_after("US", day, count)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days + 1)]
    assert count == sum(is_workday("US", one) for one in between)
    assert is_workday("US", found)


@given(rules, days)
def test_a_month_covers_its_days(rule: tuple[Profile, Route], day: date) -> None:
    """Whatever day of the month it was: filed by the span's day it is in time, and past its end it is past."""
    profile, route = rule
    span, due = span_from(profile, route, day.replace(day=1)), due_from(profile, route, day)
    assert span.file_by <= due.file_by
    assert span.open_until_at_least <= due.hard_due <= span.certainly_past_after


@given(rules, days, some.integers(-400, 1500))
def test_a_month_never_says_more_than_a_day(rule: tuple[Profile, Route], day: date, away: int) -> None:
    """A month that is said to be open is open for each of its days, one that is said to be past is past."""
    profile, route = rule
    today = day + timedelta(days=away)
    month, exact = (
        look_out(profile, route, f"{day:%Y-%m}", today).state,
        look_out(profile, route, str(day), today).state,
    )
    assert month in (State.MAYBE, exact)


def test_a_contract_has_no_day_of_its_own() -> None:
    """Where the contract counts and nobody has said how, there is no date, and a wrong day is refused all the same."""
    outlook = look_out(OF_2019, OF_2019.route("arbitration"), "2019-05-02", TODAY)
    assert (State.CONTRACT, None, None) == (outlook.state, outlook.file_by, outlook.last_day)
    with pytest.raises(ValueError, match="contract"):
        due_from(OF_2019, OF_2019.route("arbitration"), TODAY)
    with pytest.raises(DayRefused):
        look_out(OF_2019, OF_2019.route("arbitration"), "2026-02-30", TODAY)


def test_standing_follows_the_profile() -> None:
    """Open in 2019, contested in 2026, closed where it is excluded; what does not rest on chapter 71 stays open."""
    grievance = [profile.standing(profile.route("grievance")) for profile in (OF_2019, OF_2026, EXCLUDED)]
    assert [Standing.OPEN, Standing.DISPUTED, Standing.CLOSED] == grievance
    assert Standing.OPEN == EXCLUDED.standing(EXCLUDED.route("mspb_appeal"))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_profiles_are_whole(profile: Profile) -> None:
    """The same routes, units that are known, a day that is one, elections between routes that are there."""
    assert [route.id for route in OF_2019.routes] == [route.id for route in profile.routes]
    assert deadlines.read_day(profile.as_of) <= TODAY
    assert {e.id: e.basis for e in profile.elections} == {
        "prohibited_practice": "5 USC 7121(g)",
        "adverse_action": "5 USC 7121(e)",
        "discrimination": "5 USC 7121(d)",
        "same_issue": "5 USC 7116(d)",
    }
    assert all(profile.route(name) for election in profile.elections for name in election.routes)
    ours = {route.id: (route.count, route.unit, route.trigger) for route in profile.routes if route.ours}
    assert {
        "acknowledgement": (7, Unit.CALENDAR_DAYS, "received"),
        "feedback": (3, Unit.MONTHS, "acknowledged"),
    } == ours


def test_names_are_refused() -> None:
    """A profile and a route that are not there are named, with those that are."""
    with pytest.raises(NoSuchProfile, match="us-federal-2019, us-federal-2026"):
        load_profile("../us-federal-2026")
    with pytest.raises(NoSuchRoute, match="has no route charge; its routes are eeo_counselor"):
        OF_2026.route("charge")
    assert "us-federal-2026" == page_profile()
