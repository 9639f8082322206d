# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bech32 without the length limit: the BIP 173 checksums, one spelling for each byte string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import bech32
from crypto.errors import Malformed


@given(st.binary(max_size=1_300))
def test_bytes_read_back(data):
    """Any bytes survive, in lower case and in capitals."""
    text = bech32.encode("age1pq", data)
    assert bech32.decode(text, "age1pq") == data
    assert bech32.decode(text.upper(), "age1pq") == data


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("A12UEL5L", "a"),
        (
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
        ),
    ],
)
def test_known_checksums(text, prefix):
    """Two empty strings of BIP 173."""
    assert bech32.decode(text, prefix) == b""


GOOD = bech32.encode("age1pq", b"\x01\x02\x03")


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l1b"))
def test_mistyped_letter_refused(at, letter):
    """One wrong letter is always noticed."""
    changed = GOOD[:at] + letter + GOOD[at + 1 :]
    if changed != GOOD:
        with pytest.raises(Malformed):
            bech32.decode(changed, "age1pq")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "age1pq1",
        GOOD[:-1],
        GOOD + "q",
        GOOD.title(),
        " " + GOOD,
        GOOD + "\n",
        "age1" + GOOD,
        "é" + GOOD,
        GOOD * 300,
    ],
)
def test_odd_text_refused(text):
    """What is not Bech32 under this prefix is refused in one sentence."""
    with pytest.raises(Malformed):
        bech32.decode(text, "age1pq")


def test_second_spelling_refused():
    """Bits that stand for nothing must be zero: the same bytes have no other text with a good checksum."""
    values = [bech32._VALUES[letter] for letter in GOOD.rpartition("1")[2][:-6]]
    values[-1] |= 1
    checksum = bech32._polymod([*bech32._expand("age1pq"), *values, 0, 0, 0, 0, 0, 0]) ^ 1
    letters = [*values, *((checksum >> 5 * (5 - i)) & 31 for i in range(6))]
    with pytest.raises(Malformed):
        bech32.decode("age1pq1" + "".join(bech32._ALPHABET[value] for value in letters), "age1pq")
