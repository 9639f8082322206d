# SPDX-License-Identifier: AGPL-3.0-or-later
"""A draft saved to a file comes back whole after the tab was killed; nothing of it is kept in the page or sent."""

import json
from importlib import resources

import pytest
from anybrowser import begin
from pagedriver import Wire, await_receipt, go_on, press, seal, shown, start, tab_to, visible

from crypto.envelope import LETTER_BYTES
from crypto.envelope import seal as seal_to
from crypto.primitives import hkdf
from crypto.secret.identity import HybridIdentity

from .conftest import as_any

pytestmark = pytest.mark.parametrize("browser", ["jit", pytest.param("jitless", marks=pytest.mark.long)], indirect=True)

MARKER = "xyzzyDRAFTplugh"
TEXT = f"They told me: \u201csign it\u201d, {MARKER}.\n  Ñandú 文字 🦤 <b>e\u0301</b>"
SPANISH = json.loads(resources.files("intake").joinpath("words/es.json").read_text(encoding="utf-8"))
ENGLISH = json.loads(resources.files("intake").joinpath("words/en.json").read_text(encoding="utf-8"))
ANOTHER_CODE = "abandon math mimic master filter design carbon crystal rookie group knife young inmate"  # FORMAT.md 11
OPENED = [ENGLISH["say.draft.opened"], ENGLISH["say.draft.device"]]  # in a page that has just been loaded
OPEN, SAVE = "[data-aside=open]:not([hidden])", "[data-aside=save]:not([hidden])"


def fill(page, url: str) -> None:
    """Answer something of every sort, and stop at the text step."""
    page.goto(url)
    start(page)
    page.check("#kinds-REV")
    page.locator("[data-codes-of=REV] input").first.check()
    go_on(page, "context")
    page.select_option("#event_month", index=3)
    page.select_option("#role_band", "officer")
    go_on(page, "text")
    tab_to(page, "#text")
    page.keyboard.insert_text(TEXT)
    go_on(page, "consent")
    page.check("#switch-aggregate")
    page.check("#quote-paraphrase")
    page.select_option("#not_before", index=2)


def filled(page) -> list[object]:
    """Return everything that is chosen and written on the path of the form."""
    state: list[object] = page.evaluate(
        """() => [...document.querySelectorAll("[data-step]:not([data-step=before]) :is(input, select, textarea)")]
        .map(one => [one.id, one.type === "checkbox" || one.type === "radio" ? one.checked : one.value])"""
    )
    return state


def save(page, path) -> str:
    """Save a draft from the step that is shown; return its words."""
    press(page, visible(shown(page), "[data-open=save]"))
    words = page.locator("[data-draft-words] li").all_inner_texts()
    assert len(words) == 13
    with page.expect_download() as download:
        press(page, f"{SAVE} [data-lock]")
    assert download.value.suggested_filename == "draft.age"
    download.value.save_as(path)
    return " ".join(words)


def open_draft(page, path, words: str) -> None:
    """Choose a file, type words, and press the button."""
    if page.locator(OPEN).count() == 0:
        press(page, visible("before", "[data-open=open]"))
    page.set_input_files("#draft-file", path)
    page.fill("#draft-typed", words)
    press(page, f"{OPEN} [data-unlock]")


def test_draft_comes_back_and_arrives(office, page, tmp_path):
    """Answers, text and consent are there again after the tab was killed, and the report arrives from there."""
    fill(page, office.url)
    before = filled(page)
    wire = Wire(page)
    words = save(page, tmp_path / "draft.age")
    assert (tmp_path / "draft.age").stat().st_size == 18_043
    again = page.context.new_page()
    page.close()
    again.goto(office.url)
    again.wait_for_load_state("networkidle")
    wires = [wire, Wire(again)]
    open_draft(again, tmp_path / "draft.age", words)
    again.wait_for_selector("[data-opened] p")
    assert [request.url for one in wires for request in one.requests if not request.url.startswith("blob:")] == []
    assert again.locator("[data-opened] p").all_inner_texts() == OPENED
    assert filled(again) == before
    start(again)
    assert shown(again) == "kinds"
    assert again.locator("[data-opened] p").count() == 0
    go_on(again, "check")
    again.wait_for_selector(visible("check", "[data-seal]:not([disabled])"))
    seal(again)
    await_receipt(again)
    assert not any(one.holds(MARKER) or one.holds(words.split()[0] + " ") for one in wires)
    assert len(wires[1].posts()) == 1
    office.carry()
    assert TEXT in [office.report(report["id"])["text"] for report in office.reports()]


