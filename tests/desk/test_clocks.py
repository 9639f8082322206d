# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clocks at the desk: what runs by itself, what is set, what an election warns of, what a profile switches off."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from clockkit import CALM, LAST_MONTH, SUPERVISOR, URGENT, all_clocks, by_rule
from deskkit import PASSPHRASE, Desk, day, read_log, typed
from terminal import in_terminal

from desk import clock_lines, clocks, clocks_cli, deadlines
from desk.clock_errors import YesRefused
from desk.clocks import Clock, Mark, Setting
from desk.deadlines import is_workday
from desk.events import Kind
from desk.regimes import Unit, load_profile
from desk.vault import Vault, open_vault, read_header
from desk.verify import verify_vault


@contextmanager
def _on(desk: Desk, days: int = 0, passphrase: str = PASSPHRASE) -> Iterator[Vault]:
    with open_vault(desk.folder, read_header(desk.folder), typed(passphrase), day() + timedelta(days=days)) as vault:
        yield vault


def _rows(found: tuple[Clock, ...], report: str = CALM) -> dict[str, Clock]:
    return {clock.outlook.route.id: clock for clock in found if clock.report == report}


def _workday_before(last: date) -> date:
    while not is_workday("US", last):
        last -= timedelta(days=1)
    return last


def test_acknowledgement_runs_by_itself(clocked: Desk) -> None:
    """Seven days from the day it was filed, until somebody says it is done; every answer names rule and profile."""
    clock = by_rule(clocked)["acknowledgement"]
    seven = day() + timedelta(days=7)
    assert (str(day()), str(seven), str(_workday_before(seven))) == (clock["from"], clock["hard_due"], clock["file_by"])
    named = ("received", 7, "calendar_days", "us-federal-2026", "2026-03-09", False)
    assert named == tuple(clock[name] for name in ("trigger", "count", "unit", "profile", "as_of", "verified"))
    assert 0 == clocked("clock", "0101", "acknowledgement", "--done").code
    assert "acknowledgement" not in by_rule(clocked)
    assert "acknowledgement" in by_rule(clocked, SUPERVISOR)


def test_feedback_counts_from_the_acknowledgement(clocked: Desk) -> None:
    """Three months from the end of the seven days, or from the day of the acknowledgement once there is one."""
    with _on(clocked, 3) as vault:
        before = _rows(clocks.board(vault).clocks)["feedback"]
        clocks.set_clock(vault, CALM, "acknowledgement", since=None, mark=Mark.DONE)
    with _on(clocked, 5) as vault:
        after = _rows(clocks.board(vault).clocks)["feedback"]
        clocks.set_clock(vault, CALM, "feedback", since=str(day() + timedelta(days=1)), mark=Mark.OPEN)
        chosen = _rows(clocks.board(vault).clocks)["feedback"]
        clocks.set_clock(vault, CALM, "feedback", since=None, mark=Mark.DONE)
        assert {} == _rows(clocks.board(vault).clocks)
    since = [day() + timedelta(days=7), day() + timedelta(days=3), day() + timedelta(days=1)]
    assert [str(one) for one in since] == [before.since, after.since, chosen.since]
    assert [deadlines.months_after(one, 3) for one in since] == [
        clock.outlook.due.unrolled for clock in (before, after, chosen) if clock.outlook.due
    ]


def test_what_cannot_wait_stands_in_front_without_a_clock(clocked: Desk) -> None:
    """It is the first line whatever is asked for, until somebody has closed it; then its clocks run."""
    run = clocked("clocks", "--due-within", "0")
    first = run.out.split("\n")[1].split()
    assert ["TODAY", "-", "02020202", "-", "-", "act", "now"] == first
    assert [URGENT] == clocked("clocks", "--json").json["today"]
    assert {} == by_rule(clocked, URGENT)
    assert "TODAY: act now" in clocked("clocks", "--report", "0202").out
    clocked("clock", "0202", "ulp", "--day", str(day()))
    assert ["ulp"] == list(by_rule(clocked, URGENT))
    clocked("status", "0202", "done")
    assert [] == clocked("clocks", "--json").json["today"]
    assert {"acknowledgement", "feedback", "ulp"} == set(by_rule(clocked, URGENT))


def test_sorted_by_the_day_to_file_by(clocked: Desk) -> None:
    """What the contract counts and nobody has set comes first, then day after day; a route that is off comes last."""
    clocked("clock", "0101", "ulp", "--day", str(day()))
    clocked("clock", "0101", "eeo_counselor", "--day", str(day() - timedelta(days=44)))
    clocked("clock", "0303", "arbitration", "--day", str(day()))
    found = all_clocks(clocked)
    assert "arbitration" == found[0]["rule"]
    by = [clock["file_by"] for clock in found[1:]]
    assert sorted(by) == by
    clocked("regime", "us-federal-excluded")
    assert [("arbitration", "off"), ("ulp", "off")] == sorted((c["rule"], c["state"]) for c in all_clocks(clocked)[-2:])


