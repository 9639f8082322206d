# SPDX-License-Identifier: AGPL-3.0-or-later
"""The receipt: 13 words, and the three keys they stand for (FORMAT.md 5)."""

from functools import lru_cache

from mnemonic import Mnemonic

from crypto.errors import Malformed
from crypto.primitives import hkdf, random_bytes
from crypto.secret.identity import HybridIdentity
from crypto.signature import SigningKey

ENTROPY_BYTES = 16
WORDS = 13


class Receipt:
    """128 random bits and what is derived from them. Its `repr` shows nothing."""

    __slots__ = ("_entropy",)

    def __init__(self, entropy: bytes) -> None:
        if len(entropy) != ENTROPY_BYTES:
            raise Malformed("receipt", "a receipt is 128 bits")
        self._entropy = entropy

    @classmethod
    def generate(cls) -> "Receipt":
        """Return a receipt from fresh randomness."""
        return cls(random_bytes(ENTROPY_BYTES))

    @classmethod
    def from_words(cls, text: str) -> "Receipt":
        """Return the receipt of 13 typed words; case, white space and what follows four letters do not matter.

        Raises Malformed (fault `receipt`): one sentence that repeats no word.
        """
        words = [_complete(word) for word in text.lower().split()]
        if len(words) != WORDS or "" in words:
            raise Malformed("receipt", "a receipt is 13 words of the list")
        try:
            receipt = cls(bytes(_english().to_entropy(words[:12])))
        except ValueError as error:
            raise Malformed("receipt", "a word of the receipt is wrong") from error
        if receipt.words[12] != words[12]:
            raise Malformed("receipt", "a word of the receipt is wrong")
        return receipt

    @property
    def words(self) -> tuple[str, ...]:
        """The 13 words: 12 of BIP39, and one that checks them under a label of our own."""
        check = int.from_bytes(hkdf(self._entropy, "underseal/v1/receipt-check", 2), "big") >> 5
        return (*_english().to_mnemonic(self._entropy).split(" "), _english().wordlist[check])

    @property
    def tag_key(self) -> bytes:
        """32 bytes: the key of the reply tags."""
        return hkdf(self._entropy, "underseal/v1/reply-tag-key", 32)

    @property
    def identity(self) -> HybridIdentity:
        """What opens replies."""
        return HybridIdentity(hkdf(self._entropy, "underseal/v1/reply-identity", 32))

    @property
    def thread(self) -> SigningKey:
        """What proves that a follow-up comes from whoever holds the receipt."""
        return SigningKey(hkdf(self._entropy, "underseal/v1/thread-key", 32))

    def __repr__(self) -> str:
        return "Receipt(...)"


@lru_cache(maxsize=1)
def _english() -> Mnemonic:
    return Mnemonic("english")


def _complete(word: str) -> str:
    """Return the list's word of these letters, or of these four first letters; else an empty text."""
    if word in _english().wordlist:
        return word
    matches = [known for known in _english().wordlist if len(word) == 4 and known.startswith(word)]
    return matches[0] if len(matches) == 1 else ""
