# SPDX-License-Identifier: AGPL-3.0-or-later
"""The office's rules: which profile, what the contract says, what counsel confirmed, and who may rely on a day."""

from datetime import timedelta
from pathlib import Path

import pytest
from clockkit import LAST_MONTH, all_clocks, by_rule
from deskkit import Desk, command, day

from desk import deadlines
from desk.regimes import load_profile


def test_unverified_rule_is_not_relied_on(clocked: Desk) -> None:
    """It shows a warning; only counsel's word for the rule, under this profile, lets anybody rely on its day."""
    clocked("clock", "0101", "mspb_appeal", "--day", str(day()))
    assert "counsel has not confirmed the rule" in clocked("clocks", "--report", "0101").out
    assert 1 == clocked("clock", "0101", "mspb_appeal", "--relied-on").code
    assert 2 == clocked("regime", "--route", "mspb_appeal", "--confirmed").code
    _with_counsel(clocked)
    assert 0 == clocked("regime", "--route", "mspb_appeal", "--confirmed").code
    assert 0 == clocked("clock", "0101", "mspb_appeal", "--relied-on").code
    assert (True, True) == tuple(by_rule(clocked)["mspb_appeal"][name] for name in ("relied_on", "verified"))
    clocked("regime", "us-federal-2019")
    assert False is by_rule(clocked)["mspb_appeal"]["verified"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("nonsense",), 2), (("eeo_counselor", "--count", "30"), 2)],
    ids=["no such route", "days of the law"],
)
def test_office_is_asked_for_last(clocked: Desk, arguments: tuple[str, ...], code: int) -> None:
    """What cannot be set is refused before anything is typed, and before another profile is chosen."""
    run = clocked("regime", "us-federal-2019", "--route", *arguments, "--file-with", typed="the chief's office\n")
    assert (code, "the chief's office\n") == (run.code, run.left)
    assert "us-federal-2026" == clocked("regime", "--json").json["profile"]


def _with_counsel(desk: Desk) -> None:
    roles = [word for role in ("custodian", "coder", "counsel") for word in ("--role", role)]
    assert 0 == desk("roles", "Ana Example", *roles).code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("eeo_counselor",), 3),
        (("eeo_counselor", "--month", LAST_MONTH), 1),
        (("ulp", "--day", str(day())), 1),
        (("arbitration", "--day", str(day())), 1),
        (("acknowledgement",), 1),
    ],
    ids=["no clock", "a month", "contested", "contract", "unverified"],
)
def test_not_relied_on(clocked: Desk, arguments: tuple[str, ...], code: int) -> None:
    """Without a day, without a rule that is confirmed and open, nothing is relied on and nothing changes."""
    before = clocked("verify").out
    assert code == clocked("clock", "0101", *arguments, "--relied-on").code
    assert before == clocked("verify").out


def test_relied_on(clocked: Desk) -> None:
    """A verified rule from a day."""
    run = clocked("clock", "0101", "eeo_counselor", "--day", str(day()), "--relied-on")
    assert (0, True) == (run.code, "open, relied on" in run.out), run.err
    assert "open, relied" in clocked("clocks").out


