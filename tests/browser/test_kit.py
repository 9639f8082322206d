# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit, opened from a disk without a network: sealed there, handed in as a file, opened at the desk."""

import html
import json
import sys
from pathlib import Path

import pytest
from pagedriver import Wire, await_receipt, press, seal, visible, write_report

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "portal/page"))
import render

BUILT = Path(__file__).resolve().parents[2] / "intake/built"


@pytest.fixture
def kit(office, tmp_path):
    """The kit of the office, as a file."""
    public = office.folders.office / "public"
    names = sorted(public.glob("keys-*.txt"))
    lists = [[path.read_text("utf-8"), path.with_name(path.name + ".sig").read_text("ascii")] for path in names]
    data = json.dumps(json.loads((public / "office.json").read_bytes()))
    page = render.kit(BUILT, (BUILT / "page.html").read_text("utf-8"))
    path = tmp_path / "kit.html"
    path.write_text(
        page.replace("@OFFICE@", html.escape(data)).replace("@KIT@", html.escape(json.dumps(lists))), "utf-8"
    )
    return path


def test_kit_seals_without_network(office, page, kit, tmp_path):
    """Its file opens at the desk; the kit asks for nothing, and says that nothing is delivered yet."""
    page.context.set_offline(True)
    wire, complaints = Wire(page), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    write_report(page, kit.as_uri(), "sealed in the kit", paste=True)
    seal(page)
    assert page.evaluate("() => document.activeElement.id") == "today"
    press(page, visible("check", "[data-use-date]"))
    with page.expect_download() as saved:
        seal(page)
        assert len(await_receipt(page)) == 13
    assert saved.value.suggested_filename == "letter.age"
    assert page.locator("#receipt-title").inner_text() == "Not delivered yet"
    assert "Hand it in by 2" in page.locator("[data-hand-in-by]").inner_text()
    assert [request.url for request in wire.requests] == [kit.as_uri()]
    assert complaints == []
    with page.expect_download() as again:
        press(page, "[data-save-sealed]")
    saved.value.save_as(tmp_path / "letter.age")
    assert (tmp_path / "letter.age").read_bytes() == Path(again.value.path()).read_bytes()
    office.desk("receive", "--file", str(tmp_path / "letter.age"))
    assert "sealed in the kit" in [office.report(report["id"])["text"] for report in office.reports()]
