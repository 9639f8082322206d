# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit in Firefox as "Safer" has it, from a disk and without a network."""

import time


def test_kit_seals_without_network(office, start, tmp_path):
    """Sealed, saved and opened at the desk; nothing is asked of anybody."""
    saved = tmp_path / "saved"
    saved.mkdir()
    firefox = start(
        **{
            "network.proxy.allow_hijacking_localhost": True,  # loopback is cut too
            "browser.download.alwaysOpenPanel": False,  # it would take the focus
            "browser.download.folderList": 2,
            "browser.download.dir": str(saved),
            "browser.download.always_ask_before_handling_new_types": False,
        }
    )
    firefox.write_report(office.kit.as_uri(), "sealed in the kit")
    firefox.press("[data-use-date]")
    firefox.seal()
    assert len(firefox.await_receipt()) == 13
    assert firefox.value("document.querySelector('#receipt-title').textContent") == "Not delivered yet"
    assert [url for _, url in firefox.requests() if not url.startswith(("file:", "blob:", "data:"))] == []
    firefox.press("[data-save-sealed]")
    for _ in range(100):
        if len(list(saved.glob("letter*.age"))) == 2:
            break
        time.sleep(0.1)
    first, again = sorted(saved.glob("letter*.age"))
    assert first.read_bytes() == again.read_bytes()
    office.desk("receive", "--file", str(first))
    assert "sealed in the kit" in [office.report(report["id"])["text"] for report in office.reports()]
