# SPDX-License-Identifier: AGPL-3.0-or-later
"""What several areas share."""

from collections.abc import Iterator

import pytest
from officer import Officer
from simulator import Simulator


@pytest.fixture(scope="session")
def officer() -> Iterator[Officer]:
    """The page's own code."""
    process = Officer()
    yield process
    process.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Iterator[Simulator]:
    """A whole office, shared by the tests of one file."""
    simulator = Simulator(tmp_path_factory.mktemp("office") / "throwaway")
    yield simulator
    simulator.stop()
