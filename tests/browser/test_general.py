# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office whose page asks the general questionnaire: filled in, sealed, and opened at its desk."""

import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from anybrowser import LANGS, arrived, each_kind, longest, options, shortest
from simulator import Simulator

from .conftest import as_any

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parents[2]))
ASKED = "general-grievance"
KINDS = options(ASKED, "kinds")


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A whole office, of a program that was built with the general questionnaire."""
    program = tmp_path_factory.mktemp("program")
    shutil.copytree(str(resources.files("intake")), program / "intake", ignore=shutil.ignore_patterns("built"))
    built = program / "intake/built"
    subprocess.run(
        ["node", "portal/page/build.mjs", built, "--questionnaire", ASKED], cwd=SOURCE, check=True, capture_output=True
    )
    subprocess.run([sys.executable, "portal/page/render.py", built], cwd=SOURCE, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(program), prepend=os.pathsep)
        simulator = Simulator(tmp_path_factory.mktemp("office") / "throwaway")
        yield simulator
        simulator.stop()


@pytest.mark.parametrize("browser", ["jit"], indirect=True)
def test_shortest_reaches_the_desk(office, page):
    """The fewest answers arrive, in Spanish."""
    before = office.reports()
    shortest(as_any(page), office.url, "es", KINDS[0])
    (report,) = arrived(office, before)
    assert report["questionnaire"]["id"] == ASKED
    assert (report["answers"]["kinds"], report["lang"]) == (KINDS[:1], "es")


@pytest.mark.long
@pytest.mark.parametrize("lang", LANGS)
def test_longest_reaches_the_desk(office, page, lang):
    """The most answers arrive, every group and every code among them."""
    before = office.reports()
    steps = longest(as_any(page), office.url, lang, KINDS)
    (report,) = arrived(office, before)
    assert {"instruction", "training", "reprisal", "work"} < set(steps)
    assert sorted(report["answers"]["kinds"]) == sorted(KINDS)
    assert {code.split(".")[0] for code in report["answers"]["codes"]} == set(KINDS)


@pytest.mark.long
def test_each_kind_reaches_the_desk(office, page):
    """One report of each kind, its open groups answered, in one language and the other, is opened at the desk."""
    before = office.reports()
    each_kind(as_any(page), office.url, KINDS)
    reports = arrived(office, before)
    assert sorted(kind for report in reports for kind in report["answers"]["kinds"]) == sorted(KINDS)
    assert {report["lang"] for report in reports} == set(LANGS)
