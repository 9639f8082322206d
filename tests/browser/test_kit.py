# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit: fetched from the portal, opened from a disk without a network, its file handed in and opened at the desk."""

import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from accessibility import AXE, violations
from pagedriver import Wire, await_receipt, go_on, press, seal, shown, start, tab_to, visible, write_report
from simulator import today

SPANISH = json.loads(resources.files("intake").joinpath("words/es.json").read_text(encoding="utf-8"))
ONE_ENGINE = pytest.mark.parametrize("browser", ["jit"], indirect=True)


@pytest.fixture
def kit(office, page) -> str:
    """The address of the kit as it was signed; the network is cut."""
    page.context.set_offline(True)
    address: str = office.kit.as_uri()
    return address


def confirm(page) -> None:
    """Say that the date which stands there is today's."""
    press(page, visible("check", "[data-use-date]"))


def said(page, state: str) -> str:
    """Return what the page says of a state."""
    text: str = page.locator(f"[data-state={state}]").inner_text()
    return text


def opened(office, letter: Path, text: str) -> bool:
    """Return whether the desk opens a file with this text."""
    office.desk("receive", "--file", str(letter))
    return text in [office.report(report["id"])["text"] for report in office.reports()]


@pytest.mark.parametrize("browser", ["jit", pytest.param("jitless", marks=pytest.mark.long)], indirect=True)
def test_kit_seals_without_network(office, page, kit, tmp_path):
    """Its file opens at the desk; the kit asks for nothing, and says that nothing is delivered yet."""
    wire, complaints = Wire(page), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    write_report(page, kit, "sealed in the kit", paste=True)
    seal(page)
    assert page.evaluate("() => document.activeElement.id") == "today"
    assert page.locator("[data-outcome]").inner_text().startswith("Nothing is sealed yet.")
    confirm(page)
    assert page.locator("[data-outcome]").inner_text() == ""
    with page.expect_download() as saved:
        seal(page)
        assert len(await_receipt(page)) == 13
    assert saved.value.suggested_filename == "letter.age"
    assert page.locator("#receipt-title").inner_text() == "Not delivered yet"
    assert "Hand it in by 2" in page.locator("[data-hand-in-by]").inner_text()
    assert [request.url for request in wire.requests] == [kit]
    assert complaints == []
    with page.expect_download() as again:
        press(page, "[data-save-sealed]")
    saved.value.save_as(tmp_path / "letter.age")
    assert (tmp_path / "letter.age").read_bytes() == Path(again.value.path()).read_bytes()
    assert opened(office, tmp_path / "letter.age", "sealed in the kit")


@ONE_ENGINE
def test_kit_is_saved_from_the_page(office, page, tmp_path):
    """The first screen's link gives the file as the root has signed it, and the page stays."""
    page.goto(office.url)
    with page.expect_download() as saved:
        press(page, visible("before", "a[download]"))
    assert saved.value.suggested_filename == "kit.html"
    assert Path(saved.value.path()).read_bytes() == office.kit.read_bytes()
    assert shown(page) == "before"


@ONE_ENGINE
def test_kit_says_what_is_true_of_it(page, kit):
    """It sends nothing, and has no link that needs the portal; the page says no such thing."""
    page.goto(kit)
    page.wait_for_selector(visible("before", "[data-go=next]"))
    text = page.locator("[data-step=before]").inner_text()
    assert "It sends nothing." in text
    assert "Seal and send" not in text
    assert "Your network can see" not in text
    assert page.locator("a[download]:visible, [data-open=hand_in]:visible").count() == 0


@ONE_ENGINE
def test_date_is_set_right(office, page, kit, tmp_path):
    """A device that is a year behind: the kit has no key for its day, takes the right one, and its letter opens."""
    page.clock.install(time=datetime.now(UTC) - timedelta(days=365))
    write_report(page, kit, "sealed on an old clock", paste=True)
    confirm(page)
    assert "This file has no keys for" in said(page, "date")
    seal(page)
    page.wait_for_selector("[data-outcome] p")
    assert shown(page) == "check"
    page.locator("#today").fill(today())
    confirm(page)
    with page.expect_download() as saved:
        seal(page)
        await_receipt(page)
    saved.value.save_as(tmp_path / "letter.age")
    assert opened(office, tmp_path / "letter.age", "sealed on an old clock")


