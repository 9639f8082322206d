# SPDX-License-Identifier: AGPL-3.0-or-later
"""Firefox for each test, on the real page of a real portal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from firefox import Firefox


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Firefox]]:
    """Start Firefox, with scripts that run before those of the page or with settings; ended after the test."""
    with ExitStack() as running:

        def start(*preload: str, **prefs: object) -> Firefox:
            browser = Firefox(tmp_path / "firefox", preload=preload, prefs=prefs)
            running.callback(browser.close)
            return browser

        yield start


@pytest.fixture
def firefox(start) -> Firefox:
    """A new Firefox, as "Safer" has it."""
    browser: Firefox = start()
    return browser
