# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs about time: clocks, clock, regime."""

from dataclasses import replace
from datetime import date

import click

from desk import clock_lines, clocks
from desk.clock_errors import DayOrMonth, OneMark, YesRefused
from desk.clocks import Board, Clock, Known, Mark, Regime, Setting
from desk.deadlines import read_day, read_month
from desk.reading import SHOWN_ID, find_report, shown_length
from desk.reading_cli import MANY
from desk.regimes import Profile, Sense, Unit, load_profile
from desk.roles import Act
from desk.session import JSON, VOICE, Where, read_text, typed, unasked, with_desk

LONG_AGO = "before_2y"  # an answer of the questionnaires
FILES_NOTHING = "nothing here files anything or stops a clock"
MARKED = {Mark.OPEN: "counts", Mark.RELIED: "is relied on", Mark.DONE: "is done", Mark.REMOVED: "is removed"}


@click.command("clocks")
@click.option("--report", help="Only this report, with everything known of its clocks and what its month would give.")
@click.option("--route", help="Only this route, by its id.")
@click.option("--due-within", type=click.IntRange(0), metavar="DAYS", help="Only what is due in so many days, or past.")
@click.option("--limit", type=click.IntRange(1), help=f"How many at most  [{MANY}; with --json or --report, all]")
@JSON
@with_desk
def clocks_(
    where: Where, report: str | None, route: str | None, due_within: int | None, limit: int | None, as_json: bool
) -> None:
    """Show what is due, the first to file in front; before it what cannot wait and has no clock.

    File by the first day shown; the last day is that of the route's own rule. With --report, the month that the
    officer named shows what may be due, and sets nothing.

    \b
    Example:
      underseal desk clocks --due-within 14
      underseal desk clocks --report 3f9a
      underseal desk clocks --route ulp --json
    """
    with where.open(Act.READ) as here:
        name = find_report(here.vault, report) if report else None
        board = clocks.board(here.vault, name)
        known = clocks.known(here.vault, name) if name else None
        today = here.vault.day
    profile = board.regime.profile
    wanted = profile.route(route).id if route else None

    def narrowed(found: tuple[Clock, ...]) -> list[Clock]:
        kept = (clock for clock in found if wanted in (None, clock.outlook.route.id))
        return list(kept if due_within is None else clocks.due_within(kept, today, due_within))

    found = narrowed(board.clocks)
    known = replace(known, candidates=tuple(narrowed(known.candidates))) if known else None
    if as_json:
        VOICE.answer_json(clock_lines.board_json(board, found[:limit], known, today))
        return
    if name and known:
        _answer_report(board, name, found[:limit], known, today)
    else:
        _answer_board(board, found, limit or MANY, today)
    VOICE.say(FILES_NOTHING)


def _answer_board(board: Board, found: list[Clock], limit: int, today: date) -> None:
    shown = found[:limit]
    length = shown_length({*board.urgent, *(clock.report for clock in shown)})
    VOICE.table(clock_lines.HEADS, clock_lines.rows(board, shown, today, length))
    VOICE.answer()
    _answer_profile(board.regime)
    for line in clock_lines.rules(board.regime.profile, (clock.outlook.route.id for clock in shown)):
        VOICE.answer(line)
    VOICE.say(f"{len(board.urgent)} cannot wait; {len(shown)} of {len(found)} clocks")
    if any(clock.outlook.state in ("maybe", "passed") for clock in shown):
        VOICE.say(f"what has passed, or may have: {clock_lines.COUNSEL}")
    if len(shown) < len(found):
        VOICE.hint(f"--limit {len(found)} shows all")


def _answer_profile(regime: Regime) -> None:
    VOICE.answer(clock_lines.profile_line(regime))
    if not regime.chosen:
        VOICE.say("the office has chosen no profile: this is the page's; underseal desk regime PROFILE chooses")
    if not regime.agreed:
        VOICE.say("people here have chosen different profiles: ask counsel which holds, and choose again")


def _answer_report(board: Board, name: str, found: list[Clock], known: Known, today: date) -> None:
    profile, possible = board.regime.profile, known.candidates
    VOICE.answer(f"report {name}")
    _answer_profile(board.regime)
    if board.urgent:
        VOICE.answer("TODAY: act now; no clock counts for danger, removal or distress")
    for clock in found:
        VOICE.answer()
        _answer_block(profile, clock, today)
    if known.done:
        VOICE.answer()
        VOICE.answer("done: " + ", ".join(f"{route}, said {day}" for route, day in known.done))
    if possible:
        VOICE.answer()
        VOICE.answer(f"if it happened in {known.month}, as the officer answered; nothing of this is set")
        alone = clock_lines.rows(Board(board.regime, (), ()), possible, today, SHOWN_ID)
        VOICE.table(clock_lines.HEADS, alone)
        for line in clock_lines.rules(profile, (clock.outlook.route.id for clock in possible)):
            VOICE.answer(line)
    if known.month == LONG_AGO:
        VOICE.say(f"the officer speaks of more than two years ago; {clock_lines.COUNSEL}")
    _tell_outside(known.outside_unit)
    VOICE.hint(f"underseal desk clock {name[:SHOWN_ID]} ROUTE --day YYYY-MM-DD sets one")


def _answer_block(profile: Profile, clock: Clock, today: date) -> None:
    for line in clock_lines.block(profile, clock, today):
        VOICE.answer(line)


def _tell_outside(outside: bool) -> None:
    if outside:
        VOICE.say(
            "the officer is a supervisor or manager, outside the unit (5 USC 7112(b)(1)): counsel, OSC and IG,"
            " not the union's routes"
        )