@ONE_ENGINE
def test_clock_that_moves_is_asked_about(page, kit):
    """A device two weeks ahead is put right, and then its clock is: the kit asks anew, and seals to no past week."""
    now = datetime.now(UTC)
    page.clock.install(time=now + timedelta(days=28))
    write_report(page, kit, "sealed on a moving clock", paste=True)
    page.locator("#today").fill(str((now + timedelta(days=14)).date()))
    confirm(page)
    page.clock.set_system_time(now + timedelta(days=14))
    seal(page)
    assert (shown(page), page.input_value("#today")) == ("check", str((now + timedelta(days=14)).date()))
    assert "This device says" in said(page, "date")
    confirm(page)
    with page.expect_download():
        seal(page)
        await_receipt(page)
    sunday = now.date() + timedelta(days=14 + 6 - now.weekday())
    assert f"Hand it in by {sunday + timedelta(days=7)}" in page.locator("[data-hand-in-by]").inner_text()


@ONE_ENGINE
def test_forged_list_seals_nothing(office, page, tmp_path):
    """One recipient exchanged in the file: it says that its keys are not to be trusted, and seals to nobody."""
    forged = tmp_path / "kit.html"
    text = office.kit.read_text("utf-8")
    first = text.index("recipient age1pq1") + len("recipient age1pq1")
    forged.write_text(text[:first] + ("p" if text[first] == "q" else "q") + text[first + 1 :], "utf-8")
    write_report(page, forged.as_uri(), "sealed to nobody", paste=True)
    confirm(page)
    untrusted = said(page, "keys")
    seal(page)
    page.wait_for_selector("[data-outcome] p")
    assert "not signed by this office" in untrusted
    assert shown(page) == "check"


@ONE_ENGINE
def test_kit_in_spanish(page, kit):
    """Where it differs from the page, it says so in the language that was chosen, and axe finds nothing."""
    page.goto(kit)
    page.evaluate(AXE)
    page.locator("[data-speak][lang=es]").click()
    assert SPANISH["kit.text"] in page.locator("[data-step=before]").inner_text()
    found = violations(page, "before")
    start(page)
    page.check("#kinds-REV")
    go_on(page, "check")
    assert page.locator("[data-seal]").inner_text() == SPANISH["say.kit.seal"]
    found += violations(page, "check, asked for the date")
    confirm(page)
    with page.expect_download():
        seal(page)
        await_receipt(page)
    assert page.locator("#receipt-title").inner_text() == SPANISH["say.kit.receipt"]
    assert page.locator("[data-save-sealed]").inner_text() == SPANISH["kit.save"]
    assert found + violations(page, "receipt") == []


@ONE_ENGINE
def test_draft_of_the_page_is_opened_in_the_kit(office, page, tmp_path):
    """A draft saved at the portal's page goes on where there is no network."""
    page.goto(office.url)
    start(page)
    page.check("#kinds-REV")
    go_on(page, "text")
    tab_to(page, "#text")
    page.keyboard.insert_text("begun in the page")
    press(page, visible("text", "[data-open=save]"))
    words = " ".join(page.locator("[data-draft-words] li").all_inner_texts())
    with page.expect_download() as saved:
        press(page, "[data-aside=save] [data-lock]")
    saved.value.save_as(tmp_path / "draft.age")
    page.context.set_offline(True)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(office.kit.as_uri())
    press(page, visible("before", "[data-open=open]"))
    page.set_input_files("#draft-file", tmp_path / "draft.age")
    page.fill("#draft-typed", words)
    press(page, "[data-aside=open] [data-unlock]")
    page.wait_for_selector("[data-opened] p")
    start(page)
    go_on(page, "text")
    assert page.input_value("#text") == "begun in the page"
