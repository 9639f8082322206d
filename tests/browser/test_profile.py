# SPDX-License-Identifier: AGPL-3.0-or-later
"""Chromium killed in mid-draft has written down no word of it, even outside its incognito mode."""

import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pagedriver import press, tab_to, visible, write_report
from profilesearch import careless_page, traces

from .conftest import QUIET

CANARY = "xyzzyCANARYplugh"
DRAFT = f"They told me to sign, {CANARY}, today."
SETTLE_SECONDS = 8  # Chromium writes its session about every 2.5 s


@pytest.fixture
def folder():
    """A folder with a short name: Chromium makes a socket below it."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def chromium(playwright, folder):
    """Yield a page of a Chromium with a profile that stays, and the browser's process."""
    home = folder / "home"
    home.mkdir(parents=True)
    options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen(
        [shutil.which("chromium"), *QUIET, *options, "about:blank"],
        env={"HOME": str(home), "TMPDIR": str(home), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{debugging_port(folder)}")
        yield browser.contexts[0].pages[0], process
    finally:
        process.kill()
        process.wait(10)


def debugging_port(folder) -> int:
    """Return the port that Chromium wrote into its profile."""
    note = folder / "profile" / "DevToolsActivePort"
    end = time.monotonic() + 30
    while not (note.exists() and note.read_text("ascii").count("\n")):
        assert time.monotonic() < end, "chromium did not start"
        time.sleep(0.1)
    return int(note.read_text("ascii").split("\n")[0])


def settle_and_kill(page, process) -> None:
    """Give the browser time to write the draft down, and kill it."""
    assert CANARY in page.locator("#text").input_value()
    page.wait_for_timeout(SETTLE_SECONDS * 1000)
    process.kill()
    process.wait(10)


def test_killed_draft_leaves_nothing(office, playwright, folder):
    """No file of the profile, cache or home holds a word of the draft."""
    with chromium(playwright, folder) as (page, process):
        write_report(page, office.url, DRAFT)
        settle_and_kill(page, process)
    assert (folder / "profile" / "Default").is_dir()
    assert traces(folder, CANARY) == []


@pytest.mark.long
def test_opened_draft_leaves_nothing(office, officer, playwright, folder, tmp_path):
    """A draft that was opened, and is chosen once more with its words typed, stands in no file of the browser."""
    locked, words = officer.locked_draft(DRAFT)
    file = tmp_path / "draft.age"
    file.write_bytes(locked)
    with chromium(playwright, folder) as (page, process):
        page.goto(office.url)
        page.wait_for_selector(visible("before", "[data-open=open]"))
        give_draft(page, file, words)
        press(page, "[data-unlock]")
        page.wait_for_selector("[data-opened] p")
        give_draft(page, file, words)
        settle_and_kill(page, process)
    assert traces(folder, CANARY) == []
    assert traces(folder, words[: len(words) // 2]) == []


def give_draft(page, file, words) -> None:
    """Choose the file of a draft and type its words."""
    press(page, visible("before", "[data-open=open]"))
    page.set_input_files("#draft-file", file)
    tab_to(page, "#draft-typed")
    page.keyboard.type(words)
    assert page.input_value("#draft-typed") == words


@pytest.mark.long
def test_killed_kit_leaves_nothing(office, playwright, folder):
    """Nor does a file hold a word of what is written in the kit, which lies on a disk."""
    with chromium(playwright, folder) as (page, process):
        write_report(page, office.kit.as_uri(), DRAFT)
        settle_and_kill(page, process)
    assert traces(folder, CANARY) == []


def test_search_finds_what_is_left(playwright, folder):
    """The same search finds a draft in a page that takes no care: it is able to."""
    with chromium(playwright, folder) as (page, process), careless_page() as url:
        page.goto(url)
        tab_to(page, "#text")
        page.keyboard.type(DRAFT)
        settle_and_kill(page, process)
    assert traces(folder, CANARY) != []
