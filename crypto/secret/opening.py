# SPDX-License-Identifier: AGPL-3.0-or-later
"""Opening age files: the one path from ciphertext to plaintext (FORMAT.md 2.3)."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from crypto.envelope import check_envelope, header_key
from crypto.errors import Broken, NotForUs
from crypto.header import MAX_HEADER_BYTES, Header, Stanza, parse_header
from crypto.primitives import hmac_sha256, same
from crypto.secret.identity import HybridIdentity
from crypto.stream import open_chunks, open_payload


class Identity(Protocol):
    """What opens stanzas: a file key, None for "not for me", or Malformed raised."""

    def unwrap(self, stanzas: tuple[Stanza, ...]) -> bytes | None: ...


def open_envelope(envelope: bytes, identities: Sequence[HybridIdentity], slots: int) -> bytes:
    """Return the plaintext of an envelope, 16,384 or 262,144 bytes.

    identities  tried in order, each on every stanza
    Raises Malformed before any key is tried, NotForUs when none fits, Broken when one fits and the rest was altered.
    """
    return _open(envelope, check_envelope(envelope, slots), identities)


def open_file(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Return the plaintext of any binary age file that one of the identities opens. Raises as `open_envelope`."""
    return _open(data, parse_header(data), identities)


def open_stream(read: Callable[[int], bytes], identities: Sequence[Identity]) -> Iterator[bytes]:
    """Yield the plaintext of an age file piece by piece; it is whole only once this has ended.

    read  returns so many bytes of the file, fewer only at the end
    Raises as `open_file`.
    """
    head = read(MAX_HEADER_BYTES)
    header = parse_header(head)
    left = io.BytesIO(head[header.length :])

    def rest(size: int) -> bytes:
        first = left.read(size)
        return first if len(first) == size else first + read(size - len(first))

    return open_chunks(_file_key(header, identities), rest)


def _open(data: bytes, header: Header, identities: Sequence[Identity]) -> bytes:
    return open_payload(_file_key(header, identities), data[header.length :])


def _file_key(header: Header, identities: Sequence[Identity]) -> bytes:
    for identity in identities:
        file_key = identity.unwrap(header.stanzas)
        if file_key is not None:
            break
    else:
        raise NotForUs("no-match", "opened by none of our keys: junk, or sealed to a week already destroyed")
    if not same(hmac_sha256(header_key(file_key), header.signed), header.mac):
        raise Broken("header-mac", "the header has been altered")
    return file_key
