# SPDX-License-Identifier: AGPL-3.0-or-later
"""Shares of a root: any two, never one, and what is said of a mistake. No sentence has a word of a share in it."""

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyskit import words_of
from shamir_mnemonic.wordlist import WORDLIST

from crypto.signature import SigningKey
from desk.ceremony_errors import ShareForeign, ShareLength, SharesApart, ShareTyped, ShareWord
from desk.shares import SHARES, WORDS, Share, complete_word, join_shares, read_share, split_root
from desk.sheets import ShareSheet, public_part, sheet_text, words_on_sheet

ROOT = SigningKey.generate()
THREE = split_root(ROOT)
SHEET = ShareSheet("Local 9", ROOT.public, date(2031, 5, 7), False, THREE[1])


@pytest.mark.parametrize("pair", list(permutations(range(SHARES), 2)))
def test_any_two_are_the_root(pair):
    """Every two of three, in either order."""
    assert join_shares(THREE[pair[0]], THREE[pair[1]], ROOT.public).seed == ROOT.seed


@pytest.mark.parametrize("number", range(SHARES))
def test_one_share_is_nothing(number):
    """A share given twice does not join."""
    with pytest.raises(SharesApart, match="the same share twice"):
        join_shares(THREE[number], THREE[number], ROOT.public)


def test_shares_of_another_root_refused():
    """Two shares that join to somebody else's root sign nothing here."""
    with pytest.raises(SharesApart, match="the root of another office"):
        join_shares(THREE[0], THREE[1], SigningKey.generate().public)


def test_shares_of_two_makings_refused():
    """A share made at another time does not join, even if it is of the same root."""
    with pytest.raises(SharesApart, match="at different times"):
        join_shares(THREE[0], split_root(ROOT)[1], ROOT.public)


def test_root_survives_new_shares():
    """New shares of a root are of the same root, and other words."""
    again = split_root(join_shares(THREE[0], THREE[2], ROOT.public))
    assert join_shares(again[1], again[2], ROOT.public).seed == ROOT.seed
    assert {share.words for share in again}.isdisjoint(share.words for share in THREE)


@given(number=st.integers(0, 2), typed=st.sampled_from([str.upper, str.title, lambda word: word[:4]]))
@settings(max_examples=20, deadline=None)
def test_typing_is_forgiven(number, typed):
    """Capitals, and four letters in place of a word."""
    assert read_share([typed(word) for word in THREE[number].words]).words == THREE[number].words


def test_four_letters_tell_words_apart():
    """No two words of the list begin with the same four letters."""
    assert len({word[:4] for word in WORDLIST}) == len(WORDLIST) == 1024
    assert complete_word("acad") == "academic"
    assert complete_word("aca") is None


@given(place=st.integers(0, WORDS - 1), wrong=st.sampled_from(WORDLIST))
@settings(max_examples=200, deadline=None)
def test_wrong_word_is_noticed(place, wrong):
    """One word exchanged for another of the list never makes a share that joins."""
    words = list(THREE[0].words)
    if words[place] == wrong:
        return
    words[place] = wrong
    with pytest.raises((ShareTyped, ShareForeign)) as raised:
        read_share(words)
    assert str(raised.value) == type(raised.value).__doc__  # one sentence for all: it can tell no word


@given(place=st.integers(0, WORDS - 2))
def test_exchanged_neighbours_are_noticed(place):
    """Two words in the wrong order make no share."""
    words = list(THREE[0].words)
    words[place : place + 2] = reversed(words[place : place + 2])
    if words == list(THREE[0].words):
        return
    with pytest.raises((ShareTyped, ShareForeign)):
        read_share(words)


def test_unknown_word_is_named_by_place():
    """The sentence says which word it was, and not what was typed."""
    words = [*THREE[0].words[:6], "notaword", *THREE[0].words[7:]]
    with pytest.raises(ShareWord) as raised:
        read_share(words)
    assert str(raised.value) == "word 7 is not a word of the list"


@pytest.mark.parametrize("count", [0, 1, 20, 32, 34, 66])
def test_share_of_other_length_refused(count):
    """A share has 33 words."""
    with pytest.raises(ShareLength, match=f"33 words, not {count}"):
        read_share((THREE[0].words * 2)[:count])


def test_other_kind_of_share_refused():
    """Shares of another scheme, such as a wallet's 1 of 1, are not ours."""
    import shamir_mnemonic

    ((text,),) = shamir_mnemonic.generate_mnemonics(1, [(1, 1)], ROOT.seed)
    with pytest.raises(ShareForeign):
        read_share(text.split())


def test_nothing_shows_a_share():
    """Neither repr nor str of what holds words shows one."""
    for value in (THREE[0], THREE, ROOT, SHEET):
        assert not [word for word in THREE[0].words + THREE[1].words if f"'{word}'" in repr(value) + str(value)]


def test_sheet_gives_its_words_back():
    """What is printed is the share, for a keeper and for the program."""
    assert words_of(sheet_text(SHEET)) == words_on_sheet(sheet_text(SHEET)) == list(THREE[1].words)


def test_public_part_has_no_word():
    """What `show` prints of a sheet ends before its words."""
    shown = public_part(sheet_text(SHEET))
    assert "Local 9" in shown
    assert not set(THREE[1].words) & set(shown.lower().split())


@pytest.mark.parametrize("change", [lambda t: t.replace(" 7. ", " 8. "), lambda t: t[:-900], lambda t: "SHARE 1\n"])
def test_damaged_sheet_refused(change):
    """A sheet that is not whole is none."""
    with pytest.raises(ValueError, match="not a share sheet"):
        words_on_sheet(change(sheet_text(SHEET)))


def test_share_is_a_value():
    """The same words make an equal share."""
    assert read_share(THREE[2].words) == THREE[2] == Share(THREE[2].words, 3, THREE[0].family)
