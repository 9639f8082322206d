# SPDX-License-Identifier: AGPL-3.0-or-later
"""Firefox killed in mid-draft has written down no word of it, even outside private browsing."""

import time

import pytest
from profilesearch import careless_page, traces

CANARY = "xyzzyCANARYplugh"
DRAFT = f"They told me to sign, {CANARY}, today."
SESSION_MS = 500  # how often Firefox writes its session down; its own default is 15 s
SETTLE_SECONDS = 5
# Firefox as it comes, with everything on that remembers, and its session written often.
REMEMBERING = {
    "browser.privatebrowsing.autostart": False,
    "browser.sessionstore.interval": SESSION_MS,
    "browser.sessionstore.interval.idle": SESSION_MS,
    "browser.sessionstore.resume_from_crash": True,
    "browser.sessionstore.privacy_level": 0,
    "browser.formfill.enable": True,
    "layout.spellcheckDefault": 2,
    "places.history.enabled": True,
    "privacy.resistFingerprinting": False,
}


def settle_and_kill(firefox) -> None:
    """Give the browser time to write the draft down, and kill it."""
    assert firefox.text() == DRAFT
    time.sleep(SETTLE_SECONDS)
    firefox.kill()


def test_killed_draft_leaves_nothing(office, start):
    """No file of the profile, cache or home holds a word of the draft."""
    firefox = start(**REMEMBERING)
    firefox.write_report(office.url, DRAFT)
    settle_and_kill(firefox)
    assert any(firefox.folder.rglob("recovery.jsonlz4"))
    assert traces(firefox.folder, CANARY) == []


@pytest.mark.long
def test_opened_draft_leaves_nothing(office, officer, start, tmp_path):
    """A draft that was opened, and is chosen once more with its words typed, stands in no file of the browser."""
    locked, words = officer.locked_draft(DRAFT)
    file = tmp_path / "draft.age"
    file.write_bytes(locked)
    firefox = start(**REMEMBERING)
    firefox.goto(office.url)
    firefox.await_element("[data-step=before] [data-open=open]:not([hidden])")
    give_draft(firefox, file, words)
    firefox.press("[data-unlock]")
    firefox.await_element("[data-opened] p")
    give_draft(firefox, file, words)
    settle_and_kill(firefox)
    assert any(firefox.folder.rglob("recovery.jsonlz4"))
    assert traces(firefox.folder, CANARY) == []
    assert traces(firefox.folder, words[: len(words) // 2]) == []


def give_draft(firefox, file, words) -> None:
    """Choose the file of a draft and type its words."""
    firefox.press("[data-step=before] [data-open=open]")
    firefox.upload("#draft-file", file)
    firefox.tab_to("#draft-typed")
    firefox.type(words)
    assert firefox.value("document.querySelector('#draft-typed').value") == words


def test_search_finds_what_is_left(start):
    """The same search finds a draft in a page that takes no care: it is able to."""
    firefox = start(**REMEMBERING)
    with careless_page() as url:
        firefox.goto(url)
        firefox.tab_to("#text")
        firefox.type(DRAFT)
        settle_and_kill(firefox)
    assert traces(firefox.folder, CANARY) != []
