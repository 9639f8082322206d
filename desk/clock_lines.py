# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clocks and regimes as lines of text and as JSON. Pure: what is returned still passes through the voice.

Labels and warnings are the page's own sentences, so that officer and desk read the same.
"""

import functools
import json
from collections.abc import Iterable, Iterator
from datetime import date
from importlib import resources

from desk.clocks import Board, Choice, Clock, Known, Regime
from desk.deadlines import Outlook, State
from desk.regimes import Profile, Route, Sense, Standing
from intake.console import cut

WIDTH = 78  # of lines that would be longer
HEADS = ("file by", "last day", "report", "route", "from", "state")
ROUTE_HEADS = ("route", "days", "from", "confirmed", "state")
COUNSEL = "ask counsel: exceptions exist"
UNCONFIRMED = "counsel has not confirmed the rule, do not rely on it alone"
SENTENCES = {
    State.OPEN: "open",
    State.MAYBE: f"may have passed; {COUNSEL}",
    State.PASSED: f"passed by this count; {COUNSEL}",
    State.CONTRACT: "the contract says how many days, and the office has not set them; ask a steward or counsel today",
}
_SHORT = {State.MAYBE: "maybe passed", State.CONTRACT: "ask contract"}
_OURS = {  # of routes that the page does not carry
    "acknowledgement": "Acknowledgement to the officer",
    "feedback": "Feedback to the officer",
    "grievance_step_3": "Grievance, third step",
}


@functools.cache
def _words() -> dict[str, str]:
    words: dict[str, str] = json.loads(resources.files("intake").joinpath("words", "en.json").read_bytes())
    return words


def _sentence(key: str, **values: str) -> str:
    return _words()[f"say.deadline.{key}"].format(**values)


def label(route: Route) -> str:
    """Return a route's name in words."""
    return _OURS[route.id] if route.id in _OURS else _sentence(route.id)


def short_state(clock: Clock, today: date) -> str:
    """Return a clock's state in at most 12 characters."""
    outlook = clock.outlook
    if not clock.runs:
        return "off"
    if outlook.state is not State.DATE:
        stands = _SHORT.get(outlook.state, outlook.state.value)
        return "open, relied" if clock.relied and outlook.state is State.OPEN else stands
    past = outlook.last_day is not None and today > outlook.last_day
    match outlook.route.sense:
        case Sense.ANSWER:
            return "overdue" if past else "open" if outlook.route.ours else "answer due"
        case Sense.OPENS:
            return "may file" if past else "not yet"
        case _:
            return "long ago" if past else "no fixed day"


def rows(board: Board, clocks: Iterable[Clock], today: date, id_length: int) -> Iterator[tuple[str, ...]]:
    """Yield what cannot wait, then the clocks, as rows under HEADS. A route that is off has no days."""
    for report in board.urgent:
        yield "TODAY", "-", report[:id_length], "-", "-", "act now"
    for clock in clocks:
        by, last = clock.outlook.file_by, clock.outlook.last_day
        opens = clock.outlook.route.sense is Sense.OPENS  # one files after its day, not by it
        days = ("-" if opens else str(by), str(last)) if clock.runs and by and last else ("-", "-")
        yield *days, clock.report[:id_length], clock.outlook.route.id, clock.since, short_state(clock, today)


def profile_line(regime: Regime) -> str:
    """Return which rules count, as of which day."""
    return f"profile {regime.profile.id}, as of {regime.profile.as_of}"


def rule(route: Route) -> str:
    """Return a route's rule: how many days from what, by which law."""
    counted = "days of the contract" if route.count is None else f"{route.count} {route.unit.replace('_', ' ')}"
    rolls = ", to the next workday" if route.rolls else ""
    return f"{counted} after {route.trigger.replace('_', ' ')}{rolls}; {route.basis}"


def rules(profile: Profile, routes: Iterable[str]) -> Iterator[str]:
    """Yield the rules of these routes, with what is to be known before anybody relies on them."""
    wanted = set(routes)
    for route in profile.routes:
        if route.id in wanted:
            said = [rule(route), *(warning.partition(":")[0] for warning in warnings(profile, route))]
            yield from _hung(f"{route.id}: {'; '.join(said)}")
    if any(not route.verified for route in profile.routes if route.id in wanted):
        yield f"not confirmed: {UNCONFIRMED}"


def _hung(line: str, indent: str = "") -> Iterator[str]:
    """Yield a line in pieces that fit a terminal, each after the first set in."""
    first, *more = cut(line, WIDTH - len(indent) - 2)
    yield indent + first.rstrip()
    yield from (f"{indent}  {piece.rstrip()}" for piece in more)


def warnings(profile: Profile, route: Route) -> list[str]:
    """Return what makes a route's day uncertain, and where to ask whom to file with."""
    found = {Standing.DISPUTED: ["contested: the clock may run anyway"], Standing.CLOSED: ["off in this profile"]}
    said = list(found.get(profile.standing(route), []))
    if not route.verified:
        said.append(f"not confirmed: {UNCONFIRMED}")
    if route.sense is Sense.DUE and not route.file_with:
        said.append("office to file with not set: the wrong one can lose it")
    return said


def block(profile: Profile, clock: Clock, today: date) -> Iterator[str]:
    """Yield all that is known of one clock."""
    for number, line in enumerate(_facts(profile, clock, today)):
        yield from _hung(line, "  " if number else "")