def test_saves_share_a_code_until_closed(office, page, tmp_path):
    """A second press saves under the same words; a new save has new ones, and the old are gone from the page."""
    fill(page, office.url)
    words = save(page, tmp_path / "one")
    with page.expect_download() as download:
        press(page, f"{SAVE} [data-lock]")
    download.value.save_as(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()
    press(page, f"{SAVE} [data-close]")
    assert shown(page) == "consent"
    assert page.locator("[data-draft-words] li").count() == 0
    assert save(page, tmp_path / "three") != words
    page.reload()
    open_draft(page, tmp_path / "two", words)
    page.wait_for_selector("[data-opened] p")


@pytest.fixture
def saved(office, page, tmp_path):
    """Save a draft, load the page anew, and return the words; the file is `draft.age` of the test's folder."""
    fill(page, office.url)
    words = save(page, tmp_path / "draft.age")
    page.reload()
    page.wait_for_selector(visible("before", "[data-go=next]"))
    return words


def test_bad_draft_is_explained(office, officer, page, tmp_path, saved):
    """Wrong words, a receipt's words, another file and an altered one are each told, and the form stays as it was."""
    good, untouched = (tmp_path / "draft.age").read_bytes(), filled(page)
    (tmp_path / "other").write_bytes(b"not a draft")
    (tmp_path / "long").write_bytes(good + bytes(100_000))
    (tmp_path / "altered").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    for name, words, fault, field in [
        ("draft.age", saved.rpartition(" ")[0], "draft-code", "#draft-typed"),
        ("draft.age", "", "draft-code", "#draft-typed"),
        ("draft.age", ANOTHER_CODE, "no-match", "#draft-typed"),
        ("draft.age", " ".join(officer.ask(do="receipt")["words"]), "draft-receipt", "#draft-typed"),
        ("other", saved, "not-a-draft", "#draft-file"),
        ("long", saved, "not-a-draft", "#draft-file"),
        ("altered", saved, "altered", "#draft-file"),
    ]:
        open_draft(page, tmp_path / name, words)
        page.wait_for_selector(f"{field}[aria-invalid=true]")
        error = page.locator("[data-aside=open] [data-error]:visible").all_inner_texts()
        assert error == [ENGLISH[f"say.draft.fault.{fault}"]], (name, fault)
        assert page.evaluate("document.activeElement.id") == field[1:]
        assert filled(page) == untouched


def newer_draft() -> bytes:
    """Return a draft of version 2, as a later page would lock it under ANOTHER_CODE."""
    identity = HybridIdentity(hkdf(bytes(17 * i for i in range(16)), "underseal/v1/draft-identity", 32))
    return seal_to(json.dumps({"v": 2, "kind": "draft"}).encode("ascii").ljust(LETTER_BYTES), [identity.recipient])


def test_draft_of_another_page_is_explained(office, officer, page, tmp_path):
    """A newer page's draft and another form's are each told in one sentence, and the form stays as it was."""
    other, words_of_other = officer.locked_draft(TEXT, form="general-grievance", lang="es")
    (tmp_path / "newer").write_bytes(newer_draft())
    (tmp_path / "other").write_bytes(other)
    page.goto(office.url)
    page.wait_for_selector(visible("before", "[data-go=next]"))
    untouched = filled(page)
    for name, words, fault in [
        ("newer", ANOTHER_CODE, "draft-version"),
        ("other", words_of_other, "other-form"),
    ]:
        open_draft(page, tmp_path / name, words)
        sentence = page.locator("#draft-file-error", has_text=ENGLISH[f"say.draft.fault.{fault}"])
        sentence.wait_for()
        assert page.locator("[data-aside=open] [data-error]:visible").count() == 1
        assert page.evaluate("document.activeElement.id") == "draft-file"
        assert page.evaluate("document.documentElement.lang") == "en"
        assert filled(page) == untouched


def click_on(page, to: str) -> None:
    """Continue by mouse until a step is shown."""
    while shown(page) != to:
        page.locator(visible(shown(page), "[data-go=next]")).click()


def test_text_too_long_for_a_letter_comes_back(office, page, tmp_path):
    """A draft holds more than a letter: the text is whole again, and its step says that it is too long to go on."""
    long = "a draft " * 1_600
    begin(as_any(page), office.url, "en")
    page.check("#kinds-OTH")
    click_on(page, "text")
    page.fill("#text", long)
    words = save(page, tmp_path / "draft.age")
    page.reload()
    open_draft(page, tmp_path / "draft.age", words)
    page.wait_for_selector("[data-opened] p")
    assert page.locator("[data-opened] p").all_inner_texts() == OPENED
    page.check("#device-no")
    click_on(page, "text")
    page.locator(visible("text", "[data-go=next]")).click()
    assert page.locator("[data-errors-list] a").all_inner_texts() == [ENGLISH["field.text.error"]]
    assert shown(page) == "text"
    assert page.input_value("#text") == long


def test_opening_asks_before_it_replaces(office, page, tmp_path, saved):
    """What is on screen is replaced only by a second press, and then wholly."""
    start(page)
    page.check("#kinds-STD")
    press(page, visible("kinds", "[data-go=back]"))
    open_draft(page, tmp_path / "draft.age", saved)
    page.wait_for_selector("[data-state=open] p")
    assert page.locator("[data-state=open]").inner_text() == ENGLISH["say.draft.replace"]
    assert page.is_checked("#kinds-STD")
    press(page, f"{OPEN} [data-unlock]")
    page.wait_for_selector(visible("kinds", "[data-input]"))
    assert (page.is_checked("#kinds-REV"), page.is_checked("#kinds-STD")) == (True, False)
    assert page.input_value("#text") == TEXT


def test_what_is_no_longer_offered_is_told(office, page, tmp_path, saved):
    """An option that the page no longer has is skipped, and the officer is told."""
    page.evaluate("document.querySelector('#role_band option[value=officer]').remove()")
    open_draft(page, tmp_path / "draft.age", saved)
    page.wait_for_selector("[data-opened] p")
    first, device = OPENED
    assert page.locator("[data-opened] p").all_inner_texts() == [first, ENGLISH["say.draft.missed"], device]
    assert page.input_value("#role_band") == "no_answer"
    assert page.input_value("#text") == TEXT


def test_leaving_wipes_the_draft(office, page, tmp_path, saved):
    """Going back and leaving both empty the words that were typed or shown and the file that was chosen."""
    for button in ("[data-aside=open] [data-close]", "[data-leave]"):
        press(page, visible("before", "[data-open=open]"))
        page.set_input_files("#draft-file", tmp_path / "draft.age")
        page.fill("#draft-typed", saved)
        assert pressed_and_left(page, button) == [True, "", "", ""]


def test_leaving_wipes_the_words_shown(office, page, tmp_path):
    """Leaving from the list of the words takes them out of the page."""
    fill(page, office.url)
    press(page, visible("consent", "[data-open=save]"))
    assert page.locator("[data-draft-words] li").count() == 13
    assert pressed_and_left(page, "[data-leave]")[1:] == ["", "", ""]


def pressed_and_left(page, button: str) -> list[object]:
    """Press a button; return whether file and words were there, and what is left of file, typed and shown words."""
    left: list[object] = page.evaluate(
        """button => {
        const main = document.querySelector("main");
        const values = () => ["#draft-file", "#draft-typed"].map(one => main.querySelector(one).value);
        const before = values();
        document.querySelector(button).click();
        return [before.every(Boolean), ...values(), main.querySelector("[data-draft-words]").textContent]; }""",
        button,
    )
    return left


def test_spanish_draft_speaks_spanish(office, page, tmp_path):
    """A draft that was saved in Spanish opens in Spanish, whatever the page speaks, and its faults are in Spanish."""
    page.goto(office.url)
    press(page, "[data-speak][lang=es]")
    start(page)
    page.check("#kinds-REV")
    go_on(page, "text")
    words = save(page, tmp_path / "draft.age")
    assert page.locator("[data-state=save]").inner_text() == SPANISH["say.draft.saved"]
    page.reload()
    open_draft(page, tmp_path / "draft.age", words)
    page.wait_for_selector("[data-opened] p")
    assert page.evaluate("document.documentElement.lang") == "es"
    assert page.locator("[data-opened] p").all_inner_texts() == [
        SPANISH["say.draft.opened"],
        SPANISH["say.draft.device"],
    ]
    assert page.is_checked("#kinds-REV")
    open_draft(page, tmp_path / "draft.age", "abandon")
    press(page, f"{OPEN} [data-unlock]")
    page.wait_for_selector("#draft-typed[aria-invalid=true]")
    assert page.locator("#draft-typed-error").inner_text() == SPANISH["say.draft.fault.draft-code"]
