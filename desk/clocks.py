# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clocks of reports: which run, since when, and what the office decided about them. Events hold days, never words.

Two run by themselves for each report: acknowledgement from the day it was filed, and feedback from the
acknowledgement, or from the end of its seven days until there is one. The others run once somebody has set them.
What cannot wait has no clock: it stands in front of them all until somebody has marked it done or closed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, select

from desk import index, tables
from desk.cards import Card, cannot_wait, card_of, facts_of
from desk.clock_errors import CountsFromFiling, DayAhead, NoClock, NotConfigured, NothingAsked, NotToRelyOn
from desk.deadlines import Outlook, State, look_out, read_day, read_month
from desk.decisions import Decision, Topic, after, all_decisions, heads, standing
from desk.errors import NoSuchReport
from desk.events import Kind
from desk.regimes import Election, Profile, Route, Standing, Unit, load_profile, page_profile
from desk.review import checked_text
from desk.roles import Act, refuse_unless
from desk.vault import Vault, Writer

OFFICE = "office"  # the one subject of Topic.REGIME
NONE = "-"  # in what a decision says: no day, no count, not confirmed
ACKNOWLEDGEMENT, FEEDBACK, EVENT = "acknowledgement", "feedback", "event"
_DAYS = {Unit.CALENDAR_DAYS: 1.0, Unit.WORKDAYS: 1.4, Unit.MONTHS: 30.0}  # to tell the shorter of two counts


class Mark(StrEnum):
    """What stands of a clock. `done`: filed, or answered; `removed`: it was set by mistake."""

    OPEN = "open"
    RELIED = "relied"
    DONE = "done"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Regime:
    """The office's profile with its own settings in it. `chosen`: by the office; `agreed`: nobody chose another."""

    profile: Profile
    chosen: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of one report, counted `since` a day or a month; `set` by somebody, or running by itself."""

    report: str
    since: str
    set: bool
    relied: bool
    outlook: Outlook

    @property
    def runs(self) -> bool:
        """Whether the profile knows the route: else it is shown, and not as due."""
        return self.outlook.standing is not Standing.CLOSED

    @property
    def order(self) -> tuple[object, ...]:
        """The first to act on in front: what nobody counts, then by the day to file by; what is off at the end."""
        by = self.outlook.file_by
        return not self.runs, str(by or ""), self.report, self.outlook.route.id, self.since


@dataclass(frozen=True, slots=True)
class Board:
    """All that runs, under one regime. `urgent` are reports that cannot wait and have no clock."""

    regime: Regime
    urgent: tuple[str, ...]
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """What one decision says of a clock."""

    route: str
    since: str
    mark: Mark
    day: str


def _said(decision: Decision) -> _Said:
    route, since, mark = decision.value.split(" ")
    return _Said(route, since, Mark(mark), decision.day)


def regime_of(connection: Connection) -> Regime:
    """Return the rules by which this desk counts. Where people set a route differently, the shorter count holds."""
    chosen = standing(connection, Topic.REGIME, OFFICE)
    names = sorted({decision.value for decision in chosen})
    profile = load_profile(names[0] if names else page_profile())
    settings = heads(all_decisions(connection, Topic.ROUTE))
    routes = tuple(_configured(connection, profile, route, settings.get(route.id, [])) for route in profile.routes)
    return Regime(replace(profile, routes=routes), bool(names), len(names) < 2)


def _configured(connection: Connection, profile: Profile, route: Route, settings: list[Decision]) -> Route:
    made = []
    for one in settings:
        count, unit, confirmed = one.value.split(" ")
        made.append(
            replace(
                route,
                count=route.count if count == NONE else int(count),
                unit=route.unit if unit == NONE else Unit(unit),
                verified=confirmed == profile.id or (route.verified and count == NONE),
            )
        )
    shortest = min(made, key=lambda r: _DAYS[r.unit] * (r.count or 0), default=route)
    texts = tables.texts.c
    named = select(texts.text).where(texts.id.in_([one.text for one in settings if one.text])).order_by(texts.text)
    offices = connection.execute(named).scalars().all()
    verified = all(r.verified for r in made) if made else route.verified
    return replace(shortest, file_with=" or ".join(dict.fromkeys(offices)) or route.file_with, verified=verified)


def read_regime(vault: Vault) -> Regime:
    """Return the rules by which this desk counts."""
    with vault.reading() as connection:
        return regime_of(connection)


def choose_regime(vault: Vault, name: str) -> bool:
    """Choose the office's profile; return False where it is so. Raises RoleMissing, NoSuchProfile."""
    refuse_unless(vault, Act.REGIME)
    profile = load_profile(name)
    with vault.writing() as writer:
        stands = standing(writer.connection, Topic.REGIME, OFFICE)
        if [decision.value for decision in stands] == [profile.id]:
            return False
        writer.record(Kind.REGIME, subject=OFFICE, profile=profile.id, after=after(stands))
    return True


