# SPDX-License-Identifier: AGPL-3.0-or-later
"""Envelopes one by one: each bad one is set aside by the name of its fault, and the good one beside it is filed."""

import json
import os
import time
from collections.abc import Callable

import pytest
from deskkit import CANARY, Desk, Office, filled, letter, letter_value

from crypto.envelope import LETTER_BYTES, PART_BYTES, seal
from crypto.secret.identity import HybridIdentity
from desk.faults import WORDS

STRANGERS = tuple(HybridIdentity.generate().recipient for _ in range(3))
NURSES, LATER = {"id": "nurses", "version": "1"}, {"id": "asylum-officer", "version": "9"}
DEEP = "[" * 5000 + "]" * 5000


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _replaced(office: Office, old: bytes, new: bytes) -> bytes:
    return office.envelope(letter(CANARY)).replace(old, new, 1)


def _letter_text(**changes: object) -> str:
    return json.dumps({**letter_value(CANARY), **changes})


def _with_other_mac(envelope: bytes) -> bytes:
    """Return the envelope with the first letter of its MAC exchanged for another of base64."""
    at = envelope.index(b"\n--- ") + 5
    return envelope[:at] + (b"B" if envelope[at : at + 1] == b"A" else b"A") + envelope[at + 1 :]


ENVELOPES: dict[str, tuple[Callable[[Office], bytes], str]] = {
    "random": (lambda o: b"\xff" * 21_157, "version"),
    "plaintext": (lambda o: letter(CANARY) + bytes(21_157 - LETTER_BYTES), "version"),
    "armored": (lambda o: b"-----BEGIN AGE ENCRYPTED FILE-----\n".ljust(21_157, b"A"), "version"),
    "two slots": (lambda o: seal(letter(CANARY), o.recipients[:2]), "size"),
    "strangers": (lambda o: seal(letter(CANARY), STRANGERS), "no-match"),
    "body flipped": (lambda o: _flip(o.envelope(letter(CANARY)), 21_000), "payload"),
    "first byte flipped": (lambda o: _flip(o.envelope(letter(CANARY)), 0), "version"),
    "mac flipped": (lambda o: _with_other_mac(o.envelope(letter(CANARY))), "header-mac"),
    "other type": (lambda o: _replaced(o, b"mlkem768x25519", b"mlkem768x25510"), "recipient-type"),
    "space too many": (lambda o: _replaced(o, b"-> ", b"->  ")[:-1], "stanza"),
}
TEXTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "part": (lambda: b" " * PART_BYTES, "letter-encoding"),
    "not utf-8": (lambda: b"\xff" * LETTER_BYTES, "letter-encoding"),
    "nul": (lambda: filled(_letter_text()[:-1] + "\0}"), "letter-encoding"),
    "mark": (lambda: filled("\ufeff" + _letter_text()), "letter-encoding"),
    "spaces only": (lambda: filled(""), "letter-json"),
    "list": (lambda: filled("[]"), "letter-json"),
    "two objects": (lambda: filled(_letter_text() + "{}"), "letter-json"),
    "name twice": (lambda: filled(_letter_text()[:-1] + ',"text":"other"}'), "letter-json"),
    "name twice inside": (lambda: filled(_letter_text().replace('"quote"', '"record": true, "quote"')), "letter-json"),
    "nan": (lambda: filled(_letter_text()[:-1] + ',"x":NaN}'), "letter-json"),
    "infinity": (lambda: filled(_letter_text().replace('"v": 1', '"v": -Infinity')), "letter-json"),
    "float": (lambda: filled(_letter_text().replace('"v": 1', '"v": 1.0')), "letter-json"),
    "5,000 digits": (lambda: filled(_letter_text().replace('"v": 1', '"v": ' + "1" * 5000)), "letter-json"),
    "deep": (lambda: filled(_letter_text().replace('"attachments": []', f'"attachments": {DEEP}')), "letter-json"),
    "lone surrogate": (lambda: filled(_letter_text().replace("herons", "\\ud800")), "letter-json"),
    "raw surrogate": (lambda: filled(_letter_text().replace("herons", "\ud800")), "letter-encoding"),
    "newer version": (lambda: filled(_letter_text(v=2)), "letter-version"),
    "version true": (lambda: filled(_letter_text(v=True)), "letter-version"),
    "follow-up": (lambda: filled(_letter_text(kind="follow_up")), "letter-version"),
    "unknown field": (lambda: filled(_letter_text(extra="x")), "letter-fields"),
    "field missing": (lambda: filled(_letter_text().replace('"lang": "en", ', "")), "letter-fields"),
    "text a list": (lambda: filled(_letter_text(text=["x"])), "letter-fields"),
    "id too short": (lambda: filled(_letter_text(id="ab")), "letter-fields"),
    "id a path": (lambda: filled(_letter_text(id="../../../../../../etc/passwd0000")), "letter-fields"),
    "attachment": (lambda: filled(_letter_text(attachments=[{"name": "x"}])), "letter-fields"),
    "other questionnaire": (lambda: filled(_letter_text(questionnaire=NURSES)), "letter-questionnaire"),
    "other questions": (lambda: filled(_letter_text(questionnaire=LATER)), "letter-questionnaire"),
    "kind unknown": (lambda: filled(_letter_text(answers={"kinds": ["XXX"]})), "letter-answers"),
    "kinds missing": (lambda: filled(_letter_text(answers={})), "letter-answers"),
    "region unknown": (lambda: filled(_letter_text(answers={"kinds": ["REV"], "region": "\x1b[1m"})), "letter-answers"),
    "answer nested": (lambda: filled(_letter_text(answers={"kinds": [["REV"]]})), "letter-answers"),
    "consent missing": (lambda: filled(_letter_text(consent={})), "letter-answers"),
}


