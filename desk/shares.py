# SPDX-License-Identifier: AGPL-3.0-or-later
"""The root's seed as three shares by SLIP-39, any two of which give it back. Values in, values out.

The splitting, the joining and the words are shamir-mnemonic's; here stands what we ask of them. That library names
words in its messages, so none of them is ever passed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import shamir_mnemonic as slip39
from shamir_mnemonic.wordlist import WORD_INDEX_MAP, WORDLIST

from crypto.signature import PublicKey, SigningKey
from desk.ceremony_errors import ShareForeign, ShareLength, SharesApart, SharesFailed, ShareTyped, ShareWord

SHARES = 3
NEEDED = 2
WORDS = 33  # SLIP-39: 7 words of frame and 26 for 256 bits
_SHORT = 4  # letters that tell any word of the list from any other
_BY_LETTERS = {word[:_SHORT]: word for word in WORDLIST}


@dataclass(frozen=True, slots=True, repr=False)
class Share:
    """One share of a root. `number` is 1 to 3; all shares made together have the same `family`. No repr."""

    words: tuple[str, ...]
    number: int
    family: int


def split_root(root: SigningKey) -> tuple[Share, ...]:
    """Return three fresh shares of the root, checked: every two give it back, and no single one does.

    Raises SharesFailed.
    """
    (texts,) = slip39.generate_mnemonics(1, [(NEEDED, SHARES)], root.seed)
    shares = tuple(read_share(text.split()) for text in texts)
    if [share.number for share in shares] != list(range(1, SHARES + 1)):
        raise SharesFailed
    if any(_combined(pair) != root.seed for pair in combinations(shares, NEEDED)):
        raise SharesFailed
    if any(_combined([share]) is not None for share in shares):
        raise SharesFailed
    return shares


def complete_word(typed: str) -> str | None:
    """Return the list's word for a typed one: the whole word or its first four letters, in any case."""
    word = typed.lower()
    return word if word in WORD_INDEX_MAP else _BY_LETTERS.get(word)


def complete_words(typed: Sequence[str], first: int = 1) -> list[str]:
    """Return the list's words for typed ones, counted from `first`. Raises ShareWord with the place of a wrong one."""
    words = []
    for place, text in enumerate(typed, start=first):
        word = complete_word(text)
        if word is None:
            raise ShareWord(place)
        words.append(word)
    return words


def read_share(typed: Sequence[str]) -> Share:
    """Return the share of 33 typed words. Raises ShareWord, ShareLength, ShareTyped or ShareForeign."""
    words = complete_words(typed)
    if len(words) != WORDS:
        raise ShareLength(WORDS, len(words))
    try:
        share = slip39.Share.from_mnemonic(" ".join(words))
    except slip39.MnemonicError:
        raise ShareTyped from None
    shape = (share.group_index, share.group_threshold, share.group_count, share.member_threshold)
    if shape != (0, 1, 1, NEEDED) or share.index >= SHARES:
        raise ShareForeign
    return Share(tuple(words), share.index + 1, share.identifier)


def join_shares(one: Share, other: Share, root: PublicKey) -> SigningKey:
    """Return the root of two shares. Raises SharesApart: the same one twice, of two roots, or of another root."""
    if one.number == other.number and one.words == other.words:
        raise SharesApart("it is the same share twice")
    seed = _combined((one, other))
    if seed is None:
        raise SharesApart("they were made at different times, or for different roots")
    key = SigningKey(seed)
    if key.public != root:
        raise SharesApart("they join, but to the root of another office")
    return key


def _combined(shares: Sequence[Share]) -> bytes | None:
    try:
        return slip39.combine_mnemonics([" ".join(share.words) for share in shares])
    except slip39.MnemonicError:
        return None
