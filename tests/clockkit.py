# SPDX-License-Identifier: AGPL-3.0-or-later
"""Three reports with clocks, and what the desk says of them."""

from datetime import timedelta
from typing import Any

from deskkit import CANARY, Desk, Office, day, letter

CALM, URGENT, SUPERVISOR = "01" * 16, "02" * 16, "03" * 16
LAST_MONTH = (day().replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def with_reports(desk: Desk, office: Office) -> Desk:
    """Return the desk with a calm report of last month, one that cannot wait, and one by a supervisor of long ago."""
    answers = {"kinds": ["REV"], "event_month": LAST_MONTH, "region": "west"}
    long_ago = {"kinds": ["RET"], "event_month": "before_2y", "role_band": "supervisor_or_manager"}
    letters = [
        letter(CANARY, id=CALM, answers=answers),
        letter(f"{CANARY}; they will be removed tomorrow and she may be killed", id=URGENT, answers=answers),
        letter(CANARY, id=SUPERVISOR, answers=long_ago),
    ]
    run = desk.receive(office.bundle([office.envelope(each) for each in letters]))
    assert 0 == run.code, run.err
    return desk


def all_clocks(desk: Desk, *arguments: str) -> list[Any]:
    found: list[Any] = desk("clocks", "--json", *arguments).json["clocks"]
    return found


def by_rule(desk: Desk, report: str = CALM) -> dict[str, Any]:
    return {clock["rule"]: clock for clock in all_clocks(desk, "--report", report)}
