# SPDX-License-Identifier: AGPL-3.0-or-later
"""Envelopes: age files of two exact lengths, sealed to hybrid recipients only (FORMAT.md 2)."""

from collections.abc import Callable, Iterator, Sequence

from crypto.base64text import decode_nopad, encode_nopad
from crypto.errors import Malformed
from crypto.header import Header, Stanza, parse_header, write_header
from crypto.primitives import ENCAPSULATED_BYTES, hkdf, hmac_sha256, random_bytes
from crypto.recipient import STANZA_TYPE, Recipient
from crypto.stream import payload_bytes, seal_chunks, seal_payload

LETTER_BYTES = 16_384  # FORMAT.md 2: the plaintext of a letter
PART_BYTES = 262_144  # FORMAT.md 2: the plaintext of a part of an attachment
MAX_SLOTS = 6
FILE_KEY_BYTES = 16
_HEADER_FIXED_BYTES, _STANZA_BYTES = 22 + 48, 1_557  # FORMAT.md 2.1


def envelope_bytes(plaintext_bytes: int, slots: int) -> int:
    """Return the length of an envelope with so many slots, in bytes."""
    return _HEADER_FIXED_BYTES + slots * _STANZA_BYTES + payload_bytes(plaintext_bytes)


def check_envelope(data: bytes, slots: int) -> Header:
    """Return the header of a well-formed envelope: the pre-parser of FORMAT.md 2.2.

    It needs no key and reads each byte of the header once. Raises Malformed with the fault that is met first.
    """
    sizes = (envelope_bytes(LETTER_BYTES, slots), envelope_bytes(PART_BYTES, slots))
    if len(data) not in sizes:
        raise Malformed("size", "the file is not of the length of a letter or a part")
    header = parse_header(data, check_stanza)
    if len(header.stanzas) != slots:
        raise Malformed("slots", "the file is not sealed to the number of recipients in use")
    if len(data) - header.length not in (payload_bytes(LETTER_BYTES), payload_bytes(PART_BYTES)):
        raise Malformed("size", "the contents are not of the length of a letter or a part")
    return header


def check_stanza(stanza: Stanza) -> None:
    """Refuse, with Malformed, what is not a well-formed hybrid stanza."""
    if stanza.type != STANZA_TYPE:
        raise Malformed("recipient-type", "the file is sealed to another kind of recipient")
    try:
        share = decode_nopad(*stanza.args)
    except (ValueError, TypeError) as error:
        raise Malformed("stanza", "a stanza's argument is not what its type asks for") from error
    if len(share) != ENCAPSULATED_BYTES or len(stanza.body) != 32:
        raise Malformed("stanza", "a stanza is not of the length its type asks for")


def seal(plaintext: bytes, recipients: Sequence[Recipient]) -> bytes:
    """Return one envelope that each recipient can open alone.

    plaintext   LETTER_BYTES or PART_BYTES long: the length of the envelope tells which, and nothing more
    recipients  1 to MAX_SLOTS, in the order in which their stanzas stand
    Raises ValueError for another length or number, Malformed for a recipient that is no key.
    """
    if len(plaintext) not in (LETTER_BYTES, PART_BYTES):
        raise ValueError("an envelope holds exactly a letter or a part")
    if not 1 <= len(recipients) <= MAX_SLOTS:
        raise ValueError("an envelope has 1 to 6 recipients")
    file_key = random_bytes(FILE_KEY_BYTES)
    stanzas = tuple(recipient.wrap(file_key) for recipient in recipients)
    return finish_file(file_key, stanzas, plaintext)


def finish_file(file_key: bytes, stanzas: tuple[Stanza, ...], plaintext: bytes) -> bytes:
    """Return the age file of these stanzas and this plaintext: header, MAC, payload (C2SP age.md)."""
    return whole_header(file_key, stanzas) + seal_payload(file_key, plaintext)


def whole_header(file_key: bytes, stanzas: tuple[Stanza, ...]) -> bytes:
    """Return the header of an age file with its MAC."""
    signed = write_header(stanzas)
    mac = hmac_sha256(header_key(file_key), signed)
    return signed + b" " + encode_nopad(mac).encode("ascii") + b"\n"


def seal_stream(read: Callable[[int], bytes], recipients: Sequence[Recipient]) -> Iterator[bytes]:
    """Yield an age file of any length, piece by piece, that each recipient can open alone: for the desk's copies.

    read  returns so many bytes of the plaintext, fewer only at the end
    """
    file_key = random_bytes(FILE_KEY_BYTES)
    yield whole_header(file_key, tuple(recipient.wrap(file_key) for recipient in recipients))
    yield from seal_chunks(file_key, read)


def header_key(file_key: bytes) -> bytes:
    """Return the key of the header's MAC."""
    return hkdf(file_key, "header", 32)
