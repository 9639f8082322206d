# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every step and state of the page, both languages, light and dark: axe finds no violation of WCAG 2.2 A and AA."""

import pytest
from accessibility import AXE, violations
from pagedriver import await_receipt, shown, visible

RISKY = "\u202bA-123456789 \U0001f9a4 will be removed tomorrow."
MOST_STEPS = 15

pytestmark = pytest.mark.parametrize("browser", ["jit"], indirect=True)


def forward(page) -> None:
    """Press Continue on the step that is shown."""
    page.locator(visible(shown(page), "[data-go=next]")).click()


def to_longest(page) -> None:
    """Choose every kind and code, so that every group of questions is open."""
    for box in page.locator("[data-input=kinds]").all():
        box.check()
    for box in page.locator("[data-input=codes]:visible").all():
        box.check()


SEEN = [
    ("en", "light"),
    ("es", "dark"),
    pytest.param("en", "dark", marks=pytest.mark.long),
    pytest.param("es", "light", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("lang", "scheme"), SEEN)
def test_nothing_found_on_the_longest_path(office, page, lang, scheme):
    """Each step as it is shown, with its mistakes where it can have some, to the receipt checked right and wrong."""
    page.emulate_media(color_scheme=scheme)
    page.goto(office.url)
    page.evaluate(AXE)
    if lang != "en":
        page.locator(f"[data-speak][lang={lang}]").click()
    found = violations_before(page)
    to_longest(page)
    found += violations_of_the_questions(page)
    found += violations_of_the_end(page)
    assert found == []


def violations_before(page) -> list[str]:
    """Go from the first step to the kinds; return what is found on the way, in everything aside, and in mistakes."""
    found = violations(page, "before")
    forward(page)
    found += violations(page, "before, with a mistake")
    for aside in page.locator("[data-step=before] [data-open]").all():
        aside.click()
        found += violations(page, "aside " + str(page.locator("[data-aside]:visible").get_attribute("data-aside")))
        for day in ("wrong", "2026-10") if page.locator("#deadline-day").is_visible() else ():
            page.locator("#deadline-day").fill(day)
            page.locator("[data-count-days]").click()
            found += violations(page, f"aside deadline, {day}")
        page.locator("[data-aside]:visible [data-close]").click()
    page.check("#device-yes")
    forward(page)
    found += violations(page, "work device")
    page.locator("[data-aside=stop] [data-close]").click()
    page.check("#device-no")
    forward(page)
    forward(page)
    return [*found, *violations(page, "kinds, with a mistake")]


def violations_of_the_questions(page) -> list[str]:
    """Go on to the check; return what is found in each step, and in the mistakes that some can have."""
    found: list[str] = []
    seen: list[str] = []
    while shown(page) != "check" and len(seen) <= MOST_STEPS:
        seen.append(shown(page))
        found += violations(page, seen[-1])
        if seen[-1] == "last_ten":
            for name, number in {"n": "10", "pos": "3", "neg": "6"}.items():
                page.select_option(f"#last_ten_{name}", number)
            forward(page)
            found += violations(page, "last_ten, with a mistake")
            page.select_option("#last_ten_neg", "7")
        if seen[-1] == "text":
            page.locator("#text").fill("x" * 20_000)
            forward(page)
            found += violations(page, "text, too long")
            page.locator("#text").fill(RISKY)
        if seen[-1] == "consent":
            found += violations_of_a_draft(page)
        forward(page)
    assert len(seen) + 3 <= MOST_STEPS
    return found


def violations_of_the_end(page) -> list[str]:
    """Seal, not sent and then sent, and check the words of the receipt; return what is found."""
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    found = violations(page, "check")
    page.route("**/envelopes", lambda route: route.fulfill(status=500, body="no"))
    page.locator("[data-seal]").click()
    page.wait_for_selector("[data-outcome] p")
    found += violations(page, "check, not sent")
    page.unroute("**/envelopes")
    page.locator("[data-seal]").click()
    words = await_receipt(page)
    found += violations(page, "receipt")
    page.locator("[data-check-words]").click()
    found += violations(page, "receipt, not yet right")
    for field in page.locator("[data-check] input").all():
        field.fill(words[int(str(field.get_attribute("id")).removeprefix("word-")) - 1])
    page.locator("[data-check-words]").click()
    return [*found, *violations(page, "receipt, checked")]


def violations_of_a_draft(page) -> list[str]:
    """Save a draft and come back; return what is found in it, before and after."""
    page.locator(visible("consent", "[data-open=save]")).click()
    found = violations(page, "save")
    with page.expect_download():
        page.locator("[data-lock]").click()
    page.wait_for_selector("[data-state=save] p")
    found += violations(page, "saved")
    page.locator("[data-aside=save] [data-close]").click()
    return found


def test_axe_finds_what_is_wrong(office, page):
    """The search can fail: a label that is taken away is found."""
    page.goto(office.url)
    page.evaluate(AXE)
    page.evaluate("document.querySelector('label[for=device-no]').remove()")
    assert any(": label:" in one for one in violations(page, "broken"))
