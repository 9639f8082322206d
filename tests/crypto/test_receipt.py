# SPDX-License-Identifier: AGPL-3.0-or-later
"""The receipt: 13 words that stand for three keys, the same in Python and in the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import Malformed
from crypto.secret.receipt import Receipt

ZERO = Receipt(bytes(16))
WORDS = " ".join(ZERO.words)


@given(st.binary(min_size=16, max_size=16))
def test_words_read_back(entropy):
    """Any 128 bits survive being written down."""
    receipt = Receipt(entropy)
    assert receipt.tag_key == Receipt.from_words(" ".join(receipt.words)).tag_key


def test_known_answer():
    """The derivations of FORMAT.md 5 for 128 zero bits never change."""
    assert ZERO.words[:12] == ("abandon",) * 11 + ("about",)
    assert len(ZERO.words) == 13
    assert len(ZERO.tag_key) == 32


@pytest.mark.parametrize(
    "text", [WORDS.upper(), "\n".join(WORDS.split()), f"  {WORDS}  ", WORDS.replace("about", "abou")]
)
def test_typing_habits_forgiven(text):
    """Capitals, line ends and four-letter words are read."""
    assert ZERO.words == Receipt.from_words(text).words


WRONG = [
    "",
    "abandon",
    " ".join(ZERO.words[:12]),
    WORDS + " abandon",
    WORDS.replace("about", "above"),
    WORDS.replace("about", "aboutt"),
    " ".join([*ZERO.words[:12], "zoo"]),
    " ".join(reversed(ZERO.words)),
    "aban " * 13,
]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_words_refused(text, officer):
    """A wrong, missing or extra word is noticed, here and in the page; no word is repeated back."""
    with pytest.raises(Malformed) as refusal:
        Receipt.from_words(text)
    assert refusal.value.fault == "receipt"
    assert "abandon" not in str(refusal.value)
    assert officer.ask(do="receipt", words=text).get("fault")


@pytest.mark.parametrize("number", range(12))
def test_swapped_neighbours_refused(number):
    """Two words written in the wrong order are noticed."""
    words = list(Receipt(bytes(range(16))).words)
    words[number], words[number + 1] = words[number + 1], words[number]
    with pytest.raises(Malformed):
        Receipt.from_words(" ".join(words))


@pytest.mark.parametrize("entropy", [bytes(16), bytes(range(16)), b"\xff" * 16])
def test_page_derives_the_same(entropy, officer):
    """The page's code finds the same public parts for the same words."""
    receipt = Receipt(entropy)
    answer = officer.ask(do="receipt", words=" ".join(receipt.words))
    expected = {
        "tag_key": receipt.tag_key.hex(),
        "recipient": receipt.identity.recipient.text,
        "thread_key": receipt.thread.public.raw.hex(),
    }
    assert expected == {name: answer[name] for name in expected}


def test_repr_shows_nothing():
    """A receipt in a traceback gives nothing away."""
    assert repr(ZERO) == "Receipt(...)"
    assert repr(ZERO.identity) == "HybridIdentity(...)"
    assert repr(ZERO.thread) == "SigningKey(...)"
