# SPDX-License-Identifier: AGPL-3.0-or-later
"""Secret files: age files with one scrypt stanza, which stock `age -d` opens by passphrase (FORMAT.md 2.4)."""

import re

from crypto.base64text import decode_nopad, encode_nopad
from crypto.envelope import FILE_KEY_BYTES, finish_file
from crypto.errors import Malformed, NotForUs, WrongPassphrase
from crypto.header import Stanza
from crypto.primitives import chacha_open, chacha_seal, random_bytes, scrypt
from crypto.secret.opening import open_file

WORK_FACTOR = 18  # age's own default, about one second
MAX_WORK_FACTOR = 20  # readers: four times that; a hostile file cannot hold the desk for longer
STANZA_TYPE = "scrypt"
_LABEL = b"age-encryption.org/v1/scrypt"
_NONCE = bytes(12)  # may be fixed: each key wraps one file key


class Passphrase:
    """A passphrase as an age identity. It opens a file whose only stanza is `scrypt`."""

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase.encode("utf-8")

    def unwrap(self, stanzas: tuple[Stanza, ...]) -> bytes | None:
        """Return the file key or None. Raises Malformed for a scrypt stanza that is not alone or not well formed."""
        if all(stanza.type != STANZA_TYPE for stanza in stanzas):
            return None
        if len(stanzas) != 1:
            raise Malformed("slots", "a passphrase must be the only way to open a secret file")
        salt, log_n = _parse_stanza(stanzas[0])
        return chacha_open(scrypt(self._passphrase, _LABEL + salt, log_n), _NONCE, stanzas[0].body)

    def wrap(self, file_key: bytes, work_factor: int) -> Stanza:
        """Return the stanza that gives the file key to whoever knows the passphrase."""
        salt = random_bytes(16)
        key = scrypt(self._passphrase, _LABEL + salt, work_factor)
        return Stanza(STANZA_TYPE, (encode_nopad(salt), str(work_factor)), chacha_seal(key, _NONCE, file_key))


def seal_secret(plaintext: bytes, passphrase: str, *, work_factor: int = WORK_FACTOR) -> bytes:
    """Return a secret file. The work factor is lowered for throwaway offices only."""
    file_key = random_bytes(FILE_KEY_BYTES)
    return finish_file(file_key, (Passphrase(passphrase).wrap(file_key, work_factor),), plaintext)


def open_secret(data: bytes, passphrase: str) -> bytes:
    """Return the plaintext of a secret file. Raises WrongPassphrase, Malformed or Broken."""
    try:
        return open_file(data, [Passphrase(passphrase)])
    except NotForUs as error:
        raise WrongPassphrase("no-match", "the passphrase does not open this file") from error


def _parse_stanza(stanza: Stanza) -> tuple[bytes, int]:
    try:
        salt_text, factor = stanza.args
        salt = decode_nopad(salt_text)
    except ValueError as error:
        raise Malformed("stanza", "the passphrase stanza is not well formed") from error
    if len(salt) != 16 or len(stanza.body) != 32 or not re.fullmatch(r"[1-9][0-9]?", factor, re.ASCII):
        raise Malformed("stanza", "the passphrase stanza is not well formed")
    if int(factor) > MAX_WORK_FACTOR:
        raise Malformed("stanza", "the passphrase work factor is too high")
    return salt, int(factor)