def _facts(profile: Profile, clock: Clock, today: date) -> Iterator[str]:
    outlook, route = clock.outlook, clock.outlook.route
    yield f"{route.id}: {label(route)}"
    if clock.runs and outlook.file_by:
        yield _by(route, outlook) + (f", with {route.file_with}" if route.file_with else "")
    if clock.runs and outlook.due and route.sense is not Sense.OPENS:
        yield f"last day by its own rule {outlook.due.hard_due}"
    if clock.runs and outlook.span:
        surely, possibly = outlook.span.open_until_at_least, outlook.span.certainly_past_after
        yield f"open until {surely} at least, certainly past after {possibly}"
    yield f"from {clock.since}: {rule(route)}"
    sentence = SENTENCES.get(outlook.state, short_state(clock, today)) if clock.runs else "off in this profile: not due"
    yield sentence + (", relied on" if clock.relied else "")
    yield from (warning for warning in warnings(profile, route) if clock.runs)


def _by(route: Route, outlook: Outlook) -> str:
    if route.sense is Sense.OPENS:
        return f"file after {outlook.last_day}"
    if route.sense is Sense.ANSWER:
        return f"{'answer' if route.ours else 'an answer is due'} by {outlook.file_by}"
    return f"file by {outlook.file_by}"


def election_lines(choices: Iterable[Choice]) -> Iterator[str]:
    """Yield what filing could shut, and what was filed already."""
    choices = list(choices)
    for choice in choices:
        yield _sentence(f"election.{choice.election.id}", basis=choice.election.basis)
        if choice.filed:
            yield f"FILED ALREADY for this report: {', '.join(choice.filed)}; this one may be shut, ask counsel first"
    if any(not choice.election.verified for choice in choices):
        yield f"not confirmed: {UNCONFIRMED}"


def notes(profile: Profile) -> Iterator[str]:
    """Yield what a profile has to say of itself."""
    yield f"chapter 71: {profile.chapter71.replace('_', ' ')}" + (", contested" if profile.disputed else "")
    for note in profile.notes:
        yield from cut(_sentence(f"note.{note}"), WIDTH)


def route_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    """Yield the routes of a profile as rows under ROUTE_HEADS."""
    states = {Standing.OPEN: "open", Standing.DISPUTED: "contested", Standing.CLOSED: "off"}
    for route in profile.routes:
        unit = "days" if route.unit == "calendar_days" else route.unit.value
        counted = "contract" if route.count is None else f"{route.count} {unit}"
        confirmed = "yes" if route.verified else "no"
        yield route.id, counted, route.trigger, confirmed, states[profile.standing(route)]


def route_json(profile: Profile, route: Route) -> dict[str, object]:
    """Return a route for a machine."""
    return {
        "rule": route.id,
        "trigger": route.trigger,
        "sense": route.sense.value,
        "count": route.count,
        "unit": route.unit.value,
        "roll": "next_workday" if route.rolls else "none",
        "basis": route.basis,
        "verified": route.verified,
        "file_with": route.file_with,
        "standing": profile.standing(route).value,
        "profile": profile.id,
        "as_of": profile.as_of,
        "warnings": warnings(profile, route),
    }


def clock_json(profile: Profile, clock: Clock) -> dict[str, object]:
    """Return a clock for a machine; a route that is off has no days."""
    outlook = clock.outlook
    due, span = (outlook.due, outlook.span) if clock.runs else (None, None)
    by = due or span
    return {
        "report": clock.report,
        "from": clock.since,
        "set": clock.set,
        "relied_on": clock.relied,
        "state": outlook.state.value if clock.runs else "off",
        "says": SENTENCES.get(outlook.state) if clock.runs else None,
        "file_by": str(by.file_by) if by else None,
        "unrolled": str(due.unrolled) if due else None,
        "hard_due": str(due.hard_due) if due else None,
        "open_until_at_least": str(span.open_until_at_least) if span else None,
        "certainly_past_after": str(span.certainly_past_after) if span else None,
        **route_json(profile, outlook.route),
    }


def board_json(board: Board, clocks: Iterable[Clock], known: Known | None, today: date) -> dict[str, object]:
    """Return what runs for a machine; of one report with what else bears on it."""
    profile = board.regime.profile
    more: dict[str, object] = {}
    if known:
        more = {
            "month": known.month,
            "candidates": [clock_json(profile, clock) for clock in known.candidates],
            "done": [{"route": route, "day": day} for route, day in known.done],
            "outside_unit": known.outside_unit,
        }
    named = {"profile": profile.id, "as_of": profile.as_of, "day": str(today), "today": list(board.urgent)}
    return {**named, "clocks": [clock_json(profile, clock) for clock in clocks], **more}


def regime_json(regime: Regime) -> dict[str, object]:
    """Return a regime for a machine."""
    profile = regime.profile
    named = {"profile": profile.id, "as_of": profile.as_of, "chosen": regime.chosen, "agreed": regime.agreed}
    return {
        **named,
        "chapter71": profile.chapter71,
        "disputed": profile.disputed,
        "routes": [route_json(profile, route) for route in profile.routes],
        "elections": [{"id": e.id, "routes": list(e.routes), "basis": e.basis} for e in profile.elections],
    }
