# SPDX-License-Identifier: AGPL-3.0-or-later
"""A report that was sealed elsewhere is handed in at the page as a file: the same bytes, the same answers."""

import base64

import pytest
from pagedriver import Wire, press, visible

PAGE = "[data-aside=hand_in]:not([hidden])"


@pytest.fixture
def sealed(office, officer):
    """Return a function that seals words for the office, outside of the page."""
    return lambda text: base64.b64decode(officer.ask(**office.seal_command(text))["envelope"])


def open_page(office, page):
    page.goto(office.url)
    page.wait_for_selector(visible("before", "[data-go=next]"))
    press(page, visible("before", "[data-open=hand_in]"))
    page.wait_for_selector(PAGE)


def choose(page, data, name="letter.age"):
    page.set_input_files("#sealed", {"name": name, "mimeType": "application/octet-stream", "buffer": data})
    press(page, f"{PAGE} [data-hand-in]")


def outcome(page):
    page.wait_for_selector(f"{PAGE} [data-hand-in]:not([disabled])")
    return page.locator("[data-handed]").inner_text()


def test_sealed_file_arrives(office, page, sealed):
    """The file's bytes go to the portal unchanged, without its name, and open at the desk."""
    envelope = sealed("sealed on another device")
    wire = Wire(page)
    open_page(office, page)
    choose(page, envelope, "xyzzyMARKERplugh.age")
    assert "It has arrived" in outcome(page)
    assert [request.post_data_buffer for request in wire.posts()] == [envelope]
    assert not wire.holds("xyzzyMARKERplugh")
    assert page.locator("#sealed").evaluate("input => input.files.length") == 0
    office.carry()
    assert "sealed on another device" in [office.report(report["id"])["text"] for report in office.reports()]


def test_other_files_are_not_sent(office, page, sealed):
    """What is not one letter's envelope for this office is refused at its field, and nothing is sent."""
    envelope = sealed("words")
    wire = Wire(page)
    open_page(office, page)
    press(page, f"{PAGE} [data-hand-in]")
    assert page.locator("#sealed-error").inner_text() == "Choose the sealed file"
    for data in (b"", b"words", envelope[:-1], envelope + b"\n", bytes(len(envelope)), bytes(1_000_000)):
        choose(page, data)
        assert outcome(page) == ""
        assert "not a sealed report" in page.locator("#sealed-error").inner_text()
        assert page.evaluate("() => document.activeElement.id") == "sealed"
    assert wire.posts() == []
    choose(page, envelope)
    assert "It has arrived" in outcome(page)
    assert page.locator("#sealed-error").is_hidden()


def test_lost_answer_is_not_called_lost(office, page, sealed):
    """When the answer is cut nothing is claimed; the next press sends the same bytes, and one letter is kept."""
    envelope, before = sealed("twice"), office.shelf()

    def deliver_and_cut(route):
        route.fetch()
        route.abort("connectionreset")

    open_page(office, page)
    page.route("**/envelopes", deliver_and_cut)
    choose(page, envelope)
    assert "We do not know whether it arrived." in outcome(page)
    page.unroute("**/envelopes")
    press(page, f"{PAGE} [data-hand-in]")
    page.wait_for_selector("[data-handed] :text('It has arrived')")
    assert len(office.shelf() - before) == 1


def test_unreachable_portal_sends_nothing(office, page, sealed):
    """Without the portal the page says why, and that nothing was sent."""
    open_page(office, page)
    page.route("**/*", lambda route: route.abort())
    choose(page, sealed("words"))
    assert outcome(page).split("\n")[0] == "Nothing was sent."