@dataclass(frozen=True, slots=True)
class Setting:
    """What the office says of a route; None leaves it as it is. `confirmed`: counsel's word, for this profile only."""

    count: int | None = None
    unit: Unit | None = None
    file_with: str | None = None
    confirmed: bool = False


def settable(profile: Profile, name: str, count: int | None) -> Route:
    """Return the route of this name, where the office may set it so. Raises NoSuchRoute, NotConfigured."""
    route = profile.route(name)
    if count is not None and not route.configured:
        raise NotConfigured(route.id)
    return route


def set_route(vault: Vault, name: str, setting: Setting) -> None:
    """Set a route for the office. A new count is confirmed by nobody until counsel does.

    Raises RoleMissing, NoSuchRoute, NotConfigured, NothingWritten.
    """
    refuse_unless(vault, Act.CONFIRM if setting.confirmed else Act.REGIME)
    with vault.writing() as writer:
        profile = regime_of(writer.connection).profile
        route = settable(profile, name, setting.count)
        stands = standing(writer.connection, Topic.ROUTE, route.id)
        counted = any(one.value.split(" ")[0] != NONE for one in stands)
        rule = f"{route.count} {route.unit}" if counted else f"{NONE} {NONE}"
        confirmed = bool(stands) and all(one.value.split(" ")[2] == profile.id for one in stands)
        if setting.count is not None:
            rule, confirmed = f"{setting.count} {setting.unit or route.unit}", False
        rule += f" {profile.id if setting.confirmed or confirmed else NONE}"
        text = next((one.text for one in stands if one.text), None)
        if setting.file_with is not None:
            text = writer.text(checked_text(setting.file_with))
        writer.record(Kind.ROUTE, route=route.id, rule=rule, text=text, after=after(stands))


def board(vault: Vault, report: str | None = None) -> Board:
    """Return everything that runs today, the first to act on in front; of one report only where it is given."""
    with vault.reading() as connection:
        regime = regime_of(connection)
        cards = index.page(connection, []) if report is None else [_card(connection, report)]
        said = _all_said(connection, report)
    urgent = tuple(card["report"] for card in cards if cannot_wait(card))
    looks = _Looks(regime.profile, vault.day)
    clocks = [clock for card in cards for clock in _clocks(looks, card, said.get(card["report"], []))]
    return Board(regime, urgent, tuple(sorted(clocks, key=lambda clock: clock.order)))


def _all_said(connection: Connection, report: str | None = None) -> dict[str, list[_Said]]:
    decisions = heads(all_decisions(connection, Topic.CLOCK, report))
    return {name: [_said(decision) for decision in each] for name, each in decisions.items()}


def running(connection: Connection, today: date) -> frozenset[str]:
    """Return the reports with a clock that somebody set, and whose last day has not passed: they are needed still."""
    looks = _Looks(regime_of(connection).profile, today)
    clocks = ((name, clock) for name, said in _all_said(connection).items() for clock in _set(looks, name, said))
    return frozenset(name for name, clock in clocks if clock.outlook.state is not State.PASSED)


class _Looks:
    """Outlooks of one profile as of one day. Reports share their days, so each is counted once."""

    def __init__(self, profile: Profile, today: date) -> None:
        self._profile, self._today = profile, today
        self.routes = {route.id: route for route in profile.routes}
        self._found: dict[tuple[str, str], Outlook] = {}

    def of(self, route: str, since: str) -> Outlook:
        """Return where a route stands that began on a day or in a month."""
        found = self._found.get((route, since))
        if found is None:
            found = self._found[route, since] = look_out(self._profile, self.routes[route], since, self._today)
        return found


def _card(connection: Connection, report: str) -> Card:
    card = card_of(connection, report)
    if card is None:
        raise NoSuchReport(report[:8])
    return card


def _clocks(looks: _Looks, card: Card, said: list[_Said]) -> Iterator[Clock]:
    if not cannot_wait(card):
        yield from _by_themselves(looks, card, said)
    yield from _set(looks, card["report"], said)


def _set(looks: _Looks, report: str, said: list[_Said]) -> Iterator[Clock]:
    """Yield the clocks of a report that somebody set."""
    for one in said:
        if one.mark in (Mark.OPEN, Mark.RELIED) and one.route in looks.routes and one.since != NONE:
            yield Clock(report, one.since, True, one.mark is Mark.RELIED, looks.of(one.route, one.since))


def _by_themselves(looks: _Looks, card: Card, said: list[_Said]) -> Iterator[Clock]:
    """Yield the desk's own two clocks of a report, unless they are done or set by somebody."""
    taken = {one.route for one in said if one.mark is not Mark.REMOVED}
    first = looks.of(ACKNOWLEDGEMENT, card["day"])
    if ACKNOWLEDGEMENT not in taken:
        yield Clock(card["report"], card["day"], False, False, first)
    if FEEDBACK not in taken:
        done = [one.day for one in said if one.route == ACKNOWLEDGEMENT and one.mark is Mark.DONE]
        since = min(done) if done else first.due.unrolled.isoformat() if first.due else card["day"]
        yield Clock(card["report"], since, False, False, looks.of(FEEDBACK, since))


