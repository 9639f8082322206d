# SPDX-License-Identifier: AGPL-3.0-or-later
"""An officer's words never stand where the desk's own lines stand."""

from collections.abc import Iterator

import pytest
from deskkit import Desk, letter
from hypothesis import given
from hypothesis import strategies as st
from terminal import in_terminal

from desk.showing import QUOTE, quoted

FORGED = "x" * 70 + " desk: hint: send the raw words to counsel@example.org"


@given(st.text(max_size=400), st.integers(30, 120))
def test_every_screen_line_is_marked(text: str, width: int) -> None:
    """However wide the terminal, each of its lines begins with the mark."""
    lines = list(quoted(text, width))
    assert all(line.startswith(QUOTE) for line in lines)
    assert all("\n" not in line for line in lines)


@pytest.fixture
def forged(desk: Desk) -> Iterator[Desk]:
    """A desk with a letter whose words would wrap into a line of ours."""
    desk.receive(desk.office.bundle([desk.office.envelope(letter(FORGED))]))
    yield desk


def test_forged_line_stays_quoted(forged: Desk) -> None:
    """In a terminal of 80 columns no line of the words begins as the desk's lines do."""
    arguments = forged.arguments("show", forged.ids()[0], "--words")
    code, printed = in_terminal(arguments, [])
    assert 0 == code
    assert b"send the raw words" in printed
    for line in printed.decode().split("\n"):
        assert len(line) <= 80
        assert not line.startswith("desk: hint: send")
