# SPDX-License-Identifier: AGPL-3.0-or-later
"""Letters: written to one length, read strictly, each defect named."""

import base64
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from officer import b64

from crypto.secret.receipt import Receipt
from intake.letter import Letter, LetterRefused, Return, read_letter, write_letter
from intake.questionnaire import load_questionnaire

ASKED = load_questionnaire("asylum-officer")
REGIONS = ("west", "east")
RECEIPT = Receipt(bytes(16))
CONSENT = {
    "text_version": "1",
    **{switch.id: switch.default for switch in ASKED.switches},
    **{field.id: field.default for field in ASKED.modifiers},
}
LETTER = Letter(
    id="0123456789abcdef" * 2,
    questionnaire_id=ASKED.id,
    questionnaire_version=ASKED.version,
    lang="en",
    answers={"kinds": ("REV", "DEC"), "event_month": "2031-04", "region": "west", "role_band": "officer"},
    text="They said \u201cno\u201d, twice.\nÑandú 🦤 \u202eevil\u202c \x1b[31m e\u0301",
    consent=CONSENT,
    return_=Return(RECEIPT.tag_key.hex(), RECEIPT.identity.recipient, RECEIPT.thread.public.raw.hex()),
)
PLAINTEXT = write_letter(LETTER)
VALUE = json.loads(PLAINTEXT)


def padded(data: bytes) -> bytes:
    return data.ljust(16_384, b" ")


def dumped(value: object) -> bytes:
    return padded(json.dumps(value).encode())


def fault_of(plaintext: bytes) -> str:
    with pytest.raises(LetterRefused) as refusal:
        read_letter(plaintext, [ASKED], REGIONS)
    return refusal.value.fault


def test_letter_reads_back():
    """Every character survives, the odd ones too."""
    assert LETTER == read_letter(PLAINTEXT, [ASKED], REGIONS)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3_000))
def test_any_text_keeps_one_length(text):
    """Whatever is written, the plaintext has 16,384 bytes and reads back letter for letter."""
    letter = Letter(**{**_fields(LETTER), "text": text})
    plaintext = write_letter(letter)
    assert len(plaintext) == 16_384
    if "\0" not in text:
        assert text == read_letter(plaintext, [ASKED], REGIONS).text


def _fields(letter: Letter) -> dict:
    return {name: getattr(letter, name) for name in Letter.__slots__}


def test_too_much_never_written():
    """A letter that does not fit is not cut."""
    with pytest.raises(ValueError, match="does not fit"):
        write_letter(Letter(**{**_fields(LETTER), "text": "x" * 15_000}))


def test_page_letter_is_read(officer):
    """What the page writes, the desk reads: answers, consent and words."""
    letter = {"answers": {"kinds": ["REV"]}, "text": "Ñ 🦤\t\n", "consent": CONSENT, "lang": "en"}
    answer = officer.ask(
        do="letter", letter=letter, questionnaire="asylum-officer", regions=list(REGIONS), words=" ".join(RECEIPT.words)
    )
    read = read_letter(base64.b64decode(answer["plaintext"]), [ASKED], REGIONS)
    assert read.text == "Ñ 🦤\t\n"
    assert read.consent == CONSENT
    assert read.return_ == LETTER.return_


