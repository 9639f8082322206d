# SPDX-License-Identifier: AGPL-3.0-or-later
"""The age payload: a nonce, then chunks of 64 KiB under ChaCha20-Poly1305 (C2SP age.md, "Payload")."""

import io
from collections.abc import Callable, Iterator

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
    return b"".join(seal_chunks(file_key, io.BytesIO(plaintext).read))


def seal_chunks(file_key: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield nonce and sealed chunks of a plaintext that is read piece by piece.

    read  returns so many bytes, fewer only at the end
    """
    nonce = random_bytes(NONCE_BYTES)
    key = hkdf(file_key, "payload", 32, salt=nonce)
    yield nonce
    for number, piece, last in _pieces(read, CHUNK_BYTES):
        yield chacha_seal(key, _chunk_nonce(number, last=last), piece)


def open_payload(file_key: bytes, payload: bytes) -> bytes:
    """Return the whole plaintext, or nothing: no chunk is given out before the last one has been verified.

    Raises Malformed when there is no nonce, Broken (fault `payload`) when a chunk is altered, missing or too many.
    """
    return b"".join(list(open_chunks(file_key, io.BytesIO(payload).read)))


def open_chunks(file_key: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield the plaintext piece by piece, each verified in its place; only after the last is it known to be whole.

    Whoever uses this uses nothing of it before it has ended. Raises as `open_payload`.
    """
    nonce = read(NONCE_BYTES)
    if len(nonce) < NONCE_BYTES:
        raise Malformed("size", "the payload has no nonce")
    key = hkdf(file_key, "payload", 32, salt=nonce)
    for number, piece, last in _pieces(read, CHUNK_BYTES + TAG_BYTES):
        chunk = chacha_open(key, _chunk_nonce(number, last=last), piece)
        if chunk is None or (last and number > 0 and not chunk):
            raise Broken("payload", "the contents have been altered or cut short")
        yield chunk


def _pieces(read: Callable[[int], bytes], size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (number, piece, whether it is the last); one empty piece of nothing."""
    number, piece = 0, read(size)
    while following := read(size):
        yield number, piece, False
        number, piece = number + 1, following
    yield number, piece, True


def _chunk_nonce(number: int, *, last: bool) -> bytes:
    # A counter may be the nonce because the key is fresh: it comes from a random file key and a random salt.
    return number.to_bytes(11, "big") + bytes([last])
