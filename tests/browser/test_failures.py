# SPDX-License-Identifier: AGPL-3.0-or-later
"""When something fails, no word leaves the page and no word is lost."""

import json
from importlib import resources
from pathlib import PurePosixPath

import pytest
from anybrowser import YEAR_OFF
from pagedriver import Wire, await_receipt, press, seal, tab_to, visible, write_report
from playwright.sync_api import Error
from simulator import today

MARKER = "xyzzyMARKERplugh"
TEXT = f"Words that must stay, {MARKER}."


def kept(page) -> str:
    return page.locator("[data-text]").input_value()


def outcome(page) -> str:
    page.wait_for_selector("[data-outcome] *")
    return page.locator("[data-outcome]").inner_text()


def everything_pressed(page) -> None:
    """Type the marker wherever it can be typed, and press whatever can be pressed, shown or not."""
    for number in range(page.locator("textarea, input, select").count()):
        field = page.locator("textarea, input, select").nth(number)
        if field.is_visible() and field.is_enabled() and field.evaluate("f => f.matches('textarea, [type=text]')"):
            field.fill(MARKER)
            field.press("Enter")
    page.evaluate(
        """marker => {
            for (const field of document.querySelectorAll("textarea, input[type=text]")) field.value = marker;
            for (const button of document.querySelectorAll("button")) { button.disabled = false; button.click(); }
            for (const form of document.forms) form.submit();
        }""",
        MARKER,
    )
    page.wait_for_timeout(300)


SCRIPTS = {
    "blocked": lambda route: route.abort(),
    "empty": lambda route: route.fulfill(body="", content_type="text/javascript"),
    "broken": lambda route: route.fulfill(body="this is not {{ script", content_type="text/javascript"),
    "altered": lambda route: route.fulfill(body="fetch('/' + document.body.innerText)", content_type="text/javascript"),
    "html": lambda route: route.fulfill(body="<h1>Log in to Wi-Fi</h1>", content_type="text/html"),
}


@pytest.mark.parametrize("how", SCRIPTS)
def test_without_its_script_nothing_is_sent(office, page, how):
    """A page whose script is blocked, broken or altered can send nothing, whatever is pressed."""
    wire = Wire(page)
    page.route("**/*.js", SCRIPTS[how])
    page.goto(office.url)
    everything_pressed(page)
    assert wire.posts() == []
    assert not wire.holds(MARKER)
    assert page.locator("[data-seal]").evaluate("b => b.closest('form') === null")


