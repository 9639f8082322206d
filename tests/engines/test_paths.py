# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole paths in Firefox as "Safer" has it: each kind once, the shortest and the longest, in both languages."""

import pytest
from anybrowser import LANGS, arrived, each_kind, longest, options, shortest

KINDS = options("asylum-officer", "kinds")
ROLE = options("asylum-officer", "role_band")[-2]
# Going on from an unchecked receipt would be asked about by the browser itself, in a dialog.
LEAVES = {"dom.disable_beforeunload": True}


def test_shortest_reaches_the_desk(office, start):
    """The fewest answers arrive, in Spanish."""
    before = office.reports()
    steps = shortest(start(**LEAVES), office.url, "es", KINDS[-1])
    (report,) = arrived(office, before)
    assert len(steps) >= 4
    assert (report["answers"]["kinds"], report["lang"]) == (KINDS[-1:], "es")


@pytest.mark.long
@pytest.mark.parametrize("lang", LANGS)
def test_longest_reaches_the_desk(office, start, lang):
    """The most answers arrive, every code among them, within twelve screens that ask."""
    before = office.reports()
    longest(start(**LEAVES), office.url, lang, KINDS)
    (report,) = arrived(office, before)
    assert sorted(report["answers"]["kinds"]) == sorted(KINDS)
    assert len(report["answers"]["codes"]) == 64


@pytest.mark.long
def test_each_kind_reaches_the_desk(office, start):
    """One report of each kind, its open groups answered, in one language and the other, is opened at the desk."""
    before = office.reports()
    each_kind(start(**LEAVES), office.url, KINDS)
    reports = arrived(office, before)
    assert sorted(kind for report in reports for kind in report["answers"]["kinds"]) == sorted(KINDS)
    assert {report["answers"]["role_band"] for report in reports} == {ROLE}
    assert {report["lang"] for report in reports} == set(LANGS)
