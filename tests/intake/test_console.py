# SPDX-License-Identifier: AGPL-3.0-or-later
"""The door to the terminal: nothing that drives it passes."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.console import PassphraseFileRefused, ask_passphrase, columns, cut, one_line, plain
from intake.errors import UndersealError


@given(st.text(st.characters()))
def test_only_printable_passes(text):
    """No control, format, separator, surrogate, private or unassigned character but newline, tab and space."""
    assert all(c in "\n\t " or unicodedata.category(c)[0] not in "CZ" for c in plain(text))


@given(st.text(st.characters()))
def test_length_is_kept(text):
    """Each refused character leaves one mark, so that nothing is silently gone."""
    assert len(plain(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "\x1b]52;c;aGk=\x07",
        "\x9b31m",
        "a\rb",
        "a\x08b",
        "\u202eevil",
        "\u2066x\u2069",
        "\u200b",
        "\U000e0041",
        "\x7f",
        "\ud800",
    ],
)
def test_known_tricks_marked(text):
    """Escapes, overwriting, bidi, invisible and tag characters become visible marks."""
    assert "\N{REPLACEMENT CHARACTER}" in plain(text)
    assert plain(text).isprintable()


def test_letters_of_all_kinds_stay():
    """Spanish, Arabic, Chinese and emoji are words, not tricks."""
    text = "Ñandú, ¿qué? العربية 中文 🦤 e\u0301\n\tzwei"
    assert text == plain(text)


def test_stacked_marks_cut():
    """Marks that would draw over other lines are cut after four."""
    assert plain("z" + "\u0301" * 40).count("\u0301") == 4


def test_one_line_is_one():
    """A row of a table has no line end in it."""
    assert "\n" not in one_line("a\nb\tc")


def test_passphrase_file_needs_throwaway(tmp_path):
    """A real office's passphrase never lies in a file."""
    (tmp_path / "p").write_text("secret\n")
    with pytest.raises(PassphraseFileRefused):
        ask_passphrase("of x", passphrase_file=tmp_path / "p")
    assert ask_passphrase("of x", passphrase_file=tmp_path / "p", throwaway=True) == "secret"


@pytest.mark.parametrize("character", ["\u034f", "\u115f", "\u2800", "\u3164", "\ufe0f", "\U000e0100"])
def test_blank_letters_marked(character):
    """Characters that show as nothing, though they count as letters or marks, become visible."""
    assert plain(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300), st.integers(20, 90))
def test_cut_keeps_every_character(text, width):
    """A line cut for a terminal loses nothing, and no piece is wider than the terminal."""
    pieces = cut(text, width)
    assert "".join(pieces) == text
    assert all(columns(piece) <= width for piece in pieces)


def test_cut_is_linear():
    """A word of 16,000 letters is cut in no time."""
    started = time.monotonic()
    cut("x" * 16_000, 76)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("contents", [b"", b"\n", b"\xff\xfe", b"x" * 1_001])
def test_odd_passphrase_refused(tmp_path, contents):
    """An empty, undecodable or endless passphrase is one sentence and exit 5."""
    (tmp_path / "p").write_bytes(contents)
    with pytest.raises(UndersealError) as refusal:
        ask_passphrase("of x", passphrase_file=tmp_path / "p", throwaway=True)
    assert refusal.value.exit_code == 5