@pytest.mark.parametrize("browser", ["jit"], indirect=True)
def test_scripts_off_is_told(office, browser):
    """Where scripts are off the page says so in both languages, and offers nothing to choose, to type or to press."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    wire = Wire(page)
    page.goto(office.url, wait_until="networkidle")
    notice = page.locator("[data-starting]")
    assert notice.bounding_box()["y"] < 740
    assert notice.locator("p").all_inner_texts() == [
        words[key] for words in (words_of("en"), words_of("es")) for key in ("starting", "starting.text")
    ]
    assert page.locator(":is(button, input, select, textarea, summary):visible").count() == 0
    assert {link.get_attribute("href") for link in page.locator("a").all()} == {"#main", "/kit.html"}
    assert {PurePosixPath(request.url.removeprefix(office.url)).suffix for request in wire.requests} <= {
        "",
        ".css",
        ".svg",
    }
    assert {request.method for request in wire.requests} == {"GET"}
    context.close()


def words_of(lang: str) -> dict[str, str]:
    """Return the words of the page in a language."""
    words: dict[str, str] = json.loads(resources.files("intake").joinpath(f"words/{lang}.json").read_text("utf-8"))
    return words


def test_delayed_script_sends_nothing_early(office, page):
    """Until the script has come and the self-test has passed, pressing things does nothing; after, all is well."""
    wire = Wire(page)
    held = []
    page.route("**/*.js", lambda route: held.append(route))
    page.goto(office.url, wait_until="commit")
    page.wait_for_selector("body")
    page.wait_for_timeout(500)
    assert page.locator("[data-seal]").is_disabled()
    everything_pressed(page)
    assert wire.posts() == []
    assert not wire.holds(MARKER)
    held[0].continue_()
    page.unroute("**/*.js")
    write_report(page, office.url, TEXT, paste=True)


@pytest.mark.broken_script
def test_self_test_failure_stops_it(office, page):
    """On a device whose randomness is broken the seal button never works."""
    page.add_init_script("crypto.getRandomValues = () => { throw new Error('no entropy'); }")
    wire = Wire(page)
    page.goto(office.url)
    page.wait_for_timeout(1_500)
    assert page.locator("[data-seal]").is_disabled()
    everything_pressed(page)
    assert wire.posts() == []


ANSWERS = {
    "500": {"status": 500, "body": "Something went wrong here. Nothing was stored.\n"},
    "503": {"status": 503, "body": "The shelf is full.\n"},
    "413": {"status": 413, "body": "That is too long.\n"},
    "captive portal": {"status": 200, "body": "<h1>Log in</h1>", "content_type": "text/html"},
    "captive redirect": {"status": 302, "headers": {"Location": "/login"}},
    "wrong digest": {"status": 201, "body": "0" * 64 + "\n"},
    "empty 201": {"status": 201, "body": ""},
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_refused_send_keeps_words(office, page, answer):
    """Whatever comes back, no receipt is shown, every word stays, and the next press can succeed."""
    write_report(page, office.url, TEXT, paste=True)
    page.route("**/envelopes", lambda route: route.fulfill(**ANSWERS[answer]))
    seal(page)
    said = outcome(page)
    assert said
    assert kept(page) == TEXT
    assert page.locator("[data-step=receipt]").is_hidden()
    page.unroute("**/envelopes")
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    assert len(await_receipt(page)) == 13


def test_lost_answer_stores_one(office, page):
    """When the portal kept the letter and its answer was lost, the retry sends the same bytes: one letter."""
    before = office.shelf()
    bodies = []

    def deliver_and_cut(route):
        route.fetch()
        bodies.append(route.request.post_data_buffer)
        route.abort("connectionreset")

    write_report(page, office.url, TEXT, paste=True)
    page.route("**/envelopes", deliver_and_cut)
    seal(page)
    assert outcome(page)
    assert kept(page) == TEXT
    page.unroute("**/envelopes")
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    with page.expect_request("**/envelopes") as again:
        seal(page)
    await_receipt(page)
    assert bodies == [again.value.post_data_buffer]
    assert len(office.shelf() - before) == 1


def test_portal_killed_in_mid_send(office, page):
    """The portal dies with the request in its hands: the words stay, it comes back, the retry stores one."""
    before = office.shelf()
    write_report(page, office.url, TEXT, paste=True)
    office.pause()
    try:
        page.keyboard.press("Tab")
        page.locator("[data-seal]").press("Enter")
        page.wait_for_timeout(700)
    finally:
        office.kill()
    assert outcome(page)
    assert kept(page) == TEXT
    assert page.locator("[data-step=receipt]").is_hidden()
    office.start()
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    assert len(await_receipt(page)) == 13
    assert len(office.shelf() - before) == 1


KEY_FAULTS = {
    "another root's list": lambda text: text.replace("office ", "office X"),
    "a recipient changed": lambda text: text[:-60] + ("p" if text[-60] == "q" else "q") + text[-59:],
    "html": lambda text: "<h1>Log in</h1>",
    "empty": lambda text: "",
}


@pytest.mark.parametrize("fault", KEY_FAULTS)
def test_forged_keys_seal_nothing(office, page, fault):
    """A key list that the built-in root did not sign is never sealed to."""
    wire = Wire(page)

    def forge(route):
        body = route.fetch().text()
        route.fulfill(body=KEY_FAULTS[fault](body), content_type="text/plain")

    page.route("**/keys.txt", forge)
    write_report(page, office.url, TEXT, paste=True)
    seal(page)
    assert outcome(page)
    assert wire.posts() == []
    assert kept(page) == TEXT


def test_keys_missing_seal_nothing(office, page):
    """Without a key list the words stay; when it comes back they are sent."""
    page.route("**/keys.txt*", lambda route: route.abort())
    wire = Wire(page)
    write_report(page, office.url, TEXT, paste=True)
    seal(page)
    assert outcome(page)
    assert wire.posts() == []
    page.unroute("**/keys.txt*")
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    assert len(await_receipt(page)) == 13


def test_leaving_clears_the_page(office, page):
    """Leave replaces the page; going back shows no word."""
    write_report(page, office.url, TEXT, paste=True)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("[data-leave]:visible").first.click()
    page.wait_for_timeout(500)
    assert MARKER not in page.content()
    try:
        page.go_back(timeout=5_000)
    except Error:
        return
    assert MARKER not in page.content()
    assert all(MARKER not in value for value in page.locator("textarea").evaluate_all("fs => fs.map(f => f.value)"))


def test_uncertain_stays_uncertain(office, page):
    """A refusal of the retry does not turn "we do not know" into "nothing was kept": the first may be on the shelf."""

    def deliver_and_cut(route):
        route.fetch()
        route.abort("connectionreset")

    write_report(page, office.url, TEXT, paste=True)
    page.route("**/envelopes", deliver_and_cut)
    seal(page)
    first = outcome(page).split("\n")[0]
    page.unroute("**/envelopes")
    page.route("**/envelopes", lambda route: route.fulfill(status=429, body="Slow down.\n"))
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(page)
    page.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    assert outcome(page).split("\n")[0] == first


@pytest.mark.parametrize("status", [200, 400, 422, 500, 503])
def test_portal_has_no_voice_in_the_page(office, page, status):
    """Nothing that the portal writes is shown: it could ask for anything, in a page whose bytes are as signed."""
    plea = "Mail your words to us instead"
    write_report(page, office.url, TEXT, paste=True)
    page.route("**/envelopes", lambda route: route.fulfill(status=status, body=plea, content_type="text/plain"))
    seal(page)
    assert outcome(page)
    assert plea not in page.locator("body").inner_text()


def test_translation_and_prediction_are_off(office, page):
    """No browser feature is invited to send the words elsewhere."""
    write_report(page, office.url, TEXT, paste=True)
    assert page.evaluate("() => document.querySelector('[data-summary] dd, [data-summary] *').translate") is False
    assert page.locator("[data-text]").evaluate("f => [f.spellcheck, f.autocomplete, f.writingSuggestions]") == [
        False,
        "off",
        "false",
    ]


@pytest.mark.parametrize("browser", ["jit", pytest.param("jitless", marks=pytest.mark.long)], indirect=True)
@pytest.mark.parametrize("days", [-366, pytest.param(366, marks=pytest.mark.long)])
def test_clock_a_year_off(office, page, days):
    """The page shows the date it has, sends nothing, lets the date be corrected, and goes on."""
    before = office.shelf()
    page.add_init_script(YEAR_OFF % days)
    wire = Wire(page)
    write_report(page, office.url, TEXT, paste=True)
    page.wait_for_selector(visible("check", "[data-date]:not([hidden])"))
    wrong = page.evaluate("new Date().toISOString().slice(0, 10)")
    assert wrong[:4] != today()[:4]
    assert wrong in page.locator("[data-state=date]").inner_text()
    seal(page)
    assert outcome(page)
    assert wire.posts() == []
    tab_to(page, "[data-today]")
    page.keyboard.press("Control+A")
    page.keyboard.type(today())
    press(page, "[data-use-date]")
    page.wait_for_selector("[data-date]", state="hidden")
    seal(page)
    assert len(await_receipt(page)) == 13
    assert len(office.shelf() - before) == 1
