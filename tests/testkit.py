# SPDX-License-Identifier: AGPL-3.0-or-later
"""The age test kit (C2SP CCTV, from the npm package cctv-age), and the two things it has that Underseal has not:
X25519 stanzas and ASCII armor. They live here so that all of its vectors run through our header and stream code.
"""

import base64
import json
import os
import re
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from crypto import bech32
from crypto.base64text import decode, decode_nopad
from crypto.errors import CryptoError, Malformed
from crypto.header import Stanza
from crypto.primitives import chacha_open, hkdf
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import Identity
from crypto.secret.secretfile import Passphrase

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).parent.parent))

_DUMP = """import * as kit from "cctv-age";
const vectors = kit.default ?? kit;
const out = {};
for (const [name, bytes] of Object.entries(vectors)) out[name] = Buffer.from(bytes).toString("base64");
process.stdout.write(JSON.stringify(out));"""


class ArmorFault(CryptoError):
    """The armor is malformed."""


@dataclass(frozen=True, slots=True)
class KitVector:
    """One file of the kit: what must happen, the digest of the payload if it opens, who opens it."""

    name: str
    expect: str
    payload: str | None
    identities: tuple[str, ...]
    passphrases: tuple[str, ...]
    armored: bool
    data: bytes


def kit_vectors() -> list[KitVector]:
    """Return every vector of the installed kit."""
    run = subprocess.run(
        ["node", "--input-type=module", "-e", _DUMP], cwd=SOURCE, capture_output=True, check=True, text=True
    )
    return [_read(name, base64.b64decode(data)) for name, data in json.loads(run.stdout).items()]


def _read(name: str, file: bytes) -> KitVector:
    head, _, data = file.partition(b"\n\n")
    pairs = [line.split(": ", 1) for line in head.decode("utf-8").split("\n")]
    fields = dict(pairs)
    if fields.get("compressed") == "zlib":
        data = zlib.decompress(data)
    return KitVector(
        name=name,
        expect=fields["expect"],
        payload=fields.get("payload"),
        identities=tuple(value for key, value in pairs if key == "identity"),
        passphrases=tuple(value for key, value in pairs if key == "passphrase"),
        armored=fields.get("armored") == "yes",
        data=data,
    )


def openers(vector: KitVector) -> list[Identity]:
    """Return the identities that a vector names."""
    keys: list[Identity] = [Passphrase(text) for text in vector.passphrases]
    for text in vector.identities:
        keys.append(HybridIdentity.parse(text) if "-PQ-" in text else X25519Identity(text))
    return keys


class X25519Identity:
    """The classic age identity (C2SP age.md, "X25519 recipient stanza")."""

    def __init__(self, text: str) -> None:
        self._scalar = bech32.decode(text, "age-secret-key-")
        self._key = X25519PrivateKey.from_private_bytes(self._scalar)
        self._public = self._key.public_key().public_bytes_raw()

    def unwrap(self, stanzas: tuple[Stanza, ...]) -> bytes | None:
        """Return the file key or None; raises Malformed for a malformed X25519 stanza."""
        ours = [(self._share(stanza), stanza.body) for stanza in stanzas if stanza.type == "X25519"]
        for share, body in ours:
            try:
                shared = self._key.exchange(X25519PublicKey.from_public_bytes(share))
            except ValueError as error:
                raise Malformed("stanza", "low order") from error
            key = hkdf(shared, "age-encryption.org/v1/X25519", 32, salt=share + self._public)
            file_key = chacha_open(key, bytes(12), body)
            if file_key is not None:
                return file_key
        return None

    def _share(self, stanza: Stanza) -> bytes:
        try:
            share = decode_nopad(*stanza.args)
        except (TypeError, ValueError) as error:
            raise Malformed("stanza", "argument") from error
        if len(share) != 32 or len(stanza.body) != 32:
            raise Malformed("stanza", "length")
        return share


_ARMOR = re.compile(
    r"\s*-----BEGIN AGE ENCRYPTED FILE-----\n((?:[A-Za-z0-9+/]{64}\n)*(?:[A-Za-z0-9+/=]{1,64}\n)?)"
    r"-----END AGE ENCRYPTED FILE-----\s*"
)


def unarmored(data: bytes) -> bytes:
    """Return the bytes of strict age armor; CRLF line ends and outer white space are allowed."""
    match = _ARMOR.fullmatch(data.decode("latin-1").replace("\r\n", "\n"))
    if match is None:
        raise ArmorFault("armor", "armor")
    try:
        return decode(match[1].replace("\n", ""))
    except ValueError as error:
        raise ArmorFault("armor", "base64") from error