DEEP = b'{"v":1,"kind":"report","x":' + b"[" * 8 + b"]" * 8 + b"}"
RAW_DEFECTS = {
    "empty": (b"", "letter-encoding"),
    "short": (PLAINTEXT[:-1], "letter-encoding"),
    "long": (PLAINTEXT + b" ", "letter-encoding"),
    "not utf-8": (PLAINTEXT[:-1] + b"\xff", "letter-encoding"),
    "zeros for spaces": (PLAINTEXT.rstrip(b" ").ljust(16_384, b"\0"), "letter-encoding"),
    "byte order mark": (padded(b"\xef\xbb\xbf" + PLAINTEXT.rstrip(b" ")), "letter-encoding"),
    "utf-16": (padded("{}".encode("utf-16")), "letter-encoding"),
    "only spaces": (padded(b""), "letter-json"),
    "plain words": (padded(b"My supervisor told me"), "letter-json"),
    "space in front": (padded(b" " + PLAINTEXT.rstrip(b" ")), "letter-json"),
    "line end after": (padded(PLAINTEXT.rstrip(b" ") + b"\n"), "letter-json"),
    "list": (padded(b"[1]"), "letter-json"),
    "text": (padded(b'"words"'), "letter-json"),
    "two objects": (padded(b"{}{}"), "letter-json"),
    "cut object": (padded(PLAINTEXT.rstrip(b" ")[:-1]), "letter-json"),
    "repeated name": (padded(b'{"v":1,"v":1}'), "letter-json"),
    "repeated name inside": (padded(b'{"v":1,"answers":{"a":"b","a":"c"}}'), "letter-json"),
    "NaN": (padded(b'{"v":NaN}'), "letter-json"),
    "Infinity": (padded(b'{"v":-Infinity}'), "letter-json"),
    "fraction": (padded(b'{"v":1.0}'), "letter-json"),
    "exponent": (padded(b'{"v":1e3}'), "letter-json"),
    "long integer": (padded(b'{"v":' + b"9" * 5_000 + b"}"), "letter-json"),
    "deep": (padded(DEEP), "letter-json"),
    "very deep": (padded(b"[" * 16_000), "letter-json"),
    "deep objects": (padded(b'{"a":' * 3_000), "letter-json"),
    "brackets in an open string": (padded(b'{"a":"' + b"[" * 9_000), "letter-json"),
    "many open strings": (padded(b'"\\' * 8_000), "letter-json"),
    "lone surrogate": (padded(b'{"v":1,"text":"\\ud800"}'), "letter-json"),
    "lone surrogate name": (padded(b'{"v":1,"\\udfff":1}'), "letter-json"),
    "comment": (padded(b'{"v":1}//'), "letter-json"),
    "single quotes": (padded(b"{'v':1}"), "letter-json"),
    "control in text": (padded(b'{"v":1,"text":"\x1b"}'), "letter-json"),
}


@pytest.mark.parametrize("name", RAW_DEFECTS)
def test_raw_defect_named(name):
    """Bytes that are not strict JSON are refused, quickly, with the right word."""
    plaintext, expected = RAW_DEFECTS[name]
    started = time.monotonic()
    assert expected == fault_of(plaintext)
    assert time.monotonic() - started < 0.5


def without(name: str) -> dict:
    return {key: value for key, value in VALUE.items() if key != name}