def test_contract_is_set_by_the_office(clocked: Desk) -> None:
    """Days of each grievance step, and with whom to file: the wrong office can lose it, and not knowing is said."""
    clocked("clock", "0101", "grievance_step", "--day", str(day()))
    assert "office to file with not set" in clocked("clocks", "--report", "0101").out
    assert ("contract", None) == tuple(by_rule(clocked)["grievance_step"][name] for name in ("state", "file_by"))
    run = clocked(
        *("regime", "--route", "grievance_step", "--count", "5", "--unit", "workdays", "--file-with"),
        typed="headquarters, labor relations\n",
    )
    assert 0 == run.code, run.err
    clock = by_rule(clocked)["grievance_step"]
    assert ("headquarters, labor relations", 5, "workdays") == tuple(clock[k] for k in ("file_with", "count", "unit"))
    assert str(deadlines.workdays_after("US", day(), 5)) == clock["file_by"]
    assert "with headquarters, labor relations" in clocked("clocks", "--report", "0101").out
    clocked("regime", "--route", "grievance_step_3", "--count", "9")
    clocked("clock", "0101", "grievance_step_3", "--day", str(day()))
    third = by_rule(clocked)["grievance_step_3"]
    assert (str(day() + timedelta(days=9)), "") == (third["unrolled"], third["file_with"])
    assert 2 == clocked("regime", "--route", "ulp", "--count", "12").code
    assert 2 == clocked("regime", "--count", "12").code
    assert 2 == clocked("regime", "--route", "grievance", "--unit", "months").code
    assert "headquarters, labor relations" == by_rule(clocked)["grievance_step"]["file_with"]


def test_regime_is_chosen_and_named(clocked: Desk) -> None:
    """Every answer prints the profile and the day it is as of; what is switched off has no days."""
    assert "the office has chosen no profile" in clocked("regime").err
    clocked("clock", "0101", "ulp", "--day", str(day()))
    run = clocked("regime", "us-federal-excluded")
    assert "profile us-federal-excluded, as of 2026-03-09" == run.out.split("\n")[0]
    assert "nothing changed" in clocked("regime", "us-federal-excluded").err
    lines = [
        *("clocks", "clocks --report 0101", "clock 0101 eeo_counselor --month " + LAST_MONTH, "regime"),
        *("clocks --route ulp", "regime --route ulp", "clocks --due-within 3"),
    ]
    for line in lines:
        assert "profile us-federal-excluded, as of 2026-03-09" in clocked(*line.split()).out, line
    clock = by_rule(clocked)["ulp"]
    assert ("off", None, None) == (clock["state"], clock["file_by"], clock["hard_due"])
    assert "ulp" not in {c["rule"] for c in all_clocks(clocked, "--due-within", "366")}
    assert "off in this profile: not due" in clocked("clocks", "--report", "0101").out
    row = next(line for line in clocked("clocks").out.split("\n") if " ulp " in line)
    assert ["-", "-", "off"] == [row.split()[at] for at in (0, 1, -1)]
    assert 3 == clocked("regime", "us-federal-1999").code


def test_table_fits_eighty_columns(clocked: Desk) -> None:
    """Every route, every state: no line of the answer is wider than a terminal."""
    for route in load_profile("us-federal-2026").routes:
        clocked("clock", "0101", route.id, "--day", str(day() - timedelta(days=40)))
        clocked("clock", "0303", route.id, "--month", LAST_MONTH)
    for name in ("us-federal-2019", "us-federal-2026", "us-federal-excluded"):
        for line in ("regime " + name, "clocks", "clocks --report 0101", "clocks --report 0303"):
            run = clocked(*line.split())
            assert [] == [shown for shown in run.out.split("\n") if len(shown) > 80], line


def test_roles(clocked: Desk, tmp_path: Path) -> None:
    """A custodian alone sets no clock; a coder sets one, and chooses no regime."""
    for name, role in (("Ben Example", "coder"), ("Cem Example", "custodian")):
        secret = tmp_path / role
        secret.write_text(f"nine bells for the {role}\n")
        assert 0 == clocked("join", name, "--role", role, "--new-passphrase-file", str(secret)).code
    ran = {}
    for role in ("coder", "custodian"):
        mine = ("--dir", str(clocked.folder), "--passphrase-file", str(tmp_path / role))
        ran[role] = (
            command("desk", "clock", *mine, "0101", "ulp", "--day", str(day())).code,
            command("desk", "regime", *mine, "us-federal-2019").code,
            command("desk", "clocks", *mine).code,
        )
    assert {"coder": (0, 2, 0), "custodian": (2, 0, 0)} == ran
