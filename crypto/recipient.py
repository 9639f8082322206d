# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hybrid recipient, ML-KEM-768 with X25519, as `age1pq1...` (FORMAT.md 2.3)."""

from dataclasses import dataclass

from crypto import bech32
from crypto.base64text import encode_nopad
from crypto.errors import Malformed
from crypto.header import Stanza
from crypto.primitives import hybrid_seal, is_hybrid_public

STANZA_TYPE = "mlkem768x25519"
HPKE_INFO = b"age-encryption.org/mlkem768x25519"
_PREFIX = "age1pq"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key that an envelope is sealed to. `raw` is 1,216 bytes."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "Recipient":
        """Return the recipient. Only `age1pq1...` is read, so no text can name a plugin. Raises Malformed."""
        raw = bech32.decode(text, _PREFIX) if text.startswith(_PREFIX) else b""
        if not is_hybrid_public(raw):
            raise Malformed("bech32", "the key is not a hybrid age recipient")
        return cls(raw)

    @property
    def text(self) -> str:
        """The recipient as `age1pq1...`, 1,959 characters."""
        return bech32.encode(_PREFIX, self.raw)

    def wrap(self, file_key: bytes) -> Stanza:
        """Return the stanza that gives the 16-byte file key to this recipient. Raises Malformed for a bad key."""
        try:
            encapsulated, body = hybrid_seal(self.raw, file_key, HPKE_INFO)
        except ValueError as error:
            raise Malformed("bech32", "the recipient is not a usable key") from error
        return Stanza(STANZA_TYPE, (encode_nopad(encapsulated),), body)
