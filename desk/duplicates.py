# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts that say the same, or nearly: groups of them, by the runs of words they share. Pure, and bounded in work.

Two texts are near when they share NEAR of all runs of three words that either has (Jaccard). Texts that could be near
are found by MinHash: the smallest hashes of a text's runs, cut into bands; near texts mostly have a band in common.
Hashes are Python's own, keyed anew in each process, so that nobody can write a text that collides on purpose; a band
in common only makes two texts be compared. Nothing of this is kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

NEAR = 0.7  # of all runs that either has
RUN = 3  # words
SLOTS, ROWS = 63, 3  # 21 bands of 3: two texts that share 0.7 of their runs miss one another once in 6,000 times
COMPARED = 6  # texts of one band that a further one is compared with, so that work grows with texts, not their pairs

Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Reports that say the same or nearly, by id. `exact` of them have the very words that most of them have."""

    reports: tuple[str, ...]
    exact: int


def groups(words: Mapping[str, str]) -> list[Group]:
    """Return the groups of two and more among these texts, the largest first.

    words  masked words by report
    """
    same: dict[Run, list[str]] = {}
    for report in sorted(words):
        same.setdefault(tuple(re.findall(r"\w+", words[report].casefold())), []).append(report)
    texts = [text for text in same if text]
    leaders = _near([runs_of(text) for text in texts])
    whole: dict[int, list[list[str]]] = {}
    for text, leader in zip(texts, leaders, strict=True):
        whole.setdefault(leader, []).append(same[text])
    made = [Group(tuple(sorted(sum(parts, []))), max(map(len, parts))) for parts in whole.values()]
    return sorted((one for one in made if len(one.reports) > 1), key=lambda one: (-len(one.reports), one.reports))


def runs_of(text: Run) -> frozenset[Run]:
    """Return the runs of words of a text; the text itself where it is shorter than a run."""
    return frozenset(text[start : start + RUN] for start in range(max(1, len(text) - RUN + 1)))


def likeness(one: frozenset[Run], other: frozenset[Run]) -> float:
    """Return the share of runs that two texts have in common, from 0 to 1."""
    return len(one & other) / len(one | other)


def _near(texts: list[frozenset[Run]]) -> list[int]:
    """Return for each text the first of its group."""
    leads = list(range(len(texts)))

    def first(one: int) -> int:
        while leads[one] != one:
            leads[one] = leads[leads[one]]
            one = leads[one]
        return one

    met: dict[tuple[int, ...], list[int]] = {}
    for number, runs in enumerate(texts):
        for band in _bands(runs):
            others = met.setdefault(band, [])
            for other in others:
                if first(other) != first(number) and likeness(runs, texts[other]) >= NEAR:
                    leads[first(number)] = first(other)
            if len(others) < COMPARED and all(first(other) != first(number) for other in others):
                others.append(number)
    return [first(number) for number in range(len(texts))]


def _bands(runs: Iterable[Run]) -> Iterator[tuple[int, ...]]:
    """Yield the bands of a text: each its place and the smallest hash in each of its slots."""
    least: list[int | None] = [None] * SLOTS
    for run in runs:
        value, slot = divmod(hash(run), SLOTS)
        now = least[slot]
        least[slot] = value if now is None or value < now else now
    filled = [slot for slot in range(SLOTS) if least[slot] is not None]
    for slot in range(SLOTS):  # an empty slot takes what stands in the next filled one
        if least[slot] is None:
            least[slot] = least[next((place for place in filled if place > slot), filled[0])]
    for start in range(0, SLOTS, ROWS):
        yield (start, *(value for value in least[start : start + ROWS] if value is not None))