@click.command("clock")
@click.argument("report")
@click.argument("route")
@click.option("--day", metavar="YYYY-MM-DD", help="The day from which it counts: day 1 is the day after.")
@click.option("--month", metavar="YYYY-MM", help="The month, where no day is known.")
@click.option("--done", is_flag=True, help="It is filed, or answered: the clock is closed.")
@click.option("--relied-on", is_flag=True, help="The office relies on this day; its rule must be confirmed.")
@click.option("--remove", is_flag=True, help="It was set by mistake.")
@click.option("--yes", is_flag=True, help="Do not ask before marking as filed (throwaway only).")
@with_desk
def clock_(
    where: Where,
    report: str,
    route: str,
    day: str | None,
    month: str | None,
    done: bool,
    relied_on: bool,
    remove: bool,
    yes: bool,
) -> None:
    """Set a clock of a report, close it, or rely on it. Days only: no words are kept.

    Where filing one route shuts others, it says which, and asks before it marks one as filed.

    \b
    Example:
      underseal desk clock 3f9a ulp --day 2031-05-06
      underseal desk clock 3f9a eeo_counselor --month 2031-05
      underseal desk clock 3f9a acknowledgement --done
    """
    if day is not None and month is not None:
        raise DayOrMonth
    if done + relied_on + remove > 1:
        raise OneMark
    since = str(read_day(day)) if day is not None else f"{read_month(month):%Y-%m}" if month is not None else None
    mark = Mark.DONE if done else Mark.RELIED if relied_on else Mark.REMOVED if remove else Mark.OPEN
    with where.open(Act.READ) as here:
        name = find_report(here.vault, report)
        wanted = clocks.read_regime(here.vault).profile.route(route)
        refuse_yes(yes=yes, throwaway=here.vault.settings.office.throwaway)
        choices = clocks.choices(here.vault, name, wanted) if mark is not Mark.REMOVED else ()
        for line in clock_lines.election_lines(choices):
            VOICE.say(line)
        if choices and mark is Mark.DONE and not unasked(where.passphrase_file, yes=yes):
            typed(wanted.id, "to mark it as filed")
        changed = clocks.set_clock(here.vault, name, wanted.id, since=since, mark=mark)
        board = clocks.board(here.vault, name)
        _answer_profile(board.regime)
        for clock in board.clocks:
            if clock.outlook.route.id == wanted.id:
                _answer_block(board.regime.profile, clock, here.vault.day)
        _tell_outside(wanted.chapter71 and clocks.known(here.vault, name).outside_unit)
    VOICE.say(f"{name[:SHOWN_ID]} {wanted.id} {MARKED[mark]}" + ("" if changed else " already: nothing changed"))
    if mark is Mark.DONE and wanted.id == "information_request":
        VOICE.hint("a refusal starts the clock of a charge: set ulp, with the day of the refusal")
    VOICE.say(FILES_NOTHING)


def refuse_yes(*, yes: bool, throwaway: bool) -> None:
    """Raise YesRefused where somebody wants to skip the question at an office that is not throwaway."""
    if yes and not throwaway:
        raise YesRefused


@click.command()
@click.argument("profile", required=False)
@click.option("--route", help="Show one route, or set what follows of it.")
@click.option("--count", type=click.IntRange(1, 366), help="How many days or months the contract gives.")
@click.option("--unit", type=click.Choice([unit.value for unit in Unit]), help="What is counted  [as the route has it]")
@click.option("--file-with", is_flag=True, help="Ask for the office to file with: the wrong one can lose a grievance.")
@click.option("--confirmed", is_flag=True, help="Counsel has confirmed the rule. Counsel alone says so.")
@JSON
@with_desk
def regime(
    where: Where,
    profile: str | None,
    route: str | None,
    count: int | None,
    unit: str | None,
    file_with: bool,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Show or choose the rules by which days are counted, and set what the contract says.

    \b
    Example:
      underseal desk regime
      underseal desk regime us-federal-2026
      underseal desk regime --route grievance --count 25 --unit workdays --file-with
    """
    changes = count is not None or file_with or confirmed
    if (changes or unit) and (route is None or not changes):
        raise click.UsageError("--unit goes with --count; each goes with --route")
    act = Act.CONFIRM if confirmed else Act.REGIME if changes or profile is not None else Act.READ
    with where.open(act) as here:
        if route is not None and changes:
            clocks.settable(load_profile(profile) if profile else clocks.read_regime(here.vault).profile, route, count)
        if profile is not None:
            changed = clocks.choose_regime(here.vault, profile)
            VOICE.say("done" if changed else "nothing changed")
        if route is not None and changes:
            text = read_text("office to file with", one=True) if file_with else None
            clocks.set_route(here.vault, route, Setting(count, Unit(unit) if unit else None, text, confirmed))
            VOICE.say("done")
        chosen = clocks.read_regime(here.vault)
    if as_json:
        VOICE.answer_json(clock_lines.regime_json(chosen))
        return
    _answer_profile(chosen)
    if route is not None:
        _answer_route(chosen, route)
        return
    for line in clock_lines.notes(chosen.profile):
        VOICE.answer(line)
    VOICE.table(clock_lines.ROUTE_HEADS, clock_lines.route_rows(chosen.profile))
    VOICE.hint("underseal desk regime --route ROUTE shows one with its basis; --json shows all")


def _answer_route(chosen: Regime, name: str) -> None:
    route = chosen.profile.route(name)
    VOICE.answer(f"{route.id}: {clock_lines.label(route)}")
    VOICE.answer(f"  {clock_lines.rule(route)}")
    if route.file_with and route.sense is not Sense.ANSWER:
        VOICE.answer(f"  file with {route.file_with}")
    for warning in clock_lines.warnings(chosen.profile, route):
        VOICE.answer(f"  {warning}")


VERBS = (clocks_, clock_, regime)