def test_narrowed(clocked: Desk) -> None:
    """By route, by days, by report; what is past and what nobody counts stays in any number of days."""
    clocked("clock", "0101", "ulp", "--day", str(day() - timedelta(days=400)))
    clocked("clock", "0303", "arbitration", "--day", str(day()))
    assert [SUPERVISOR, CALM] == [clock["report"] for clock in all_clocks(clocked, "--route", "arbitration")] + [
        clock["report"] for clock in all_clocks(clocked, "--route", "ulp")
    ]
    assert {"arbitration", "ulp"} == {clock["rule"] for clock in all_clocks(clocked, "--due-within", "0")}
    assert {"arbitration", "ulp", "acknowledgement"} == {c["rule"] for c in all_clocks(clocked, "--due-within", "7")}
    run = clocked("clocks", "--limit", "1")
    assert "1 of 6 clocks" in run.err
    assert 2 == clocked("clocks", "--route", "charge").code


def test_passed_is_never_too_late(clocked: Desk) -> None:
    """A clock that has passed asks for counsel, and goes on being shown."""
    clocked("clock", "0101", "ulp", "--day", str(day() - timedelta(days=400)))
    clock = by_rule(clocked)["ulp"]
    assert ("passed", "passed by this count; ask counsel: exceptions exist") == (clock["state"], clock["says"])
    for run in (clocked("clocks"), clocked("clocks", "--report", "0101")):
        assert "exceptions exist" in run.out + run.err
        assert "too late" not in (run.out + run.err).lower()


def test_month_only(clocked: Desk) -> None:
    """A month gives a window: the earliest day to file by, and the last on which it may still be open."""
    run = clocked("clock", "0101", "eeo_counselor", "--month", LAST_MONTH)
    assert 0 == run.code, run.err
    clock = by_rule(clocked)["eeo_counselor"]
    profile = load_profile("us-federal-2026")
    span = deadlines.span_from(profile, profile.route("eeo_counselor"), deadlines.read_month(LAST_MONTH))
    assert [str(span.file_by), str(span.open_until_at_least), str(span.certainly_past_after)] == [
        clock[name] for name in ("file_by", "open_until_at_least", "certainly_past_after")
    ]
    assert (None, None) == (clock["unrolled"], clock["hard_due"])


@pytest.mark.parametrize(
    ("days", "expected"), [(0, "open"), (1, "maybe"), (2, "passed")], ids=["open", "may have passed", "passed"]
)
def test_window_of_a_month(clocked: Desk, days: int, expected: str) -> None:
    """From the month's first day it is open at least so long, from its last it is past."""
    route = load_profile("us-federal-2026").route("eeo_counselor")
    span = deadlines.span_from(load_profile("us-federal-2026"), route, deadlines.read_month(LAST_MONTH))
    at = [span.open_until_at_least, span.certainly_past_after, span.certainly_past_after + timedelta(days=1)][days]
    with _on(clocked) as vault:
        clocks.set_clock(vault, CALM, "eeo_counselor", since=LAST_MONTH, mark=Mark.OPEN)
    with _on(clocked, (at - day()).days) as vault:
        clock = _rows(clocks.board(vault).clocks)["eeo_counselor"]
        assert expected == clock.outlook.state
        text = " ".join(clock_lines.block(clocks.read_regime(vault).profile, clock, vault.day))
    assert ("exceptions exist" in text) is (expected != "open")


def test_month_of_the_officer_gives_candidates(clocked: Desk) -> None:
    """What the answer would give is shown and not set; a route that runs is no candidate; long ago gives none."""
    before = clocked("verify").out
    answer = clocked("clocks", "--report", "0101", "--json").json
    assert {"eeo_counselor", "grievance", "osc_reprisal", "ulp"} == {one["rule"] for one in answer["candidates"]}
    assert {LAST_MONTH} == {one["from"] for one in answer["candidates"]}
    assert before == clocked("verify").out
    assert "nothing of this is set" in clocked("clocks", "--report", "0101").out
    assert {"acknowledgement", "feedback"} == set(by_rule(clocked))
    clocked("clock", "0101", "ulp", "--day", str(day()))
    answer = clocked("clocks", "--report", "0101", "--json").json
    assert {"eeo_counselor", "grievance", "osc_reprisal"} == {one["rule"] for one in answer["candidates"]}
    run = clocked("clocks", "--report", "0303")
    assert "more than two years ago" in run.err
    assert [] == clocked("clocks", "--report", "0303", "--json").json["candidates"]


