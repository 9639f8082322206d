# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ed25519 signatures as SSHSIG, which `ssh-keygen -Y` makes and verifies (OpenSSH PROTOCOL.sshsig; FORMAT.md 3)."""

import base64
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.base64text import decode, encode_nopad
from crypto.errors import Malformed, Untrusted
from crypto.primitives import (
    ed25519_public,
    ed25519_sign,
    ed25519_verified,
    openssh_key_file,
    openssh_seed,
    random_bytes,
    sha256,
    sha512,
)

_TYPE = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
SIGNATURE_CHARACTERS = 512  # no armor of ours is longer; readers look no further


class Namespace(StrEnum):
    """What a signature is about; it counts in its own namespace only (FORMAT.md 3)."""

    KEYS = "keys@underseal"
    PAGE = "page@underseal"
    OFFICE = "office@underseal"
    ROOT = "root@underseal"
    BUNDLE = "bundle@underseal"
    ACK = "ack@underseal"
    RECEIVED = "received@underseal"
    EVENT = "event@underseal"
    BOARD = "board@underseal"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, 32 bytes."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Return the key of `ssh-ed25519 AAAA...`, without comment or line end. Raises Malformed."""
        kind, _, encoded = text.partition(" ")
        try:
            blob = decode(encoded)
        except ValueError:
            blob = b""
        if kind != "ssh-ed25519" or len(blob) != 51 or blob != _string(_TYPE) + _string(blob[-32:]):
            raise Malformed("public-key", "the key is not written as ssh-ed25519 and 68 characters")
        return cls(blob[-32:])

    @property
    def _blob(self) -> bytes:
        return _string(_TYPE) + _string(self.raw)

    @property
    def text(self) -> str:
        """The key as OpenSSH writes it."""
        return "ssh-ed25519 " + base64.b64encode(self._blob).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and 43 characters, as `ssh-keygen -l` prints it."""
        return "SHA256:" + encode_nopad(sha256(self._blob))

    @property
    def in_groups(self) -> str:
        """The fingerprint as the union's card and the page show it: `SHA256: ` and groups of four."""
        digits = self.fingerprint.removeprefix("SHA256:")
        return "SHA256: " + " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))

    @property
    def public(self) -> Ed25519PublicKey:
        """The key for libraries that verify by themselves."""
        return Ed25519PublicKey.from_public_bytes(self.raw)


class SigningKey:
    """An Ed25519 private key. Its `repr` shows nothing of the seed."""

    __slots__ = ("public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise Malformed("signing-key", "a signing key is 32 bytes")
        self.seed = seed
        self.public = PublicKey(ed25519_public(seed))

    @classmethod
    def generate(cls) -> "SigningKey":
        """Return a key from fresh randomness."""
        return cls(random_bytes(32))

    @classmethod
    def from_openssh(cls, data: bytes, passphrase: str | None) -> "SigningKey":
        """Return the key of an OpenSSH private key file. Raises Malformed or WrongPassphrase."""
        return cls(openssh_seed(data, passphrase))

    def to_openssh(self, passphrase: str | None) -> bytes:
        """Return the key as an OpenSSH private key file, under a passphrase unless that is None."""
        return openssh_key_file(self.seed, passphrase)

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key for libraries that sign by themselves."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def __repr__(self) -> str:
        return "SigningKey(...)"


def sign(message: bytes, key: SigningKey, namespace: Namespace) -> str:
    """Return an armored signature that ends with a line end."""
    signature = ed25519_sign(key.seed, _signed(message, namespace))
    return _armor(_blob(key.public, namespace, signature))


def verify(message: bytes, signature: str, key: PublicKey, namespace: Namespace) -> None:
    """Return only if `signature` is one by `key` over `message` in `namespace`.

    The armor must be byte for byte what `sign` writes. Raises Untrusted (fault `signature`) for anything else.
    """
    body = signature.removeprefix(_BEGIN).removesuffix(_END).replace("\n", "")
    try:
        blob = decode(body)
    except ValueError:
        blob = b""
    raw = blob[-64:]
    expected = _blob(key, namespace, raw) if len(raw) == 64 else b""
    if not expected or blob != expected or signature != _armor(expected):
        raise Untrusted("signature", "the signature is not one by the expected key for this purpose")
    if not ed25519_verified(key.raw, raw, _signed(message, namespace)):
        raise Untrusted("signature", "the signature does not fit the contents")


def _signed(message: bytes, namespace: Namespace) -> bytes:
    name = namespace.value.encode("ascii")
    return _MAGIC + _string(name) + _string(b"") + _string(b"sha512") + _string(sha512(message))


def _blob(key: PublicKey, namespace: Namespace, signature: bytes) -> bytes:
    public = _string(_TYPE) + _string(key.raw)
    head = _MAGIC + (1).to_bytes(4, "big") + _string(public) + _string(namespace.value.encode("ascii"))
    return head + _string(b"") + _string(b"sha512") + _string(_string(_TYPE) + _string(signature))


def _armor(blob: bytes) -> str:
    text = base64.b64encode(blob).decode("ascii")
    lines = [text[i : i + _COLUMNS] + "\n" for i in range(0, len(text), _COLUMNS)]
    return _BEGIN + "".join(lines) + _END


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
