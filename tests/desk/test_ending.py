# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk says when the signed weeks end, and goes on with its work."""

from datetime import timedelta
from pathlib import Path

import pytest
from deskkit import Desk, day, letter, make_office

from desk.halves import mondays
from intake.keydays import ending


@pytest.mark.parametrize("weeks_ago", [11, 12, 13])
def test_desk_says_that_weeks_end(tmp_path: Path, weeks_ago: int) -> None:
    """Receive, list and status say the one sentence, in the last weeks and after them."""
    office = make_office(tmp_path / "office", weeks_ago=weeks_ago)
    desk = Desk(office, tmp_path / "desk", tmp_path / "stick")
    desk.stick.mkdir()
    desk.init()
    until = mondays(day() - timedelta(weeks=weeks_ago), 1)[0] + timedelta(weeks=13, days=-1)
    runs = [desk.receive(office.bundle([office.envelope(letter())])), desk("list"), desk("status")]
    assert [(0, True)] * 3 == [(run.code, f"desk: {ending(until, day())}\n" in run.err) for run in runs]
    assert 1 == len(desk.ids())
