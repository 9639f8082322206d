# SPDX-License-Identifier: AGPL-3.0-or-later
"""The age payload: a nonce, then chunks of 64 KiB under ChaCha20-Poly1305 (C2SP age.md, "Payload")."""

from crypto.errors import Broken, Malformed
from crypto.primitives import TAG_BYTES, chacha_open, chacha_seal, hkdf, random_bytes

CHUNK_BYTES = 65_536
NONCE_BYTES = 16


def payload_bytes(plaintext_bytes: int) -> int:
    """Return the length of the payload of a plaintext: nonce, chunks and their tags."""
    chunks = max(1, -(-plaintext_bytes // CHUNK_BYTES))
    return NONCE_BYTES + plaintext_bytes + chunks * TAG_BYTES


def seal_payload(file_key: bytes, plaintext: bytes) -> bytes:
    """Return nonce and chunks. Any plaintext is valid, the empty one too."""
    nonce = random_bytes(NONCE_BYTES)
    key = hkdf(file_key, "payload", 32, salt=nonce)
    starts = range(0, max(1, len(plaintext)), CHUNK_BYTES)
    chunks = [
        chacha_seal(key, _chunk_nonce(number, last=start == starts[-1]), plaintext[start : start + CHUNK_BYTES])
        for number, start in enumerate(starts)
    ]
    return nonce + b"".join(chunks)


def open_payload(file_key: bytes, payload: bytes) -> bytes:
    """Return the whole plaintext, or nothing: no chunk is given out before the last one has been verified.

    Raises Malformed when there is no nonce, Broken (fault `payload`) when a chunk is altered, missing or too many.
    """
    if len(payload) < NONCE_BYTES:
        raise Malformed("size", "the payload has no nonce")
    key = hkdf(file_key, "payload", 32, salt=payload[:NONCE_BYTES])
    step = CHUNK_BYTES + TAG_BYTES
    starts = range(NONCE_BYTES, max(len(payload), NONCE_BYTES + 1), step)
    plaintext = []
    for number, start in enumerate(starts):
        last = start == starts[-1]
        chunk = chacha_open(key, _chunk_nonce(number, last=last), payload[start : start + step])
        if chunk is None or (last and number > 0 and not chunk):
            raise Broken("payload", "the contents have been altered or cut short")
        plaintext.append(chunk)
    return b"".join(plaintext)


def _chunk_nonce(number: int, *, last: bool) -> bytes:
    # A counter may be the nonce because the key is fresh: it comes from a random file key and a random salt.
    return number.to_bytes(11, "big") + bytes([last])
