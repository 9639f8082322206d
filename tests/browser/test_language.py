# SPDX-License-Identifier: AGPL-3.0-or-later
"""Languages and the work device: chosen and said in the page, and told to nobody."""

import json
from importlib import resources

import pytest
from pagedriver import Wire, await_receipt, go_on, press, seal, shown, start, tab_to, visible

pytestmark = pytest.mark.parametrize("browser", ["jit", pytest.param("jitless", marks=pytest.mark.long)], indirect=True)

WORDS = json.loads(resources.files("intake").joinpath("words/es.json").read_text(encoding="utf-8"))


def speak(page, lang: str) -> None:
    """Choose a language by keyboard."""
    press(page, f"[data-speak][lang={lang}]")


def texts(page) -> list[str]:
    """Return every sentence on the page, hidden ones too."""
    found: list[str] = page.evaluate(
        """() => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
        while (walker.nextNode()) if (walker.currentNode.data.trim()) found.push(walker.currentNode.data.trim());
        return found; }"""
    )
    return found


def test_every_text_changes_and_returns(office, page):
    """Spanish leaves no English sentence behind, hidden or shown; English brings every one back."""
    page.goto(office.url)
    page.wait_for_selector("[data-seal]:not([disabled])", state="attached")
    page.wait_for_load_state("networkidle")
    english = texts(page)
    speak(page, "es")
    spanish = texts(page)
    left = {text for text in set(english) & set(spanish) if " " in text}
    assert len(spanish) == len(english)
    fingerprint = page.locator("[data-fingerprint]").text_content()
    assert left - {*office_facts(page), fingerprint, WORDS["starting"], WORDS["starting.text"]} == set()
    assert (page.evaluate("document.documentElement.lang"), page.title()) == ("es", WORDS["title"])
    speak(page, "en")
    assert texts(page) == english


def office_facts(page) -> list[str]:
    """Return what the office itself wrote: its name, regions and contacts."""
    facts = json.loads(page.evaluate("document.documentElement.dataset.office"))
    return [
        facts["office"],
        *(r["label"] for r in facts["regions"]),
        *(v for c in facts["contacts"] for v in c.values()),
    ]


def test_language_asks_nobody(office, page):
    """Choosing a language sends nothing."""
    page.goto(office.url)
    page.wait_for_load_state("networkidle")
    wire = Wire(page)
    speak(page, "es")
    page.wait_for_timeout(300)
    assert wire.requests == []
    assert page.locator("[data-speak][lang=es]").is_hidden()
    assert page.evaluate("document.activeElement.matches('[data-heading]')")


def test_report_in_spanish_arrives(office, page):
    """A report that is written in Spanish arrives, and its letter says so."""
    page.goto(office.url)
    speak(page, "es")
    start(page)
    page.check("#kinds-REV")
    go_on(page, "text")
    tab_to(page, "#text")
    page.keyboard.insert_text("Se devolvió el caso A-123456789 sin motivo.")
    go_on(page, "check")
    assert page.locator("[data-rule=a_number] .warning__title").inner_text() == WORDS["say.detector.a_number"]
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    assert len(await_receipt(page)) == 13
    office.carry()
    assert {office.report(report["id"])["lang"] for report in office.reports()} == {"es"}


def test_work_device_stops(office, page):
    """Who is at work is asked to stop; the page goes no further, and leaving empties it."""
    page.goto(office.url)
    page.wait_for_selector(visible("before", "[data-go=next]"))
    press(page, visible("before", "[data-go=next]"))
    assert page.locator("[data-errors-list] a").get_attribute("href") == "#device"
    tab_to(page, "#device-no")
    page.keyboard.press("ArrowDown")
    press(page, visible("before", "[data-go=next]"))
    assert page.locator("[data-aside=stop]").is_visible()
    assert page.locator("[data-step]:visible").count() == 0
    press(page, "[data-aside=stop] [data-close]")
    assert shown(page) == "before"
    press(page, visible("before", "[data-go=next]"))
    press(page, "[data-aside=stop] [data-leave]")
    page.wait_for_url("about:blank")
