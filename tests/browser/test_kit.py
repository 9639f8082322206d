# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit, opened from a disk without a network: sealed there, handed in as a file, opened at the desk."""

from pathlib import Path

from kitfile import write_kit
from pagedriver import Wire, await_receipt, press, seal, visible, write_report


def test_kit_seals_without_network(office, page, tmp_path):
    """Its file opens at the desk; the kit asks for nothing, and says that nothing is delivered yet."""
    kit = write_kit(office, tmp_path / "kit.html")
    page.context.set_offline(True)
    wire, complaints = Wire(page), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    write_report(page, kit, "sealed in the kit", paste=True)
    seal(page)
    assert page.evaluate("() => document.activeElement.id") == "today"
    press(page, visible("check", "[data-use-date]"))
    with page.expect_download() as saved:
        seal(page)
        assert len(await_receipt(page)) == 13
    assert saved.value.suggested_filename == "letter.age"
    assert page.locator("#receipt-title").inner_text() == "Not delivered yet"
    assert "Hand it in by 2" in page.locator("[data-hand-in-by]").inner_text()
    assert [request.url for request in wire.requests] == [kit]
    assert complaints == []
    with page.expect_download() as again:
        press(page, "[data-save-sealed]")
    saved.value.save_as(tmp_path / "letter.age")
    assert (tmp_path / "letter.age").read_bytes() == Path(again.value.path()).read_bytes()
    office.desk("receive", "--file", str(tmp_path / "letter.age"))
    assert "sealed in the kit" in [office.report(report["id"])["text"] for report in office.reports()]