def test_supervisors_are_outside_the_unit(clocked: Desk) -> None:
    """The union cannot represent them: they are pointed to counsel, OSC and IG."""
    assert "outside the unit (5 USC 7112(b)(1))" in clocked("clocks", "--report", "0303").err
    assert "outside the unit" in clocked("clock", "0303", "ulp", "--day", str(day())).err
    assert "outside the unit" not in clocked("clock", "0303", "eeo_counselor", "--day", str(day())).err
    assert "outside the unit" not in clocked("clocks", "--report", "0101").err


@pytest.mark.parametrize(
    ("route", "laws"),
    [
        ("grievance", {"7121(g)", "7121(e)", "7121(d)", "7116(d)"}),
        ("mspb_appeal", {"7121(g)", "7121(e)"}),
        ("osc_reprisal", {"7121(g)"}),
        ("eeo_formal", {"7121(d)"}),
        ("ulp", {"7116(d)"}),
    ],
    ids=["grievance", "mspb_appeal", "osc_reprisal", "eeo_formal", "ulp"],
)
@pytest.mark.parametrize("profile", ["us-federal-2026", "us-federal-excluded"])
def test_election_is_shown_before_filed(clocked: Desk, route: str, laws: set[str], profile: str) -> None:
    """Each law that shuts other routes is named."""
    clocked("regime", profile)
    run = clocked("clock", "0101", route, "--done")
    assert (0, laws) == (run.code, {law for law in ("7121(g)", "7121(e)", "7121(d)", "7116(d)") if law in run.err})
    done = clocked("clocks", "--report", "0101", "--json").json["done"]
    assert [{"route": route, "day": str(day())}] == done


def test_route_is_typed_before_it_is_marked(clocked: Desk) -> None:
    """At a terminal nothing is marked as filed until the route's name is typed."""
    before = clocked("verify").out
    arguments = ["desk", "clock", "0101", "ulp", "--done", "--dir", str(clocked.folder)]
    code, printed = in_terminal(arguments, [PASSPHRASE, "yes"])
    assert (1, True, True) == (code, b"7116(d)" in printed, b"desk: that was not agreed to; nothing" in printed)
    assert before == clocked("verify").out
    code, printed = in_terminal(arguments, [PASSPHRASE, "ulp"])
    assert (0, True) == (code, b"type ulp to mark it as filed: " in printed)
    assert ["ulp"] == [one["route"] for one in clocked("clocks", "--report", "0101", "--json").json["done"]]


def test_what_was_filed_already_is_said(clocked: Desk) -> None:
    """Of two routes that shut each other the second is marked only past a louder warning."""
    assert "FILED ALREADY" not in clocked("clock", "0101", "grievance", "--done", "--yes").err
    assert "FILED ALREADY for this report: grievance" in clocked("clock", "0101", "ulp", "--day", str(day())).err
    run = clocked("clock", "0101", "ulp", "--done")
    assert (0, True) == (run.code, "FILED ALREADY for this report: grievance" in run.err)
    assert "FILED ALREADY" not in clocked("clock", "0303", "ulp", "--done", "--yes").err


def test_no_election_no_question(clocked: Desk) -> None:
    """An answer that came closes its clock at once, and says what may follow."""
    clocked("clock", "0101", "information_request", "--day", str(day()))
    assert "information_request" in by_rule(clocked)
    run = clocked("clock", "0101", "information_request", "--done")
    assert (0, True) == (run.code, "a refusal starts the clock of a charge" in run.err)
    assert "information_request" not in by_rule(clocked)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ulp",), 2),
        (("ulp", "--day", "2026-02-30"), 2),
        (("ulp", "--day", LAST_MONTH), 2),
        (("ulp", "--month", "2026-13"), 2),
        (("ulp", "--day", "2026-05-06", "--month", "2026-05"), 2),
        (("ulp", "--day", str(day() + timedelta(days=1))), 2),
        (("ulp", "--done", "--relied-on"), 2),
        (("charge", "--day", "2026-05-06"), 2),
        (("ulp", "--remove"), 3),
        (("acknowledgement", "--day", "2026-05-06"), 2),
    ],
    ids=["nothing", "no day", "month", "no month", "both", "ahead", "two marks", "no route", "no clock", "not set"],
)
def test_refused_and_nothing_changed(clocked: Desk, arguments: tuple[str, ...], code: int) -> None:
    """One sentence, an exit code, and the log as it was."""
    before = clocked("verify").out
    run = clocked("clock", "0101", *arguments)
    assert code == run.code, run.err
    assert before == clocked("verify").out


