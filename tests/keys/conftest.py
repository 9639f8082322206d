# SPDX-License-Identifier: AGPL-3.0-or-later
"""A ceremony over several machines, held once for all tests of this folder."""

import pytest
from keyskit import Machines, hold


@pytest.fixture(scope="session")
def unsigned(tmp_path_factory) -> Machines:
    """Everybody's keys, and a root with one place more than there are holders."""
    return hold(tmp_path_factory.mktemp("machines") / "unsigned", "--slots", "4")


@pytest.fixture(scope="session")
def signed(unsigned, tmp_path_factory) -> Machines:
    """The same, after the first signing."""
    machines = unsigned.copy(tmp_path_factory.mktemp("machines") / "signed")
    run = machines.sign()
    assert run.code == 0, run.err
    return machines


@pytest.fixture
def copy(signed, tmp_path) -> Machines:
    """A copy of the signed ceremony, to be changed."""
    return signed.copy(tmp_path / "copy")
