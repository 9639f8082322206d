# SPDX-License-Identifier: AGPL-3.0-or-later
"""When the signed weeks end: what is covered, and what is said, at every edge."""

from datetime import date, timedelta

import pytest

from intake.keydays import covered_until, ending

TODAY = date(2031, 5, 7)  # a Wednesday


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("spans", "until"),
    [
        ([], None),
        ([(-9, -1)], None),
        ([(1, 7)], None),
        ([(0, 0)], 0),
        ([(-2, 11), (5, 18)], 18),
        ([(5, 18), (-2, 11)], 18),
        ([(-2, 4), (5, 11)], 11),
        ([(-2, 4), (6, 12)], 4),
        ([(-30, 90), (-2, 4)], 90),
    ],
)
def test_covered_without_a_gap(spans, until):
    """The days count from today, in whatever order the lists come, and end where the first gap begins."""
    found = covered_until([(day(first), day(last)) for first, last in spans], TODAY)
    assert found == (None if until is None else day(until))


@pytest.mark.parametrize(
    ("days", "begins", "says"),
    [
        (20, "the last", "in 20 days, on 2031-05-27"),
        (7, "the last", "in 7 days, on 2031-05-14"),
        (6, "WARNING", "in 6 days, on 2031-05-13"),
        (1, "WARNING", "tomorrow, on 2031-05-08"),
        (0, "WARNING", "today, on 2031-05-07"),
        (-1, "WARNING", "no signed week covers today, 2031-05-07"),
    ],
)
def test_ending_is_said(days, begins, says):
    """Less than three weeks: a sentence; less than one, or none: a louder one."""
    sentence = ending(day(days), TODAY)
    assert sentence is not None
    assert (True, True) == (sentence.startswith(begins), says in sentence)


def test_time_left_is_not_spoken_of():
    """Three weeks and more need no sentence."""
    assert [None, None] == [ending(day(21), TODAY), ending(day(90), TODAY)]


def test_nothing_covered_is_said():
    """No list at all is said as loudly as lists that have ended."""
    assert ending(None, TODAY) == ending(day(-1), TODAY)
