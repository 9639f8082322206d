# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sealing by round trip through the other implementation, exact sizes, and parsers that never stumble."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from officer import b64
from vectorfiles import FOLDER

from crypto.envelope import LETTER_BYTES, PART_BYTES, check_envelope, envelope_bytes, seal
from crypto.errors import CryptoError, Malformed, NotForUs
from crypto.header import parse_header, write_header
from crypto.primitives import random_bytes
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_envelope

IDENTITIES = [HybridIdentity.generate() for _ in range(6)]
BASE = (FOLDER / "base-letter.age").read_bytes()


@pytest.mark.parametrize("size", [LETTER_BYTES, PART_BYTES])
@pytest.mark.parametrize("slots", [1, 3, 6])
def test_each_recipient_opens_alone(slots, size):
    """Any one identity opens what was sealed to all, and a stranger does not."""
    plaintext = random_bytes(size)
    sealed = seal(plaintext, [identity.recipient for identity in IDENTITIES[:slots]])
    assert envelope_bytes(size, slots) == len(sealed)
    for identity in IDENTITIES[:slots]:
        assert plaintext == open_envelope(sealed, [identity], slots)
    with pytest.raises(NotForUs):
        open_envelope(sealed, [HybridIdentity.generate()], slots)


def test_letter_is_21157_bytes():
    """The size that DESIGN and FORMAT promise for three slots."""
    assert envelope_bytes(LETTER_BYTES, 3) == 21_157
    assert envelope_bytes(PART_BYTES, 3) == 266_965


@pytest.mark.parametrize("size", [LETTER_BYTES, PART_BYTES])
def test_page_seals_python_opens(size, officer):
    """What the page's code seals, Python opens."""
    plaintext = random_bytes(size)
    recipients = [identity.recipient.text for identity in IDENTITIES[:3]]
    answer = officer.ask(do="seal_bytes", plaintext=b64(plaintext), recipients=recipients)
    assert plaintext == open_envelope(base64.b64decode(answer["envelope"]), IDENTITIES[2:3], 3)


@pytest.mark.parametrize("size", [LETTER_BYTES, PART_BYTES])
def test_python_seals_page_opens(size, officer):
    """What Python seals, the page's code opens."""
    plaintext = random_bytes(size)
    sealed = seal(plaintext, [identity.recipient for identity in IDENTITIES[:3]])
    answer = officer.ask(do="open", envelope=b64(sealed), identity=IDENTITIES[1].text, slots=3)
    assert b64(plaintext) == answer["plaintext"]


def test_age_library_agrees(officer):
    """The page's age library, without our parser, opens it as well."""
    sealed = seal(bytes(LETTER_BYTES), [IDENTITIES[0].recipient])
    answer = officer.ask(do="age", file=b64(sealed), identities=[IDENTITIES[0].text], passphrases=[])
    assert b64(bytes(LETTER_BYTES)) == answer["plaintext"]


@pytest.mark.parametrize("size", [0, 1, LETTER_BYTES - 1, LETTER_BYTES + 1, PART_BYTES + 1])
def test_other_lengths_never_sealed(size):
    """There are two lengths of plaintext and no third."""
    with pytest.raises(ValueError, match="exactly"):
        seal(bytes(size), [IDENTITIES[0].recipient])


def test_two_seals_share_nothing():
    """The same words sealed twice have not 16 bytes of payload in common."""
    recipients = [identity.recipient for identity in IDENTITIES[:3]]
    start = len(BASE) - (LETTER_BYTES + 32)
    a, b = (seal(bytes(LETTER_BYTES), recipients)[start:] for _ in range(2))
    assert not {a[i : i + 16] for i in range(len(a) - 15)} & {b[i : i + 16] for i in range(len(b) - 15)}


@given(st.binary(max_size=400))
def test_header_parser_never_stumbles(data):
    """Any bytes are parsed or refused with Malformed."""
    for start in (b"", b"age-encryption.org/v1\n", b"age-encryption.org/v1\n-> "):
        try:
            header = parse_header(start + data)
        except Malformed:
            continue
        assert (start + data).startswith(header.signed)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4_800), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutants_get_equal_verdicts(officer, edits):
    """A changed header is judged alike by Python and by the page's code, and never opens."""
    data = bytearray(BASE)
    for at, byte in edits:
        data[at] = byte
    try:
        check_envelope(bytes(data), 3)
        fault = None
    except CryptoError as error:
        fault = error.fault
    assert fault == officer.ask(do="check", envelope=b64(bytes(data)), slots=3).get("fault")


def test_header_writes_back():
    """Parsing and writing a header are inverse."""
    header = parse_header(BASE)
    assert header.signed == write_header(header.stanzas)
    assert BASE.startswith(header.signed)