FIELD_DEFECTS = {
    "version 2": ({**VALUE, "v": 2}, "letter-version"),
    "version as text": ({**VALUE, "v": "1"}, "letter-version"),
    "version true": ({**VALUE, "v": True}, "letter-version"),
    "no version": (without("v"), "letter-version"),
    "unknown kind": ({**VALUE, "kind": "letter"}, "letter-version"),
    "follow-up": ({**VALUE, "kind": "follow_up"}, "letter-version"),
    "kind as list": ({**VALUE, "kind": ["report"]}, "letter-version"),
    "unknown name": ({**VALUE, "colour": "blue"}, "letter-fields"),
    "path as name": ({**VALUE, "../../etc/passwd": ""}, "letter-fields"),
    "id in capitals": ({**VALUE, "id": VALUE["id"].upper()}, "letter-fields"),
    "id short": ({**VALUE, "id": "abc"}, "letter-fields"),
    "id with line end": ({**VALUE, "id": VALUE["id"] + "\n"}, "letter-fields"),
    "id number": ({**VALUE, "id": 7}, "letter-fields"),
    "lang long": ({**VALUE, "lang": "english language"}, "letter-fields"),
    "lang with escape": ({**VALUE, "lang": "en\x1b[2J"}, "letter-fields"),
    "text list": ({**VALUE, "text": ["a"]}, "letter-fields"),
    "text null": ({**VALUE, "text": None}, "letter-fields"),
    "answers list": ({**VALUE, "answers": []}, "letter-fields"),
    "consent null": ({**VALUE, "consent": None}, "letter-fields"),
    "attachments": ({**VALUE, "attachments": [{"name": "a.pdf"}]}, "letter-fields"),
    "attachments null": ({**VALUE, "attachments": None}, "letter-fields"),
    "return null": ({**VALUE, "return": None}, "letter-fields"),
    "return short": ({**VALUE, "return": {"tag_key": "00"}}, "letter-fields"),
    "return more": ({**VALUE, "return": {**VALUE["return"], "mail": "a@b"}}, "letter-fields"),
    "tag key short": ({**VALUE, "return": {**VALUE["return"], "tag_key": "00"}}, "letter-fields"),
    "reply to a classic key": ({**VALUE, "return": {**VALUE["return"], "recipient": "age1xx"}}, "letter-fields"),
    "reply to a plugin": ({**VALUE, "return": {**VALUE["return"], "recipient": "age1yubikey1q"}}, "letter-fields"),
    "questionnaire text": ({**VALUE, "questionnaire": "asylum-officer"}, "letter-fields"),
    "other questionnaire": ({**VALUE, "questionnaire": {"id": "nurses", "version": "1"}}, "letter-questionnaire"),
    "other version": ({**VALUE, "questionnaire": {"id": ASKED.id, "version": "99"}}, "letter-questionnaire"),
    "unknown field": ({**VALUE, "answers": {**VALUE["answers"], "name": "Jo"}}, "letter-answers"),
    "unknown option": ({**VALUE, "answers": {**VALUE["answers"], "role_band": "king"}}, "letter-answers"),
    "other region": ({**VALUE, "answers": {**VALUE["answers"], "region": "moon"}}, "letter-answers"),
    "no kinds": ({**VALUE, "answers": {"region": "west"}}, "letter-answers"),
    "empty kinds": ({**VALUE, "answers": {"kinds": []}}, "letter-answers"),
    "kind twice": ({**VALUE, "answers": {"kinds": ["REV", "REV"]}}, "letter-answers"),
    "kind as text": ({**VALUE, "answers": {"kinds": "REV"}}, "letter-answers"),
    "kind nested": ({**VALUE, "answers": {"kinds": [["REV"]]}}, "letter-answers"),
    "month 13": ({**VALUE, "answers": {"kinds": ["REV"], "event_month": "2031-13"}}, "letter-answers"),
    "month with day": ({**VALUE, "answers": {"kinds": ["REV"], "event_month": "2031-04-02"}}, "letter-answers"),
    "answer number": ({**VALUE, "answers": {"kinds": ["REV"], "region": 3}}, "letter-answers"),
    "answer object": ({**VALUE, "answers": {"kinds": ["REV"], "region": {}}}, "letter-answers"),
    "consent missing": ({**VALUE, "consent": {"record": True}}, "letter-answers"),
    "consent unknown": ({**VALUE, "consent": {**CONSENT, "sell": True}}, "letter-answers"),
    "consent as text": ({**VALUE, "consent": {**CONSENT, "press": "yes"}}, "letter-answers"),
    "record refused": ({**VALUE, "consent": {**CONSENT, "record": False}}, "letter-answers"),
    "quote unknown": ({**VALUE, "consent": {**CONSENT, "quote": "all"}}, "letter-answers"),
    "other consent text": ({**VALUE, "consent": {**CONSENT, "text_version": "2"}}, "letter-answers"),
    "consent text version number": ({**VALUE, "consent": {**CONSENT, "text_version": 1}}, "letter-answers"),
}


@pytest.mark.parametrize("name", FIELD_DEFECTS)
def test_field_defect_named(name):
    """A field too many, too few or of another kind is refused with the right word."""
    value, expected = FIELD_DEFECTS[name]
    assert expected == fault_of(dumped(value))


