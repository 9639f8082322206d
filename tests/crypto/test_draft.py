# SPDX-License-Identifier: AGPL-3.0-or-later
"""The locked draft (FORMAT.md 11): what the page locks opens by the format alone, and by nobody else."""

import base64
import json
from pathlib import Path

import pytest
from mnemonic import Mnemonic

from crypto.errors import Malformed, NotForUs
from crypto.primitives import hkdf
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_envelope
from crypto.secret.receipt import Receipt

KNOWN_FILE = (Path(__file__).parent.parent / "vectors" / "page-draft.age").read_bytes()
KNOWN_CODE = bytes(17 * i for i in range(16))
KNOWN_WORDS = "abandon math mimic master filter design carbon crystal rookie group knife young inmate"
DRAFT = {
    "questionnaire": {"id": "asylum-officer", "version": "1"},
    "lang": "en",
    "answers": {"kinds": ["REV"], "event_month": "2026-05"},
    "text": "Half a thought \U0001f642\n",
    "consent": {"record": True, "quote": "none"},
}


def words_of(code: bytes) -> str:
    english = Mnemonic("english")
    check = int.from_bytes(hkdf(code, "underseal/v1/draft-check", 2), "big") >> 5
    return f"{english.to_mnemonic(code)} {english.wordlist[check]}"


def open_draft(file: bytes, words: str) -> dict[str, object]:
    code = bytes(Mnemonic("english").to_entropy(words.split()[:12]))
    identity = HybridIdentity(hkdf(code, "underseal/v1/draft-identity", 32))
    plaintext = open_envelope(file, [identity], 1)
    assert 16384 == len(plaintext)
    return dict(json.loads(plaintext))


def test_known_code():
    """The words and the identity of a known code never change."""
    assert KNOWN_WORDS == words_of(KNOWN_CODE)
    assert "swamp" == words_of(bytes(16)).split()[12]
    assert "768ee6aea33a83d2" == hkdf(bytes(16), "underseal/v1/draft-identity", 32).hex()[:16]


def test_known_file():
    """A file locked when the format was written still opens."""
    draft = open_draft(KNOWN_FILE, KNOWN_WORDS)
    assert (1, "draft") == (draft["v"], draft["kind"])
    assert "Halfway through: \u00e9 \U0001f642\n" == draft["text"]


def test_page_draft_opens_by_the_format(officer):
    """What the page locks today opens with the labels of the format, and holds exactly its names."""
    answer = officer.ask(do="draft", draft=DRAFT)
    draft = open_draft(base64.b64decode(answer["file"]), " ".join(answer["words"]))
    assert {"v": 1, "kind": "draft", **DRAFT} == draft


def test_page_opens_its_own(officer):
    """The page gives the draft back, and nothing of a receipt with it."""
    answer = officer.ask(do="draft", draft=DRAFT)
    opened = officer.ask(do="draft", file=answer["file"], words=" ".join(answer["words"]))
    assert {"draft": DRAFT} == opened


def test_draft_words_are_no_receipt(officer):
    """A draft's words are refused as a receipt here too, and a receipt's as a draft's."""
    with pytest.raises(Malformed):
        Receipt.from_words(KNOWN_WORDS)
    file = base64.b64encode(KNOWN_FILE).decode("ascii")
    words = " ".join(Receipt.generate().words)
    assert "draft-receipt" == officer.ask(do="draft", file=file, words=words)["fault"]


def test_draft_is_no_letter():
    """A holder's key opens no draft."""
    with pytest.raises(NotForUs):
        open_envelope(KNOWN_FILE, [HybridIdentity.generate()], 1)
    with pytest.raises(Malformed):
        open_envelope(KNOWN_FILE, [HybridIdentity.generate()], 3)