def test_set_anew_removed_and_twice(clocked: Desk) -> None:
    """A later day takes the place of an earlier; the same again changes nothing; a mistake is taken away."""
    clocked("clock", "0101", "ulp", "--day", str(day() - timedelta(days=9)))
    clocked("clock", "0101", "ulp", "--day", str(day() - timedelta(days=2)))
    assert [str(day() - timedelta(days=2))] == [c["from"] for c in all_clocks(clocked) if c["rule"] == "ulp"]
    before = clocked("verify").out
    run = clocked("clock", "0101", "ulp", "--day", str(day() - timedelta(days=2)))
    assert (0, True) == (run.code, "nothing changed" in run.err)
    assert before == clocked("verify").out
    assert 0 == clocked("clock", "0101", "ulp", "--remove").code
    assert "ulp" not in by_rule(clocked)
    assert {"ulp"} <= {c["rule"] for c in clocked("clocks", "--report", "0101", "--json").json["candidates"]}


def test_two_who_differ_are_both_shown(clocked: Desk) -> None:
    """Days that were set without knowing of each other both run; the next decision settles it."""
    with _on(clocked) as vault:
        with vault.writing() as writer:
            for since in ("2026-05-06", "2026-05-08"):
                writer.record(Kind.CLOCK, report=CALM, clock=f"ulp {since} open", after=None)
        found = [clock.since for clock in clocks.board(vault).clocks if clock.outlook.route.id == "ulp"]
        assert ["2026-05-06", "2026-05-08"] == found
        clocks.set_clock(vault, CALM, "ulp", since="2026-05-06", mark=Mark.OPEN)
        assert "2026-05-06" == _rows(clocks.board(vault).clocks)["ulp"].since
        assert 1 == sum(clock.outlook.route.id == "ulp" for clock in clocks.board(vault).clocks)
        with vault.writing() as writer:
            for rule in ("25 workdays -", "30 calendar_days -"):
                writer.record(Kind.ROUTE, route="grievance", rule=rule, text=None, after=None)
            for name in ("us-federal-2019", "us-federal-2026"):
                writer.record(Kind.REGIME, subject="office", profile=name, after=None)
        regime = clocks.read_regime(vault)
        assert (30, Unit.CALENDAR_DAYS, False) == (
            regime.profile.route("grievance").count,
            regime.profile.route("grievance").unit,
            regime.agreed,
        )
        clocks.choose_regime(vault, "us-federal-2019")
        clocks.set_route(vault, "grievance", Setting(count=20, unit=Unit.WORKDAYS))
        regime = clocks.read_regime(vault)
        assert (True, 20) == (regime.agreed, regime.profile.route("grievance").count)
        assert [] == verify_vault(vault).faults


def test_yes_is_for_throwaway_offices_only() -> None:
    """In earnest somebody types the route's name."""
    with pytest.raises(YesRefused):
        clocks_cli.refuse_yes(yes=True, throwaway=False)
    clocks_cli.refuse_yes(yes=True, throwaway=True)
    clocks_cli.refuse_yes(yes=False, throwaway=False)


def test_no_words_in_events_and_answers(clocked: Desk) -> None:
    """Events of clocks hold ids, routes and days; no answer about clocks holds a word of the officer."""
    clocked("clock", "0101", "ulp", "--day", str(day()))
    clocked("regime", "--route", "grievance", "--file-with", typed="the north tower\n")
    answers = [clocked("clocks"), clocked("clocks", "--json"), clocked("clocks", "--report", "0202")]
    assert [] == [run for run in answers if "herons" in run.out + run.err or "killed" in run.out + run.err]
    with _on(clocked) as vault, vault.reading() as connection:
        bodies = [row.body for row in read_log(connection) if row.event.kind in (Kind.CLOCK, Kind.ROUTE, Kind.REGIME)]
    assert 2 == len(bodies)
    assert f'"clock":"ulp {day()} open"' in bodies[0]
    assert "tower" not in "".join(bodies)


def test_quarantine_shows_clocks_and_no_words(clocked: Desk) -> None:
    """A report that nobody may read has its clocks all the same; an erased one has none."""
    clocked("clock", "0101", "ulp", "--day", str(day()))
    assert 0 == clocked("quarantine", "0101", typed="a reason\n").code
    assert {"acknowledgement", "feedback", "ulp"} == set(by_rule(clocked))
    assert "herons" not in clocked("clocks", "--report", "0101").out
