# SPDX-License-Identifier: AGPL-3.0-or-later
"""The deadline helper: days are counted in the page, shown with their rule, and told to nobody."""

import json
from importlib import resources

import pytest
from pagedriver import Wire, await_receipt, press, seal, shown, tab_to, visible, write_report

pytestmark = pytest.mark.parametrize("browser", ["jit", pytest.param("jitless", marks=pytest.mark.long)], indirect=True)

ASIDE = "[data-aside=deadline]"
WORDS = resources.files("intake").joinpath("words")
SPANISH, ENGLISH = (json.loads(WORDS.joinpath(name).read_text(encoding="utf-8")) for name in ("es.json", "en.json"))


def open_helper(page, step: str = "before") -> None:
    """Open the helper from a step, by keyboard."""
    page.wait_for_selector(visible(step, "[data-open=deadline]"))
    press(page, visible(step, "[data-open=deadline]"))
    assert page.evaluate("document.activeElement.id") == "deadline-title"


def count(page, trigger: str, when: str) -> str:
    """Choose what happened, type the day, press Enter, and return what is shown."""
    page.select_option("#deadline-trigger", trigger)
    tab_to(page, "#deadline-day")
    page.keyboard.press("Control+A")
    page.keyboard.type(when)
    page.keyboard.press("Enter")
    shown: str = page.locator("[data-routes]").inner_text()
    return shown


def test_day_gives_its_days(office, page):
    """A day gives the counted days of each route, written out, with rule, profile and what is not certain."""
    page.goto(office.url)
    open_helper(page)
    text = count(page, "event", "2030-11-23")
    assert page.evaluate("document.activeElement.matches('[data-routes]')")
    route = page.locator(".route", has_text="EEO counselor").first.inner_text()
    assert "File by Tuesday, January 7, 2031" in route
    assert "Rule eeo_counselor (29 CFR 1614.105(a)(1)): 45 calendar days from the day after" in route
    assert "Not yet confirmed by counsel" not in route
    ulp = page.locator(".route", has_text="Unfair labor practice charge").first.inner_text()
    assert "File by Friday, May 23, 2031" in ulp
    assert "contested" in ulp
    assert "Rules of profile us-federal-2026, as of Monday, March 9, 2026." in text
    assert "Choose before you file" in text
    assert "too late" not in text.lower()
    press(page, f"{ASIDE} [data-close]")
    assert shown(page) == "before"
    assert page.evaluate("document.activeElement.matches('[data-open=deadline]')")


def test_month_gives_a_span(office, page):
    """With only the month, the first and the last possible day are shown, and the first one to file by."""
    page.goto(office.url)
    open_helper(page)
    count(page, "event", "2026-12")
    route = page.locator(".route", has_text="EEO counselor").first.inner_text()
    assert "File by Friday, January 15, 2027" in route
    assert "between Friday, January 15, 2027 and Tuesday, February 16, 2027" in route


def test_passed_day_is_no_verdict(office, page):
    """A day that is gone says to ask counsel, and nobody is told to file by it."""
    page.goto(office.url)
    open_helper(page)
    count(page, "eeo_notice", "2019-05-02")
    route = page.locator(".route").first.inner_text()
    assert "Ask counsel: exceptions exist" in route
    assert "The last day by its own rule: Friday, May 17, 2019" in route
    assert "File by" not in route


def test_rubbish_is_an_error_of_its_field(office, page):
    """What is no day leaves no result, and leads to the field with a sentence that the field names."""
    page.goto(office.url)
    open_helper(page)
    count(page, "event", "2026-12")
    assert count(page, "step_answer", "last spring") == ""
    described = page.evaluate("document.activeElement.getAttribute('aria-describedby')").split()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert "deadline-error" in described
    assert "2031-05-06" in page.locator("#deadline-error").inner_text()
    assert "contract" in count(page, "step_answer", "2026-11-02")
    assert page.locator("#deadline-error").is_hidden()


def test_day_is_told_to_nobody(office, page):
    """The day stands in no request of a whole report, not in the letter, and is gone when the report has arrived."""
    page.goto(office.url)
    wire = Wire(page)
    write_report(page, office.url, "What happened.")
    before = len(wire.requests)
    open_helper(page, "check")
    assert "August 3, 2027" in count(page, "event", "2027-02-03")
    assert len(wire.requests) == before
    press(page, f"{ASIDE} [data-close]")
    seal(page)
    await_receipt(page)
    assert not any(wire.holds(day) for day in ("2027-02-03", "2027-08-03", "August"))
    assert (page.locator("#deadline-day").input_value(), page.locator("[data-routes]").inner_html()) == ("", "")
    office.carry()
    letters = [json.dumps(office.report(report["id"])) for report in office.reports()]
    assert letters
    assert [letter for letter in letters if "2027-0" in letter or "deadline" in letter] == []
    open_helper(page, "receipt")
    press(page, f"{ASIDE} [data-close]")
    assert shown(page) == "receipt"


def test_leaving_warns_of_an_unchecked_receipt(office, page):
    """Who would leave from the helper with the words of the receipt unchecked is told so, beside the words."""
    write_report(page, office.url, "words", paste=True)
    seal(page)
    await_receipt(page)
    open_helper(page, "receipt")
    press(page, "[data-leave]")
    assert page.locator("[data-state=leaving] p").is_visible()
    assert page.locator("[data-receipt]").is_visible()
    assert page.locator(ASIDE).is_hidden()


def test_days_in_spanish(office, page):
    """In Spanish, days and sentences are Spanish; what English had said is gone."""
    page.goto(office.url)
    open_helper(page)
    count(page, "event", "2030-11-23")
    press(page, f"{ASIDE} [data-close]")
    press(page, "[data-speak][lang=es]")
    assert page.locator("[data-routes]").inner_html() == ""
    open_helper(page)
    text = count(page, "event", "2030-11-23")
    assert SPANISH["say.deadline.file_by"].format(day="martes, 7 de enero de 2031") in text
    assert SPANISH["say.deadline.note.confirm"] in text
    assert SPANISH["say.deadline.basis.contract"] in text
    assert ENGLISH["say.deadline.basis.contract"] not in text
    practice = SPANISH["say.deadline.basis.practice"] + "; 5 USC 7114(b)(4)"
    assert practice in count(page, "information_request", "2030-11-23")


@pytest.mark.broken_script
def test_leaving_empties_it(office, page):
    """Leaving empties the field and the result first, even where the page itself could not go."""
    page.goto(office.url)
    open_helper(page)
    assert count(page, "event", "2030-11-23")
    page.evaluate("() => { document.body.replaceChildren = () => { throw new Error('held'); }; }")
    with page.expect_event("pageerror"):
        press(page, "[data-leave]")
    assert (page.locator("#deadline-day").input_value(), page.locator("[data-routes]").inner_html()) == ("", "")
