# SPDX-License-Identifier: AGPL-3.0-or-later
"""When the portal cannot take a report the page tries again by itself, calmly, and never twice over."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from pagedriver import Wire, await_receipt, go_on, press, seal, visible, write_report

pytestmark = pytest.mark.parametrize("browser", ["jit"], indirect=True)

TEXT = "Words that wait for the portal."
WAITING = visible("check", "[data-again]:not([hidden])")
FAILURES = {
    "full": lambda route: route.fulfill(status=503, body="full", headers={"Retry-After": "100"}),
    "fault": lambda route: route.fulfill(status=507, body="no room"),
    "nothing": lambda route: route.abort("connectionrefused"),
}


def write_and_fail(office, page, how: str) -> Wire:
    """Write a report on a clock that the test turns, and press the button while the portal fails."""
    page.clock.install()
    wire = Wire(page)
    write_report(page, office.url, TEXT, paste=True)
    page.route("**/envelopes", FAILURES[how])
    seal(page)
    page.wait_for_selector(WAITING)
    return wire


def seconds_left(page) -> int:
    """Return what the countdown says."""
    minutes, seconds = re.search(r"(\d+):(\d\d)", page.locator("[data-state=again]").inner_text()).groups()
    return int(minutes) * 60 + int(seconds)


@pytest.mark.parametrize("how", FAILURES)
def test_report_arrives_by_itself(office, page, how):
    """The words stay, the page says when it comes again, and sends the same bytes: one letter is kept."""
    before = office.shelf()
    wire = write_and_fail(office, page, how)
    first = seconds_left(page)
    assert (100 <= first <= 200) if how == "full" else (10 <= first <= 20)
    assert page.locator("[data-text]").input_value() == TEXT
    assert "tries again by itself" in page.locator("[data-outcome]").inner_text()
    page.clock.run_for(5_000)
    assert seconds_left(page) == first - 5
    page.unroute("**/envelopes")
    page.clock.run_for((first - 4) * 1_000)
    assert len(await_receipt(page)) == 13
    posts = wire.posts()
    assert len(posts) == 2 and posts[0].post_data_buffer == posts[1].post_data_buffer
    assert len(office.shelf() - before) == 1


def test_tries_end(office, page):
    """After six tries the page rests and says so; the button works as before."""
    wire = write_and_fail(office, page, "nothing")
    for tries in range(2, 8):
        page.clock.run_for((seconds_left(page) + 1) * 1_000)
        page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
        assert len(wire.posts()) == tries
    assert page.locator("[data-again]").is_hidden()
    assert "Press the button again" in page.locator("[data-outcome]").inner_text()
    page.clock.run_for(3_600_000)
    assert len(wire.posts()) == 7
    page.unroute("**/envelopes")
    seal(page)
    assert len(await_receipt(page)) == 13


def test_pressing_comes_first(office, page):
    """ "Try now" sends at once, and nothing is sent a second time when the countdown would have ended."""
    wire = write_and_fail(office, page, "nothing")
    page.unroute("**/envelopes")
    press(page, WAITING + " [data-try]")
    assert len(await_receipt(page)) == 13
    page.clock.run_for(3_600_000)
    assert len(wire.posts()) == 2


@pytest.mark.parametrize("way", ["[data-go=back]", "[data-open=save]"])
def test_going_elsewhere_stops_it(office, page, way):
    """Whoever goes back to the words, or saves a draft, is not overtaken by a report that goes off."""
    wire = write_and_fail(office, page, "nothing")
    press(page, visible("check", way))
    page.clock.run_for(3_600_000)
    assert len(wire.posts()) == 1


def test_leaving_stops_it(office, page):
    """Nothing is sent by a page that was left."""
    wire = write_and_fail(office, page, "nothing")
    page.locator("[data-leave]:visible").first.click()
    page.wait_for_url("about:blank")
    page.clock.run_for(3_600_000)
    assert len(wire.posts()) == 1


def test_sealed_file_instead(office, page):
    """The sealed file is saved with its receipt; handed in later it is the letter that the page tried to send."""
    wire = write_and_fail(office, page, "nothing")
    with page.expect_download() as saved:
        press(page, WAITING + " [data-keep]")
    assert len(await_receipt(page)) == 13
    assert page.locator("[data-step=receipt] [data-heading]").inner_text() == "Not delivered yet"
    assert page.locator("[data-hand-in-by]").inner_text().startswith("Hand it in by ")
    assert saved.value.path().read_bytes() == wire.posts()[0].post_data_buffer
    assert page.locator("[data-text]").input_value() == ""
    page.clock.run_for(3_600_000)
    assert len(wire.posts()) == 1


def test_countdown_is_silent(office, page):
    """A screen reader hears the sentence once: the countdown is in no live region, and does not take the focus."""
    write_and_fail(office, page, "nothing")
    assert page.evaluate("() => document.activeElement.matches('[data-outcome]')")
    live = "() => document.querySelector('[data-state=again]').closest('[aria-live], [role=status], [role=alert]')"
    assert page.evaluate(live) is None
    button = visible("check", "[data-go=back]")
    page.locator(button).focus()
    page.clock.run_for((seconds_left(page) + 1) * 1_000)
    page.wait_for_selector(WAITING)
    assert page.evaluate("selector => document.activeElement.matches(selector)", button)


def test_calm_countdown(office, page):
    """Where less motion is asked for, the countdown moves every ten seconds only."""
    page.emulate_media(reduced_motion="reduce")
    write_and_fail(office, page, "full")
    said = set()
    for _ in range(20):
        page.clock.run_for(1_000)
        said.add(seconds_left(page))
    assert len(said) <= 3 and {left % 10 for left in said} == {0}


def test_in_spanish_too(office, page):
    """The words of the wait are there in Spanish."""
    write_report(page, office.url, TEXT, paste=True)
    page.locator("[data-speak][lang=es]").evaluate_all("buttons => buttons.forEach((button) => button.click())")
    go_on(page, "check")
    page.route("**/envelopes", FAILURES["nothing"])
    seal(page)
    page.wait_for_selector(WAITING)
    assert "La página prueba otra vez sola" in page.locator("[data-outcome]").inner_text()
    assert re.fullmatch(r"Próximo intento en 00:\d\d", page.locator("[data-state=again]").inner_text())


def test_week_that_ended_meanwhile(office, page):
    """When the next try falls into the next week, the report is sealed to that week's keys and to no others."""
    wire = write_and_fail(office, page, "nothing")
    page.unroute("**/envelopes")
    page.clock.set_system_time(datetime.now(UTC) + timedelta(days=7))
    page.clock.run_for((seconds_left(page) + 1) * 1_000)
    assert len(await_receipt(page)) == 13
    first, second = (request.post_data_buffer for request in wire.posts())
    assert (first != second, len(first)) == (True, len(second))
