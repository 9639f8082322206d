# SPDX-License-Identifier: AGPL-3.0-or-later
"""What several areas share."""

from collections.abc import Callable, Iterator

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


@pytest.fixture
def measured(record_property) -> Callable[[str], None]:
    """Notes a figure, to be printed when all tests are over, whichever process measured it."""
    return lambda figure: record_property("measured", figure)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the figures that tests have measured."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    figures = [text for report in reports for name, text in report.user_properties if name == "measured"]
    for figure in dict.fromkeys(figures):
        terminalreporter.write_line(f"measured: {figure}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test must not read as green: list it (`-ra` does) and fail."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
