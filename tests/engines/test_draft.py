# SPDX-License-Identifier: AGPL-3.0-or-later
"""A draft saved by Firefox as "Safer" has it is a file on disk, and comes back from it."""

import json
import time

TEXT = "They told me: \u201csign it\u201d.\n  Ñandú 文字 🦤"
SAVE, OPEN = "[data-aside=save]:not([hidden])", "[data-aside=open]:not([hidden])"
SECONDS = 30
# Saved into a folder of the test, with no panel that takes the focus from the page.
SAVES = {
    "browser.download.folderList": 2,
    "browser.download.alwaysOpenPanel": False,
    "dom.disable_beforeunload": True,
}


def saved_file(folder) -> bytes:
    """Return the one file that Firefox has saved into a folder, once it is whole."""
    end = time.monotonic() + SECONDS
    while not [path for path in folder.glob("draft.age") if path.stat().st_size and not list(folder.glob("*.part"))]:
        assert time.monotonic() < end, "nothing was saved"
        time.sleep(0.1)
    return (folder / "draft.age").read_bytes()


def test_draft_comes_back(office, start, tmp_path):
    """Saved by keyboard, opened after the page was loaded anew: the text is there again, and nothing was sent."""
    folder = tmp_path / "saved"
    folder.mkdir()
    firefox = start(**SAVES, **{"browser.download.dir": str(folder)})
    firefox.write_report(office.url, TEXT, paste=True)
    firefox.press("[data-step=check] [data-open=save]")
    firefox.press(f"{SAVE} [data-lock]")
    words = firefox.value("[...document.querySelectorAll('[data-draft-words] li')].map(li => li.innerText).join(' ')")
    file = saved_file(folder)
    assert len(file) == 18_043
    firefox.goto(office.url)
    firefox.await_true("document.querySelector('[data-open=open]:not([hidden])')")
    assert firefox.text() == ""
    firefox.press("[data-open=open]")
    firefox.upload("#draft-file", folder / "draft.age")
    firefox.tab_to("#draft-typed")
    firefox.type(words)
    firefox.press(f"{OPEN} [data-unlock]")
    firefox.await_true("document.querySelector('[data-opened] p')")
    assert firefox.text() == TEXT
    assert firefox.value("document.querySelector('#kinds-REV').checked")
    assert firefox.posts() == []
    assert words not in json.dumps(firefox.requests())
