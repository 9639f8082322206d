# SPDX-License-Identifier: AGPL-3.0-or-later
"""A report typed by keyboard into the real page arrives at the real desk, and nothing else ever leaves the page."""

import re

import pytest
from pagedriver import Wire, await_receipt, go_on, press, seal, shown, start, visible, write_report

MARKER = "xyzzyMARKERplugh"
WORDS = (
    f"They told me: \u201csign it\u201d, {MARKER}.\n"
    "Second line, with tab-less spaces   and <b>markup</b> & 'quotes'.\n"
    "Ñandú ¿qué? 文字 🦤 e\u0301 العربية"
)


def test_typed_report_arrives(office, page):
    """Letter for letter, by keyboard alone; and no request of the visit holds a word of it."""
    wire = Wire(page)
    write_report(page, office.url, WORDS)
    assert wire.posts() == []
    seal(page)
    words = await_receipt(page)
    assert len(words) == 13
    assert [request.url.removeprefix(office.url) for request in wire.posts()] == ["/envelopes"]
    assert len(wire.posts()[0].post_data_buffer) == 21_157
    assert not wire.holds(MARKER)
    office.carry()
    texts = [office.report(report["id"])["text"] for report in office.reports()]
    assert WORDS in texts
    assert office.shelf() == set()


def test_first_visit_is_small(office, page, measured):
    """Six requests, and fewer bytes than the budget, the keys among them."""
    sizes, answers = [], []
    page.on("response", lambda response: sizes.append((response.url, response.request)))
    page.on("response", lambda response: answers.append(response))
    page.goto(office.url)
    page.wait_for_selector(visible("before", "[data-go=next]"))
    page.wait_for_load_state("networkidle")
    bytes_seen = {url.removeprefix(office.url): request.sizes()["responseBodySize"] for url, request in sizes}
    measured(f"first visit: {len(sizes)} requests, {sum(bytes_seen.values())} bytes over the wire: {bytes_seen}")
    codings = {response.header_value("content-encoding") for response in answers}
    assert len(sizes) == 6
    assert sum(bytes_seen.values()) < (85_500 if "br" in codings else 98_000)  # as brotli, as gzip


RISKY = "Her A-number is A-123456789. \U0001f9a4 She will be removed tomorrow."


def test_risky_words_are_shown_not_changed(office, page):
    """What could harm is explained, urgent things first, and marked in its place; it may be sent all the same."""
    write_report(page, office.url, RISKY, paste=True)
    rules = page.locator("[data-warnings-list] > li").evaluate_all("items => items.map(item => item.dataset.rule)")
    assert rules[0] == "removal"
    assert "a_number" in rules
    assert "A-123456789" in page.locator("[data-summary] mark").all_inner_texts()
    assert page.locator("[data-summary] .facts__text").inner_text() == RISKY
    seal(page)
    assert len(await_receipt(page)) == 13
    assert "123456789" not in page.content()


def test_harmless_words_warn_of_nothing(office, page):
    """Ordinary words are met with silence."""
    write_report(page, office.url, "Two decisions were sent back without reasons.", paste=True)
    assert page.locator("[data-warnings]").is_hidden()
    assert page.locator("mark").count() == 0


def test_codes_stand_under_their_kind(office, page):
    """The check shows each kind with its codes, and all that follows; nothing of a kind that was taken back."""
    page.goto(office.url)
    start(page)
    for kind in ("REV", "TRN"):
        page.check(f"#kinds-{kind}")
        page.locator(f"[data-codes-of={kind}] input").first.check()
    page.uncheck("#kinds-TRN")
    go_on(page, "check")
    kinds = page.locator("[data-summary] dd").first.locator("p").all_inner_texts()
    assert kinds == [
        page.locator("[for=kinds-REV]").text_content(),
        page.locator("[data-codes-of=REV] label").first.text_content(),
    ]
    assert page.locator("[data-summary] dt").last.inner_text() == page.locator("[for=not_before]").text_content()


def test_path_follows_what_is_chosen(office, page):
    """The last ten come first; numbers that contradict stop there, and one's first choice can still be changed."""
    page.goto(office.url)
    start(page)
    page.check("#kinds-REV")
    assert go_on(page, "last_ten") == ["kinds", "context", "last_ten"]
    for name, number in {"n": "10", "pos": "3", "neg": "6"}.items():
        page.select_option(f"#last_ten_{name}", number)
    press(page, visible("last_ten", "[data-go=next]"))
    assert page.locator("[data-errors-list] a").count() == 1
    assert shown(page) == "last_ten"
    page.select_option("#last_ten_neg", "7")
    assert go_on(page, "text") == ["last_ten", "decision", "instruction", "text"]


def test_no_cookie_no_storage(office, page):
    """After a sent report the browser holds nothing of the visit."""
    write_report(page, office.url, f"words {MARKER}", paste=True)
    seal(page)
    await_receipt(page)
    assert page.context.cookies() == []
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0
    assert page.title() and MARKER not in page.title()
    assert page.url == office.url + "/"


def test_nothing_breaks_the_policy(office, page):
    """The page runs under its own strict policy without one complaint."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    write_report(page, office.url, "short words", paste=True)
    seal(page)
    await_receipt(page)
    unknown = "Unrecognized feature: 'web-share'"  # a name in Permissions-Policy that this engine does not have
    assert [complaint for complaint in complaints if unknown not in complaint] == []


@pytest.mark.parametrize("missing", ["subtle", "WebAssembly", "Worker"])
def test_older_engines_seal_too(office, page, missing):
    """Without WebCrypto, WebAssembly or workers the report arrives all the same."""
    script = {
        "subtle": "Object.defineProperty(crypto, 'subtle', { value: undefined })",
        "WebAssembly": "delete globalThis.WebAssembly",
        "Worker": "delete globalThis.Worker",
    }[missing]
    page.add_init_script(script)
    write_report(page, office.url, f"without {missing}", paste=True)
    seal(page)
    assert len(await_receipt(page)) == 13


def test_root_on_the_page_is_the_cards(office, page):
    """The fingerprint that the page shows is the one on the union's card."""
    page.goto(office.url)
    card = (office.folders.office / "public" / "card.txt").read_text("utf-8")
    digits = re.search(r"SHA256: (.*)", card)[1].replace(" ", "")
    shown = page.locator("[data-fingerprint]").inner_text()
    assert digits in re.sub(r"\s", "", shown)


def test_receipt_words_checked(office, page):
    """Two words are asked for from paper; a wrong one is named, the right ones are accepted, and nothing warns then."""
    write_report(page, office.url, "short words", paste=True)
    seal(page)
    words = await_receipt(page)
    inputs = page.locator("[data-check] input")
    assert inputs.count() == 2
    for number in range(2):
        inputs.nth(number).fill("zebra")
    page.locator("[data-check-words]").click()
    page.wait_for_selector("[data-checked] p")
    first = page.locator("[data-checked]").inner_text()
    page.locator("[data-step=receipt] [data-leave]").click()
    assert page.locator("[data-state=leaving] p").is_visible()
    labels = [page.locator("[data-check] label").nth(n).inner_text() for n in range(2)]
    for number, label in enumerate(labels):
        inputs.nth(number).fill(words[int(re.search(r"\d+", label)[0]) - 1])
    page.locator("[data-check-words]").click()
    assert first and page.locator("[data-checked]").inner_text() not in ("", first)
    assert page.locator("[data-state=leaving] p").count() == 0
