# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fields at their limits: nothing is cut, what is too much or contradicts itself is said where it stands."""

import re

import pytest
from pagedriver import await_receipt, go_on, press, seal, shown, start, tab_to, visible

pytestmark = pytest.mark.parametrize("browser", ["jit"], indirect=True)

PASTED = "From: nobody@example.org\r\nSubject: =?utf-8?q?sign?=\r\n\r\n> sign it\t<b>now</b>\u2028\ufeff"
HOSTILE = PASTED + "e\u0301\u0323 \U0001f9a4\U0001f468\u200d\U0001f469\u200d\U0001f467 \u202bشهادة\u202c \u05e9\u05dc"


def to_text(page, url: str) -> None:
    """Go to the text step."""
    page.goto(url)
    start(page)
    page.check("#kinds-REV")
    go_on(page, "text")


def write(page, text: str) -> None:
    """Put a text into the field, in place of what is there."""
    tab_to(page, "#text")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(text)


def room(page) -> int:
    """Return how many bytes are left, as the page says it."""
    found = re.search(r"Room left: (\d+) bytes", page.locator("[data-room]").inner_text())
    assert found
    return int(found[1])


def test_text_to_its_last_byte(office, page):
    """One byte too many is said and nothing is cut; the last byte that fits arrives, with everything before it."""
    to_text(page, office.url)
    write(page, HOSTILE)
    lines = page.input_value("#text")
    whole = lines + "x" * room(page)
    write(page, whole + "x")
    press(page, visible("text", "[data-go=next]"))
    assert shown(page) == "text"
    assert page.evaluate("() => document.activeElement.matches('[data-errors]')")
    assert page.locator("[data-errors-list]").inner_text().startswith("Too long for one letter.")
    assert page.input_value("#text") == whole + "x"
    write(page, whole)
    assert room(page) == 0
    go_on(page, "check")
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    await_receipt(page)
    office.carry()
    assert whole in [office.report(report["id"])["text"] for report in office.reports()]


def test_fifteen_thousand_characters(office, page):
    """A text far over the limit stays as it is, and the page says by how much it is too long."""
    to_text(page, office.url)
    write(page, "\u6587" * 15_000)
    assert re.search(r"\d{5}", page.locator("[data-room]").inner_text())
    press(page, visible("text", "[data-go=next]"))
    assert shown(page) == "text"
    assert len(page.input_value("#text")) == 15_000


def test_numbers_that_contradict_themselves(office, page):
    """The last ten: the summary has the rules in their order, and leads to the first; set right, the path goes on."""
    page.goto(office.url)
    start(page)
    page.check("#kinds-REV")
    go_on(page, "last_ten")
    for field, number in {"n": "10", "pos": "4", "neg": "7", "pos_reviewed": "3", "pos_changed": "4"}.items():
        page.select_option(f"#last_ten_{field}", number)
    press(page, visible("last_ten", "[data-go=next]"))
    assert shown(page) == "last_ten"
    assert page.locator("[data-errors-list] li").count() == 2
    press(page, "[data-errors-list] a")
    assert page.evaluate("() => document.activeElement.id") == "last_ten_pos_changed"
    page.select_option("#last_ten_neg", "6")
    page.select_option("#last_ten_pos_changed", "3")
    press(page, visible("last_ten", "[data-go=next]"))
    assert shown(page) not in ("last_ten", "before")


def test_slow_keys(office, page):
    """Keys that take their time hold nobody up: the form is filled meanwhile, and sealing waits for them."""
    page.route("**/keys.txt", lambda route: (page.wait_for_timeout(1_500), route.continue_()))
    to_text(page, office.url)
    go_on(page, "check")
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    assert len(await_receipt(page)) == 13