@dataclass(frozen=True, slots=True)
class Known:
    """What else bears on a report's clocks.

    month         as the officer answered, or one of the answers that are no month
    candidates    what that month would give for routes without a clock; nothing of it is set
    done          routes that are filed or answered, each with the day on which somebody said so
    outside_unit  a supervisor or manager, whom the union cannot represent (5 USC 7112(b)(1))
    """

    month: str
    candidates: tuple[Clock, ...]
    done: tuple[tuple[str, str], ...]
    outside_unit: bool


def known(vault: Vault, report: str) -> Known:
    """Return what else bears on a report's clocks. Raises NoSuchReport."""
    with vault.reading() as connection:
        profile, month = regime_of(connection).profile, _card(connection, report)["month"]
        said = [_said(decision) for decision in standing(connection, Topic.CLOCK, report)]
        role = facts_of(connection, report)["answers"].get("role_band")
    taken = {one.route for one in said if one.mark is not Mark.REMOVED}
    found = [
        Clock(report, month, False, False, look_out(profile, route, month, vault.day))
        for route in profile.routes
        if month[:1].isdigit() and route.trigger == EVENT and route.id not in taken
    ]
    done = sorted((one.route, one.day) for one in said if one.mark is Mark.DONE)
    return Known(
        month, tuple(sorted(found, key=lambda clock: clock.order)), tuple(done), role == "supervisor_or_manager"
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """An election that filing touches, and the routes of it that were filed for this report already."""

    election: Election
    filed: tuple[str, ...]


def choices(vault: Vault, report: str, route: Route) -> tuple[Choice, ...]:
    """Return what filing this route could shut: to be shown before it is marked filed."""
    with vault.reading() as connection:
        profile = regime_of(connection).profile
        said = [_said(decision) for decision in standing(connection, Topic.CLOCK, report)]
    done = {one.route for one in said if one.mark is Mark.DONE}
    return tuple(Choice(one, tuple(sorted(done & set(one.routes) - {route.id}))) for one in profile.elections_of(route))


def set_clock(vault: Vault, report: str, name: str, *, since: str | None, mark: Mark) -> bool:
    """Set a clock of a report, or close it; return False where it stands so. Days only: an event holds no words.

    since  a day or a month; None leaves it as it stands
    Raises RoleMissing, NoSuchRoute, NoSuchReport, DayRefused, MonthRefused, DayAhead, CountsFromFiling, NoClock,
    NothingAsked, NotToRelyOn.
    """
    refuse_unless(vault, Act.CLOCK)
    with vault.writing() as writer:
        connection = writer.connection
        profile = regime_of(connection).profile
        route = profile.route(name)
        _card(connection, report)
        if since is not None:
            _refuse_since(route, since, vault.day)
        stands = [one for one in standing(connection, Topic.CLOCK, report) if _said(one).route == route.id]
        now = [_said(one) for one in stands]
        began = since or next((one.since for one in now if one.mark is not Mark.REMOVED), NONE)
        if mark is Mark.OPEN and since is None:
            raise NothingAsked
        if mark is Mark.REMOVED and not now:
            raise NoClock(report[:8])
        if mark is Mark.RELIED:
            _refuse_to_rely(profile, route, report, began)
        return _record(writer, report, f"{route.id} {began} {mark}", stands)


def _record(writer: Writer, report: str, clock: str, stands: list[Decision]) -> bool:
    if [one.value for one in stands] == [clock]:
        return False
    writer.record(Kind.CLOCK, report=report, clock=clock, after=after(stands))
    return True


def _refuse_since(route: Route, since: str, today: date) -> None:
    first = read_month(since) if len(since) == len("YYYY-MM") else read_day(since)
    if route.id == ACKNOWLEDGEMENT:
        raise CountsFromFiling(route.id)
    if first > today:
        raise DayAhead


def _refuse_to_rely(profile: Profile, route: Route, report: str, began: str) -> None:
    """Raise unless a day can be relied on: counted from a day, by a rule that is confirmed and that the profile has."""
    if route.count is None or not route.verified:
        raise NotToRelyOn(route.id, "its rule is not confirmed by counsel")
    if profile.standing(route) is not Standing.OPEN:
        raise NotToRelyOn(route.id, f"profile {profile.id} does not have it, or it is contested")
    if began == NONE:
        raise NoClock(report[:8])
    if len(began) == len("YYYY-MM"):
        raise NotToRelyOn(route.id, "only the month is known")


def due_within(found: Iterable[Clock], today: date, days: int) -> Iterator[Clock]:
    """Yield what is to be acted on within so many days, with what is past, and with what nobody has counted."""
    for clock in found:
        by = clock.outlook.file_by
        if clock.runs and (clock.outlook.state is State.CONTRACT or (by is not None and (by - today).days <= days)):
            yield clock
