# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole paths, from the first step to the desk: each kind once, the shortest and the longest, in both languages."""

import pytest
from anybrowser import LANGS, arrived, each_kind, longest, options, shortest

from .conftest import as_any

KINDS = options("asylum-officer", "kinds")
ROLE = options("asylum-officer", "role_band")[-2]


@pytest.mark.long
def test_each_kind_reaches_the_desk(office, page):
    """One report of each kind, its open groups answered, in one language and the other, is opened at the desk."""
    before = office.reports()
    each_kind(as_any(page), office.url, KINDS)
    reports = arrived(office, before)
    assert sorted(kind for report in reports for kind in report["answers"]["kinds"]) == sorted(KINDS)
    assert {report["answers"]["role_band"] for report in reports} == {ROLE}
    assert {report["lang"] for report in reports} == set(LANGS)


BOTH = [
    ("jit", "es"),
    pytest.param("jit", "en", marks=pytest.mark.long),
    pytest.param("jitless", "es", marks=pytest.mark.long),
    pytest.param("jitless", "en", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("browser", "lang"), BOTH, indirect=["browser"])
def test_shortest_and_longest(office, page, lang):
    """The fewest answers and the most both arrive, within twelve screens that ask."""
    before = office.reports()
    short = shortest(as_any(page), office.url, lang, KINDS[-1])
    long = longest(as_any(page), office.url, lang, KINDS)
    answers = [report["answers"] for report in arrived(office, before)]
    assert len(short) < len(long)
    assert sorted(len(given["kinds"]) for given in answers) == [1, len(KINDS)]
    assert max(len(given["codes"]) for given in answers) == 64
