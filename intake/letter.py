# SPDX-License-Identifier: AGPL-3.0-or-later
"""The letter: what an officer sends, as JSON filled up to 16,384 bytes, read strictly (FORMAT.md 6)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto.envelope import LETTER_BYTES
from crypto.errors import Malformed
from crypto.recipient import Recipient
from intake.questionnaire import Questionnaire
from intake.strictjson import JsonRefused, read_json

KIND = "report"
Answer = str | tuple[str, ...]

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LANG = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?", re.ASCII)
_NAMES = {"v", "kind", "id", "questionnaire", "lang", "answers", "text", "consent", "attachments", "return"}

_SENTENCES = {
    "letter-encoding": "it is not UTF-8 text of 16,384 bytes",
    "letter-json": "it is not one strict JSON object followed by spaces",
    "letter-version": "it was written by a newer page: it needs a newer desk, and is kept",
    "letter-fields": "its fields are not those of a letter",
    "letter-questionnaire": "it answers a questionnaire that this office does not use",
    "letter-answers": "an answer or a consent is not one of those offered",
}


class LetterRefused(Exception):
    """A plaintext that is not a letter we read. `fault` is a fault word; the text repeats nothing of the plaintext."""

    def __init__(self, fault: str) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Return:
    """Where replies go: public halves of what the receipt stands for."""

    tag_key: str
    recipient: Recipient
    thread_key: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One report. `answers` and `consent` hold values of the questionnaire and nothing else; `text` is as typed."""

    id: str
    questionnaire_id: str
    questionnaire_version: str
    lang: str
    answers: dict[str, Answer]
    text: str
    consent: dict[str, bool | str]
    return_: Return


def write_letter(letter: Letter) -> bytes:
    """Return the plaintext of a letter, LETTER_BYTES long. Raises ValueError when it does not fit."""
    value = {
        "v": 1,
        "kind": KIND,
        "id": letter.id,
        "questionnaire": {"id": letter.questionnaire_id, "version": letter.questionnaire_version},
        "lang": letter.lang,
        "answers": {name: list(a) if isinstance(a, tuple) else a for name, a in letter.answers.items()},
        "text": letter.text,
        "consent": letter.consent,
        "attachments": [],
        "return": {
            "tag_key": letter.return_.tag_key,
            "recipient": letter.return_.recipient.text,
            "thread_key": letter.return_.thread_key,
        },
    }
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    if len(data) > LETTER_BYTES:
        raise ValueError("the letter does not fit into 16,384 bytes")
    return data.ljust(LETTER_BYTES, b" ")


def read_letter(plaintext: bytes, questionnaires: Sequence[Questionnaire], regions: Sequence[str]) -> Letter:
    """Return the letter, every value checked.

    questionnaires  those that this office uses
    regions         the office's region ids
    Raises LetterRefused with the first fault of FORMAT.md 6.
    """
    value = _parse(plaintext)
    if not isinstance(value, dict):
        raise LetterRefused("letter-json")
    if value.get("v") != 1 or type(value["v"]) is not int or value.get("kind") != KIND:
        raise LetterRefused("letter-version")
    letter = _typed(value)
    asked = (letter.questionnaire_id, letter.questionnaire_version)
    questionnaire = next((q for q in questionnaires if (q.id, q.version) == asked), None)
    if questionnaire is None:
        raise LetterRefused("letter-questionnaire")
    fits = questionnaire.fits(value["answers"], regions) and _consent_fits(letter.consent, questionnaire)
    if not fits or len(letter.text.encode("utf-8")) > questionnaire.text_max_bytes:
        raise LetterRefused("letter-answers")
    return letter


def _parse(plaintext: bytes) -> Any:
    if len(plaintext) != LETTER_BYTES:
        raise LetterRefused("letter-encoding")
    body = plaintext.rstrip(b" ")
    try:
        value = read_json(body, max_bytes=LETTER_BYTES)
    except JsonRefused as error:
        raise LetterRefused("letter-encoding" if error.encoding else "letter-json") from error
    if not body.startswith(b"{") or not body.endswith(b"}"):
        raise LetterRefused("letter-json")
    return value


def _typed(value: dict[str, Any]) -> Letter:
    """Return the letter when names and types are exactly those of the format."""
    fault = LetterRefused("letter-fields")
    try:
        asked, back = value["questionnaire"], value["return"]
        well_formed = (
            value.keys() == _NAMES
            and asked.keys() == {"id", "version"}
            and back.keys() == {"tag_key", "recipient", "thread_key"}
            and all(isinstance(text, str) for text in (asked["id"], asked["version"], value["text"]))
            and all(isinstance(value[name], dict) for name in ("answers", "consent"))
            and value["attachments"] == []
            and _ID.fullmatch(value["id"])
            and _LANG.fullmatch(value["lang"])
            and _KEY.fullmatch(back["tag_key"])
            and _KEY.fullmatch(back["thread_key"])
        )
        if not well_formed:
            raise fault
        recipient = Recipient.parse(back["recipient"])
    except (KeyError, TypeError, AttributeError, Malformed) as error:
        raise fault from error
    return Letter(
        id=value["id"],
        questionnaire_id=asked["id"],
        questionnaire_version=asked["version"],
        lang=value["lang"],
        answers={name: tuple(a) if isinstance(a, list) else a for name, a in value["answers"].items()},
        text=value["text"],
        consent=value["consent"],
        return_=Return(back["tag_key"], recipient, back["thread_key"]),
    )


def _consent_fits(consent: dict[str, Any], questionnaire: Questionnaire) -> bool:
    switches = {switch.id: switch for switch in questionnaire.switches}
    modifiers = {field.id: field for field in questionnaire.modifiers}
    if consent.keys() != {*switches, *modifiers, "text_version"}:
        return False
    if consent["text_version"] != questionnaire.consent_text_version:  # what was agreed to, in these words
        return False
    return all(
        isinstance(consent[name], bool) and (not switch.fixed or consent[name] == switch.default)
        for name, switch in switches.items()
    ) and all(field.accepts(consent[name], ()) for name, field in modifiers.items())
