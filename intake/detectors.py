# SPDX-License-Identifier: AGPL-3.0-or-later
"""The detectors: what in an officer's words could harm someone, found and explained, never changed.

The rules are data (`detectors.json`); the page runs the same list. Vectors: tests/vectors/detectors.json.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import Any

from intake.plaincopy import Alphabets, Copy, Folding, character_class, runs

_LIST = resources.files("intake").joinpath("detectors.json")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)
COMBINATION_PARTS = 3  # origin, month, place, person and harm; three of them can be enough to know a case


class Group(StrEnum):
    """Whom or what a rule protects: an applicant, the writer, a document, or the desk; and what cannot wait."""

    APPLICANT = "applicant"
    SELF = "self"
    MARKING = "marking"
    DOCUMENT = "document"
    URGENT = "urgent"
    TRICK = "trick"


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in a text. `start` and `end` count code points of the text as it was given."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One detector. A quiet one is shown to nobody alone: it counts in combinations, as its `part`."""

    id: str
    group: Group
    quiet: bool
    part: str | None
    once: bool
    patterns: tuple[tuple[str, re.Pattern[str]], ...]  # which copy it meets, and what it looks for
    runs: re.Pattern[str] | None
    mixed: bool
    near: tuple[frozenset[str], frozenset[str], int] | None


@dataclass(frozen=True, slots=True)
class Combination:
    """Several facts that stand together and could point to one case, each harmless alone."""

    parts: tuple[str, ...]
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class _Detectors:
    rules: tuple[Rule, ...]
    folding: Folding
    alphabets: Alphabets
    pictures: re.Pattern[str]


def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the list."""
    return _detectors().rules


def plain_copy(text: str) -> Copy:
    """Return the copy of a text that the patterns meet, and where each of its characters came from."""
    return _detectors().folding.copy(text)


def part(name: str) -> str:
    """Return a part of patterns by its name, as it stands in the list: a space is any one white space."""
    return str(json.loads(_LIST.read_text("utf-8"))["parts"][name])


def find(text: str) -> tuple[Hit, ...]:
    """Return every hit in the order of the text; time grows with its length and no faster.

    A hit that begins and ends inside what an earlier rule of the list has marked is left out, unless it is quiet.
    """
    detectors = _detectors()
    copy = detectors.folding.copy(text)
    marked = bytearray(len(text) + 1)
    found: list[tuple[int, int, int, str]] = []
    for number, rule in enumerate(detectors.rules):
        if rule.near:
            spans = _neighbours(rule.near, found)
        else:
            spans = _joined(_spans(rule, detectors, text, copy))
            spans = spans if rule.quiet else _unmarked(spans, marked)
        found += [(start, end, number, rule.id) for start, end in spans]
    return tuple(Hit(rule_id, start, end) for start, end, _, rule_id in sorted(found))


def folded(text: str) -> Copy:
    """Return a text as the rules meet it, but with the letters of every script."""
    return _detectors().folding.copy(text, every_script=True)


def combine(hits: Sequence[Hit], answers: Mapping[str, object]) -> Combination | None:
    """Return the quasi-identifiers that together could point to a case, or None when they are few.

    answers  those of the questionnaire: a month given there counts as much as one in the text
    """
    parts_of = {rule.id: rule.part for rule in rules()}
    counted = [hit for hit in hits if parts_of[hit.rule]]
    parts = {str(parts_of[hit.rule]) for hit in counted}
    if any(hit.rule == "date" for hit in hits) or _MONTH.fullmatch(str(answers.get("event_month", ""))):
        parts.add("month")
    if len(parts) < COMBINATION_PARTS or not parts & {"origin", "harm"} or not counted:
        return None
    return Combination(tuple(sorted(parts)), tuple(counted))


def _spans(rule: Rule, detectors: _Detectors, text: str, copy: Copy) -> Iterator[tuple[int, int]]:
    if rule.runs:
        yield from runs(text, rule.runs, detectors.pictures)
    elif rule.mixed:
        yield from detectors.alphabets.mixed_words(text)
    for which, pattern in rule.patterns:
        for match in _matches(which, pattern, copy):
            start = match.start(2) if pattern.groups else match.start()
            yield copy.starts[start], copy.ends[match.end() - 1]
            if rule.once:
                return


def _matches(which: str, pattern: re.Pattern[str], copy: Copy) -> Iterable[re.Match[str]]:
    if which == "opening":
        match = pattern.match(copy.lower)
        return [match] if match else []
    return pattern.finditer(copy.text if which == "cased" else copy.lower)


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans of one rule in order, those that overlap as one."""
    last: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if last and start < last[1]:
            last = last[0], max(last[1], end)
            continue
        if last:
            yield last
        last = start, end
    if last:
        yield last


def _unmarked(spans: Iterable[tuple[int, int]], marked: bytearray) -> Iterator[tuple[int, int]]:
    """Yield the spans that say something new, and mark them."""
    for start, end in spans:
        if not (marked[start] and marked[end - 1]):
            marked[start:end] = b"\1" * (end - start)
            yield start, end


def _neighbours(
    near: tuple[frozenset[str], frozenset[str], int], found: Iterable[tuple[int, int, int, str]]
) -> Iterator[tuple[int, int]]:
    """Yield the spans over one of each kind that follow each other with little between."""
    one, other, within = near
    for (start, end, _, a), (then, until, _, b) in pairwise(sorted(hit for hit in found if hit[3] in one | other)):
        if (a in one) != (b in one) and then - end <= within:
            yield start, max(end, until)


@lru_cache(maxsize=1)
def _detectors() -> _Detectors:
    data = json.loads(_LIST.read_text("utf-8"))
    classes, plain = data["classes"], data["plain"]
    written = {chr(int(code, 16)): character for character, codes in plain["as"] for code in codes}
    return _Detectors(
        rules=tuple(_rule(rule, data["parts"], classes) for rule in data["rules"]),
        folding=Folding(character_class(classes["invisible"] + plain["drop"]), written),
        alphabets=Alphabets.read(data["alphabets"]),
        pictures=character_class(classes["pictures"]),
    )


def _rule(data: dict[str, Any], parts: dict[str, str], classes: dict[str, list[list[str]]]) -> Rule:
    near = data.get("near")
    return Rule(
        id=data["id"],
        group=Group(data["group"]),
        quiet=data.get("quiet", False),
        part=data.get("part"),
        once=data.get("once", False),
        patterns=tuple(
            (which, _compiled(source, parts)) for which in ("any", "cased", "opening") for source in data.get(which, ())
        ),
        runs=character_class(classes[data["runs"]], "+") if "runs" in data else None,
        mixed="mixed" in data,
        near=(frozenset(near["one"]), frozenset(near["other"]), near["within"]) if near else None,
    )


def _compiled(source: str, parts: dict[str, str]) -> re.Pattern[str]:
    while "~" in source:
        source = re.sub(r"~(\w+)~", lambda name: parts[name[1]], source)
    return re.compile(source.replace(" ", r"\s"), re.ASCII | re.MULTILINE)
