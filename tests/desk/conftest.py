# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office for the session, a desk with an empty vault for each test."""

from pathlib import Path

import pytest
from clockkit import with_reports
from deskkit import Desk, Office, make_office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A throwaway office."""
    return make_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Desk:
    """A desk of that office, its vault made and empty."""
    made = Desk(office, tmp_path / "desk", tmp_path / "stick")
    made.stick.mkdir()
    run = made.init()
    assert (0, "") == (run.code, run.out), run.err
    return made


@pytest.fixture
def clocked(desk: Desk, office: Office) -> Desk:
    """A desk with a calm report, one that cannot wait, and one by a supervisor."""
    return with_reports(desk, office)
