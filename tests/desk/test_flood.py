# SPDX-License-Identifier: AGPL-3.0-or-later
"""A flood: letters to nobody, letters that are none, repeats and spam, with one real letter that must be found."""

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable

import pytest
from deskkit import Desk, Office, filled, letter
from hypothesis import given
from hypothesis import strategies as some

from crypto.envelope import seal
from crypto.secret.identity import HybridIdentity
from desk.duplicates import NEAR, groups, likeness, runs_of

SPAM = (
    "Everybody in this office knows what goes on and nobody says it aloud, so here it is once more for the union: "
    "the numbers are made up, the reviews are made up, the meetings are a show, and the letters that come back are "
    "the same letters as before. Ask anybody on the second floor and they will tell you the same story about it. "
    "Write it down, read it out, put it on the wall where all who pass by can read what has been done to us here"
)
REAL = "On two days in March my supervisor had me change a positive screening after the interview was over."
WORDS = ("lamp", "river", "stone", "cloud", "paper", "chair", "table", "glass", "wheel", "bread")


def _spam(number: int) -> str:
    """Return the campaign's text with a few words of its own, as senders vary them."""
    words = SPAM.split()
    chance = random.Random(number)
    words[chance.randrange(len(words))] = chance.choice(WORDS)
    return " ".join([*words, chance.choice(WORDS), f"n{number}"])  # a bare number can be a statute


def _flood(office: Office, count: int) -> tuple[list[bytes], str]:
    """Return so many envelopes of four sorts in equal parts, and one more with the real letter, with its id."""
    each, real = count // 4, secrets.token_hex(16)
    nobody = (HybridIdentity.generate().recipient,) * 3
    same = letter(SPAM)
    sealed = [seal(letter(), nobody) for _ in range(each)]
    sealed += [office.envelope(filled(f"no letter {number}")) for number in range(each)]
    sealed += [office.envelope(same) for _ in range(each + 1)]  # one is filed, the others repeat it
    sealed += [office.envelope(letter(_spam(number))) for number in range(each - 1)]
    return [*sealed, office.envelope(letter(REAL, id=real))], real


def _sort(desk: Desk, office: Office, count: int, measured: Callable[[str], None]) -> None:
    sealed, real = _flood(office, count)
    bundle = office.bundle(sealed)
    began = time.monotonic()
    assert 0 == desk.receive(bundle).code
    received = time.monotonic()
    each = count // 4
    bins = {row["fault"]: row["undecided"] for row in desk("junk", "--json").json}
    assert {"no-match": each, "letter-json": each, "repeat": 0} == bins
    for fault in ("no-match", "letter-json"):
        assert 0 == desk("junk", "--bin", fault, "--discard", "--yes").code
    (campaign,) = desk("duplicates", "--json").json
    assert (each, False) == (len(campaign["reports"]), real in campaign["reports"])
    first = campaign["reports"][0]
    assert 0 == desk("tag", "--like", first, "OTH.OUT", "--yes").code
    run = desk("status", "--like", first, "closed", "--yes", typed="one campaign\n")
    assert f"desk: {each} reports set to closed\n" in run.err, run.err
    left = desk("next", "--json").json
    assert (real, REAL) == (left["id"], left["masked"])
    assert 3 == desk("next").code
    ended = time.monotonic()
    measured(f"{count} junk and one letter: received in {received - began:.0f} s, sorted in {ended - received:.0f} s")
    assert Counter({"no-match": each, "letter-json": each}) == Counter(desk.asides())


def test_flood_is_sorted(desk: Desk, office: Office, measured: Callable[[str], None]) -> None:
    """Six commands sort a flood, and the one letter is next; nothing of it is erased."""
    _sort(desk, office, 500, measured)
    assert 0 == desk("verify").code


@pytest.mark.long
def test_large_flood_is_sorted(desk: Desk, office: Office, measured: Callable[[str], None]) -> None:
    """So they do for ten thousand; and the whole of it is undone again, act by act."""
    _sort(desk, office, 10_000, measured)
    assert 0 == desk("undo").code
    assert 2_501 == len(desk("list", "--status", "new", "--json").json)
    assert 0 == desk("verify").code


def test_campaign_seen(desk: Desk, office: Office) -> None:
    """Near texts are one group, with its arrivals by day; a text of its own is in none; a source counts once."""
    texts = [*(_spam(number) for number in range(5)), REAL, SPAM, SPAM]
    letters = [letter(text, id=f"{number:02}" * 16) for number, text in enumerate(texts)]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in letters]))
    (group,) = desk("duplicates", "--json").json
    assert [f"{number:02}" * 16 for number in (0, 1, 2, 3, 4, 6, 7)] == group["reports"]
    assert (2, 7, [7]) == (group["exact"], group["sources"], list(group["arrivals"].values()))
    desk("link", "--like", "0000", "--same-source")
    shown = desk("duplicates", "0000")
    assert "00000000  7 reports from 1 source, 2 word for word" == shown.out.split("\n")[0]
    assert "    07070707" in shown.out.split("\n")
    assert "0 groups" in desk("duplicates", "0505").err


def test_unpassed_words_are_not_compared(desk: Desk, office: Office) -> None:
    """Only masked words of passed reports are compared: what is in quarantine is in no group."""
    letters = [letter(SPAM, id=f"{number:02}" * 16) for number in range(3)]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in letters]))
    desk("quarantine", "0101", typed="to be looked at")
    (group,) = desk("duplicates", "--json").json
    assert ["00" * 16, "02" * 16] == group["reports"]


TEXT = some.lists(some.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


@given(some.dictionaries(some.text("0123456789abcdef", min_size=4, max_size=4), TEXT, max_size=30))
def test_groups_are_whole(words: dict[str, str]) -> None:
    """No report is in two groups, the same words are in one group, and each member is near another of its group."""
    found = groups(words)
    members = [name for group in found for name in group.reports]
    assert len(members) == len(set(members))
    home = {name: group for group in found for name in group.reports}
    for one in words:
        for other in words:
            if one != other and words[one] == words[other]:
                assert home[one] is home[other]
    runs = {name: runs_of(tuple(words[name].split())) for name in words}
    for group in found:
        for one in group.reports:
            assert any(likeness(runs[one], runs[other]) >= NEAR for other in group.reports if other != one)
