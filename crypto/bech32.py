# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bech32 (BIP 173) without the length limit, as age writes recipients and identities."""

import base64
from functools import reduce
from operator import xor

from crypto.errors import Malformed

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648: the same grouping of bits in another alphabet
_TO_BASE32 = str.maketrans(_ALPHABET, _BASE32.upper())
_FROM_BASE32 = str.maketrans(_BASE32.upper(), _ALPHABET)
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_STEPS = [reduce(xor, (g for i, g in enumerate(_GENERATOR) if top >> i & 1), 0) for top in range(32)]
MAX_CHARACTERS = 4_096  # the longest we read is a hybrid recipient, 1,959


def encode(prefix: str, data: bytes) -> str:
    """Return lower-case Bech32 of `data` under a lower-case prefix."""
    text = base64.b32encode(data).decode("ascii").rstrip("=").translate(_FROM_BASE32)
    words = [_VALUES[letter] for letter in text]
    checksum = _polymod([*_expand(prefix), *words, 0, 0, 0, 0, 0, 0]) ^ 1
    return prefix + "1" + text + "".join(_ALPHABET[checksum >> 5 * (5 - i) & 31] for i in range(6))


def decode(text: str, prefix: str) -> bytes:
    """Return the bytes of a Bech32 string that is all of one case.

    prefix  expected, lower case. Raises Malformed (fault `bech32`) for anything else.
    """
    if len(text) > MAX_CHARACTERS or not text.isascii() or text not in (text.lower(), text.upper()):
        raise _refusal()
    found, separator, rest = text.lower().rpartition("1")
    if not separator or found != prefix or len(rest) < 6 or not set(rest) <= _VALUES.keys():
        raise _refusal()
    words = [_VALUES[letter] for letter in rest]
    if _polymod([*_expand(prefix), *words]) != 1:
        raise _refusal()
    unused_bits = (len(words) - 6) * 5 % 8
    if unused_bits >= 5 or words[-7:-6] and words[-7] & ((1 << unused_bits) - 1):  # a second spelling of the same bytes
        raise _refusal()
    base32 = rest[:-6].translate(_TO_BASE32)
    return base64.b32decode(base32 + "=" * (-len(base32) % 8))


def _refusal() -> Malformed:
    return Malformed("bech32", "the key is not written as a key of this kind is")


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _STEPS[checksum >> 25]
    return checksum


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
