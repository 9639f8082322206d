# SPDX-License-Identifier: AGPL-3.0-or-later
"""Firefox killed in mid-draft has written down no word of it, even outside private browsing."""

import time

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


def test_search_finds_what_is_left(start):
    """The same search finds a draft in a page that takes no care: it is able to."""
    firefox = start(**REMEMBERING)
    with careless_page() as url:
        firefox.goto(url)
        firefox.tab_to("#text")
        firefox.type(DRAFT)
        settle_and_kill(firefox)
    assert traces(firefox.folder, CANARY) != []
