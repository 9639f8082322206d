# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bins of what was set aside: decisions on many at once, taken back, and nothing erased without one."""

import pytest
from deskkit import Desk, Office, filled, letter
from terminal import in_terminal

from crypto.envelope import seal
from crypto.secret.identity import HybridIdentity


@pytest.fixture
def flooded(desk: Desk, office: Office) -> Desk:
    """A desk with 25 letters to nobody, two that are no JSON, one repeat and one report."""
    stranger = (HybridIdentity.generate().recipient,) * 3
    real = letter(id="00" * 16)
    sealed = [seal(letter(), stranger) for _ in range(25)]
    sealed += [office.envelope(filled("no letter")), office.envelope(filled("{"))]
    desk.receive(office.bundle([*sealed, office.envelope(real), office.envelope(real)]))
    return desk


def _bins(desk: Desk) -> dict[str, tuple[int, int, int]]:
    return {row["fault"]: (row["undecided"], row["discarded"], row["kept"]) for row in desk("junk", "--json").json}


def test_bins_by_fault(flooded: Desk) -> None:
    """Each fault has a bin with its sentence, count and oldest day; exact repeats are counted."""
    assert {"letter-json": (2, 0, 0), "no-match": (25, 0, 0), "repeat": (0, 0, 1)} == _bins(flooded)
    shown = flooded("junk")
    assert "opened by none of our keys: junk, or sealed to a week already destroyed" in shown.out
    assert "desk: 27 envelopes wait for a decision\n" in shown.err


def test_whole_bin_discarded(flooded: Desk) -> None:
    """One decision takes a bin; the envelopes stay, and the log holds."""
    run = flooded("junk", "--bin", "no-match", "--discard", "--yes")
    assert (0, "desk: 25 envelopes discarded, and still here until the schedule erases them\n") == (run.code, run.err)
    assert (0, 25, 0) == _bins(flooded)["no-match"]
    assert 27 == len(flooded.asides())
    assert 0 == flooded("verify").code
    assert "desk: nothing changed\n" == flooded("junk", "--bin", "no-match", "--discard").err


def test_decision_taken_back(flooded: Desk) -> None:
    """What was discarded is kept again, as a bin or one by one."""
    flooded("junk", "--bin", "letter-json", "--discard")
    (first, _) = [a["envelope"] for a in flooded("set-aside", "--json").json if a["fault"] == "letter-json"]
    assert "desk: 1 envelopes kept\n" == flooded("junk", first[:8], "--keep").err
    assert (0, 1, 1) == _bins(flooded)["letter-json"]
    flooded("junk", "--bin", "letter-json", "--keep")
    assert (0, 0, 2) == _bins(flooded)["letter-json"]


def test_many_are_asked_about(flooded: Desk) -> None:
    """More than twenty need --yes, or an answer at the terminal; else nothing changes."""
    run = flooded("junk", "--bin", "no-match", "--discard")
    assert (2, "desk: this is 25, more than 20 at once; nothing was changed\n") == (
        run.code,
        run.err[: run.err.index("\n") + 1],
    )
    code, printed = in_terminal(flooded.arguments("junk", "--bin", "no-match", "--discard"), ["n"])
    assert (1, True) == (code, b"25 envelopes: discard all of them [y/N]: " in printed)
    assert (25, 0, 0) == _bins(flooded)["no-match"]
    assert 0 == in_terminal(flooded.arguments("junk", "--bin", "no-match", "--discard"), ["y"])[0]
    assert (0, 25, 0) == _bins(flooded)["no-match"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--discard",),
        ("--bin", "no-match"),
        ("abcd",),
        ("abcd", "--bin", "no-match", "--keep"),
        ("--bin", "lost", "--keep"),
    ],
    ids=str,
)
def test_half_said_refused(flooded: Desk, arguments: tuple[str, ...]) -> None:
    """A decision names what it is about and what it is."""
    assert 2 == flooded("junk", *arguments).code


def test_unknown_envelope_refused(flooded: Desk) -> None:
    """An envelope that is not there changes nothing, and neither do those named with it."""
    (first, _) = [a["envelope"] for a in flooded("set-aside", "--json").json if a["fault"] == "letter-json"]
    assert 3 == flooded("junk", first, "abcdabcd", "--discard").code
    assert (2, 0, 0) == _bins(flooded)["letter-json"]
