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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test must not read as green: list it (`-ra` does) and fail."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
