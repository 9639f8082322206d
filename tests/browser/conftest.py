# SPDX-License-Identifier: AGPL-3.0-or-later
"""Chromium, with and without JIT, on the real page of a real portal."""

import shutil
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import anybrowser
import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

QUIET = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
]
ENGINES = {"jit": [], "jitless": ["--js-flags=--jitless"]}


BOTH = {  # of these files, what is tried without a compiler in the short run, too
    "test_failures.py": {"test_self_test_failure_stops_it", "test_portal_killed_in_mid_send"},
    "test_handin.py": {"test_sealed_file_arrives"},
    "test_report.py": {
        "test_typed_report_arrives",
        "test_no_cookie_no_storage",
        "test_nothing_breaks_the_policy",
        "test_older_engines_seal_too",
        "test_receipt_words_checked",
    },
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The same lines say the same with and without a compiler: without, most of it is left to the long run."""
    for item in items:
        kept = BOTH.get(item.path.name)
        if kept is not None and "jitless" in item.name and item.name.split("[")[0] not in kept:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session", params=ENGINES)
def browser(request, playwright) -> Iterator[Browser]:
    """Debian's Chromium, once with its compiler and once without."""
    path = shutil.which("chromium")
    assert path, "install Debian's package chromium"
    running = playwright.chromium.launch(executable_path=path, args=[*QUIET, *ENGINES[request.param]])
    yield running
    running.close()


@pytest.fixture
def page(request, browser, office) -> Iterator[Page]:
    """A new profile. A script that fails, in any tab of it, fails the test; `broken_script` expects that."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    failed: list[str] = []
    context.on("weberror", lambda error: failed.append(str(error.error)))
    new = context.new_page()
    new.set_default_timeout(20_000)
    yield new
    context.close()
    assert bool(failed) == bool(request.node.get_closest_marker("broken_script")), failed


def as_any(page: Page) -> anybrowser.Browser:
    """Return the page as tests/anybrowser.py drives it."""
    await_element = partial(page.wait_for_selector, state="attached")
    return SimpleNamespace(goto=page.goto, click=page.click, value=page.evaluate, await_element=await_element)