def _set_aside(desk: Desk, envelope: bytes, fault: str) -> None:
    run = desk.receive(desk.office.bundle([envelope, desk.office.envelope(letter())]))
    assert 0 == run.code
    assert "desk: 1 opened, 0 already here, 1 set aside" in run.err.split("\n")
    assert ([fault], 1) == (desk.asides(), len(desk.ids()))
    assert WORDS[fault] in desk("set-aside").out
    assert CANARY not in run.err + desk("set-aside").out + desk("list", "--json").out
    assert 0 == desk("verify").code


@pytest.mark.parametrize("name", [name for name in ENVELOPES if name != "two slots"])
def test_bad_envelope_set_aside(desk: Desk, name: str) -> None:
    """What does not open is kept as it came, and named."""
    make, fault = ENVELOPES[name]
    _set_aside(desk, make(desk.office).ljust(21_157, b"\0"), fault)


def test_fewer_slots_set_aside(desk: Desk) -> None:
    """An envelope sealed to two of the three recipients is not of the size in use."""
    make, fault = ENVELOPES["two slots"]
    _set_aside(desk, make(desk.office), fault)


@pytest.mark.parametrize("name", TEXTS)
def test_bad_letter_set_aside(desk: Desk, name: str) -> None:
    """What opens and is no letter we read is kept, named, and nothing of it is shown."""
    make, fault = TEXTS[name]
    _set_aside(desk, desk.office.envelope(make()), fault)


def test_junk_sentence(desk: Desk) -> None:
    """What none of our keys opens is said in words."""
    desk.receive(desk.office.bundle([seal(letter(), STRANGERS)]))
    assert "opened by none of our keys: junk, or sealed to a week already destroyed" in desk("set-aside").out


def test_newer_letter_can_be_read_later(desk: Desk) -> None:
    """A newer page's letter is kept sealed to the custodian, and outlives the week's keys."""
    desk.receive(desk.office.bundle([desk.office.envelope(filled(_letter_text(v=2)))]))
    (name,) = [aside["envelope"] for aside in desk("set-aside", "--json").json]
    assert CANARY in desk("set-aside", name[:6], "--words").out


def test_unopened_has_no_words(desk: Desk) -> None:
    """What never opened has nothing to show."""
    desk.receive(desk.office.bundle([seal(letter(), STRANGERS)]))
    (name,) = [aside["envelope"] for aside in desk("set-aside", "--json").json]
    run = desk("set-aside", name, "--words")
    assert (1, "") == (run.code, run.out)
    assert f"desk: {name[:8]} was set aside unopened: there are no words to show\n" == run.err


def test_same_letter_in_two_envelopes_is_one_report(desk: Desk, office: Office) -> None:
    """A letter sealed again, as after a week's end, is filed once and acknowledged twice."""
    plaintext = letter()
    run = desk.receive(office.bundle([office.envelope(plaintext), office.envelope(plaintext)]))
    assert "desk: 1 opened, 1 already here, 0 set aside" in run.err.split("\n")
    assert 1 == len(desk.ids())


def test_same_id_other_words_set_aside(desk: Desk, office: Office) -> None:
    """A letter that takes another report's id never changes that report."""
    first = letter("the first", id="a" * 32)
    desk.receive(office.bundle([office.envelope(first)]))
    from deskkit import manifest_digest

    known = manifest_digest((desk.stick / "bundle").read_bytes())
    run = desk.receive(office.bundle([office.envelope(letter("another", id="a" * 32))], pull=2, previous=known))
    assert "desk: 0 opened, 0 already here, 1 set aside" in run.err.split("\n")
    assert ["letter-id"] == desk.asides()
    assert "  | the first" in desk("show", "aaaa", "--words").out.split("\n")


def test_error_of_ours_does_not_stop_the_batch(desk: Desk, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a letter that our own code fails on keeps no other letter waiting."""
    from desk import filing

    reader = filing.read_letter

    def failing(plaintext: bytes, *rest: object) -> object:
        if b"poison" in plaintext:
            raise ZeroDivisionError
        return reader(plaintext, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(filing, "read_letter", failing)
    _set_aside(desk, office.envelope(letter(CANARY + " poison")), "desk-error")
    (name,) = [aside["envelope"] for aside in desk("set-aside", "--json").json]
    assert CANARY in desk("set-aside", name, "--words").out


def test_poison_costs_little(desk: Desk) -> None:
    """One hostile letter among good ones is judged in well under a second."""
    make, _ = TEXTS["deep"]
    bundle = desk.office.bundle([desk.office.envelope(make()) for _ in range(5)])
    started = time.monotonic()
    desk.receive(bundle)
    assert time.monotonic() - started < 5


def test_words_come_back_letter_for_letter(desk: Desk, office: Office) -> None:
    """The text that is shown to a machine is the text that was sent."""
    text = "Ünïcode ‘quotes’\n\ttabs, \x1b[31mred\u202e and \U0001f9a9 " + os.urandom(8).hex()
    desk.receive(office.bundle([office.envelope(letter(text))]))
    assert text == desk("show", desk.ids()[0], "--words", "--json").json["text"]


def test_typed_text_version_is_not_kept(desk: Desk, office: Office) -> None:
    """No free text reaches the part of the vault that every reviewer sees."""
    value = letter_value()
    value["consent"]["text_version"] = CANARY
    desk.receive(office.bundle([office.envelope(filled(json.dumps(value)))]))
    assert CANARY not in desk("show", desk.ids()[0]).out if desk.ids() else ["letter-answers"] == desk.asides()
