# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hybrid identity, `AGE-SECRET-KEY-PQ-1...`, and the stanzas it opens (FORMAT.md 2.3)."""

from crypto import bech32
from crypto.base64text import decode_nopad
from crypto.envelope import check_stanza
from crypto.errors import Malformed
from crypto.header import Stanza
from crypto.primitives import HybridKey, random_bytes
from crypto.recipient import HPKE_INFO, STANZA_TYPE, Recipient

_PREFIX = "age-secret-key-pq-"
SEED_BYTES = 32


class HybridIdentity:
    """A private key. Its `repr` shows nothing of the seed."""

    __slots__ = ("_key", "_seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise Malformed("bech32", "an identity is 32 bytes")
        self._seed = seed
        self._key = HybridKey(seed)

    @classmethod
    def generate(cls) -> "HybridIdentity":
        """Return an identity from fresh randomness."""
        return cls(random_bytes(SEED_BYTES))

    @classmethod
    def parse(cls, text: str) -> "HybridIdentity":
        """Return the identity of `AGE-SECRET-KEY-PQ-1...`. Raises Malformed; the text is never repeated."""
        if not text.isupper():
            raise Malformed("bech32", "the key is not a hybrid age identity")
        return cls(bech32.decode(text, _PREFIX))

    @property
    def text(self) -> str:
        """The identity as age writes it, in capitals."""
        return bech32.encode(_PREFIX, self._seed).upper()

    @property
    def recipient(self) -> Recipient:
        """The public half."""
        return Recipient(self._key.public)

    def unwrap(self, stanzas: tuple[Stanza, ...]) -> bytes | None:
        """Return the file key, or None when no stanza is for this identity.

        All hybrid stanzas are checked before the first is tried. Raises Malformed for one that is not well formed.
        """
        ours = [stanza for stanza in stanzas if stanza.type == STANZA_TYPE]
        for stanza in ours:
            check_stanza(stanza)
        for stanza in ours:
            try:
                file_key = self._key.open(decode_nopad(stanza.args[0]), stanza.body, HPKE_INFO)
            except ValueError as error:
                raise Malformed("stanza", "a stanza's share is of low order") from error
            if file_key is not None:
                return file_key
        return None

    def __repr__(self) -> str:
        return "HybridIdentity(...)"