@settings(max_examples=400, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_judged(value):
    """Any JSON in any place is read or refused, never a stumble."""
    for name in VALUE:
        try:
            read_letter(dumped({**VALUE, name: value})[:16_384], [ASKED], REGIONS)
        except LetterRefused as refusal:
            assert refusal.fault.startswith("letter-")


def test_refusal_repeats_nothing():
    """The sentence of a refusal holds nothing of the letter."""
    with pytest.raises(LetterRefused) as refusal:
        read_letter(dumped({**VALUE, "lang": "CANARY"}), [ASKED], REGIONS)
    assert "CANARY" not in str(refusal.value)


def test_stock_json_reads_it():
    """A letter is plain JSON text: any reader opens it."""
    assert json.loads(PLAINTEXT)["text"] == LETTER.text
    assert b64(PLAINTEXT)


def answering(**answers) -> bytes:
    return dumped({**VALUE, "answers": {"kinds": ["REV"], **answers}})


def tally(**numbers) -> dict[str, str]:
    return {f"last_ten_{name}": str(number) for name, number in numbers.items()}


GOOD_ANSWERS = {
    "codes": {"codes": ["REV.ASYM", "REV.OVER"]},
    "no codes": {"codes": []},
    "last ten": tally(n=8, pos=2, neg=6, pos_reviewed=2, pos_changed=1),
    "part of the last ten": tally(n=8, pos=2, neg="no_answer"),
    "opened by the kind": {"decision_drafted": "positive", "instruction_form": "email"},
    "several reasons": {"decision_reason_kind": ["standard", "form"]},
}
BAD_ANSWERS = {
    "code of another kind": {"codes": ["TRN.NONE"]},
    "unknown code": {"codes": ["REV.NEVER"]},
    "codes as text": {"codes": "REV.OVER"},
    "closed group": {"training_when": "never"},
    "closed by a code": {"codes": ["REV.OVER"], "last_ten_n": "3"},
    "too many": tally(n=11),
    "leading zero": tally(n="03"),
    "other digits": tally(n="\u0663"),
    "negative": tally(n=-1),
    "number as number": {"last_ten_n": 3},
    "does not add up": tally(n=10, pos=2, neg=6),
    "more changed than reviewed": tally(pos=5, pos_reviewed=1, pos_changed=2),
    "more reviewed than there are": tally(neg=1, neg_reviewed=2),
    "more changed than there are": tally(neg=1, neg_changed=2),
    "more than counted": tally(n=1, neg=2),
}


@pytest.mark.parametrize("name", GOOD_ANSWERS)
def test_answers_read(name, officer):
    """The desk reads what the page may write."""
    assert read_letter(answering(**GOOD_ANSWERS[name]), [ASKED], REGIONS).answers["kinds"] == ("REV",)
    assert "plaintext" in officer.ask(**_page_letter(GOOD_ANSWERS[name]))


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_answers_refused(name, officer):
    """Page and desk refuse the same answers: closed groups, codes without their kind, numbers that contradict."""
    assert fault_of(answering(**BAD_ANSWERS[name])) == "letter-answers"
    assert officer.ask(**_page_letter(BAD_ANSWERS[name]))["fault"] == "letter-answers"


def _page_letter(answers: dict) -> dict:
    letter = {"answers": {"kinds": ["REV"], **answers}, "text": "", "consent": CONSENT, "lang": "en"}
    return {"do": "letter", "letter": letter, "questionnaire": ASKED.id, "regions": list(REGIONS)}


def test_another_union_is_only_data(officer):
    """A letter of another questionnaire, with kinds and numbers of its own, is written by the page and read here."""
    general = load_questionnaire("general-grievance")
    answers = {"kinds": ["WRK", "LAB"], "codes": ["LAB.PAY"], **{"work_last_ten_overrun": "7", "setting": "field"}}
    letter = {"answers": answers, "text": "", "consent": CONSENT, "lang": "en"}
    ask = {"do": "letter", "letter": letter, "questionnaire": general.id, "regions": list(REGIONS)}
    read = read_letter(base64.b64decode(officer.ask(**ask)["plaintext"]), [ASKED, general], REGIONS)
    assert read.questionnaire_id == general.id
    assert read.answers["codes"] == ("LAB.PAY",)
    letter["answers"] = answers | {"work_last_ten_unpaid": "8"}
    assert officer.ask(**ask)["fault"] == "letter-answers"
