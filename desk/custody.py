# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first look at a report: what quarantines it, what isolates it, what cannot wait, and what is masked. Pure.

The rules of detection are the page's (intake/detectors.json); here stands what each finding means at the desk.
8 CFR 208.6 and 1208.6 are why an applicant's data is masked before a second person reads.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from desk.stricter import CLASSIFIED, RULES, find_stricter, words_of
from intake.detectors import Group, Hit, combine, find, folded, rules

COMBINATION = "combination"  # several facts that together could point to one case
CHOSEN = "chosen"  # a mask that the custodian chose
CONTACT = frozenset({"mail", "phone", "badge", "ssn", "url"})  # of the writer: nobody may learn it by chance
WATERMARK = frozenset({"invisible", "mixed_script"})  # wording that tells which copy of a document was used
CANNOT_WAIT = frozenset({"removal", "distress", "urgent"})
_QUARANTINING = frozenset({Group.APPLICANT, Group.MARKING, Group.DOCUMENT, Group.TRICK})
LABEL = "[masked: {}]"


class State(StrEnum):
    """Who may read a report: masked by all, raw by the custodian, or counsel alone."""

    PASSED = "passed"
    QUARANTINE = "quarantine"
    ISOLATED = "isolated"


STRICTEST = (State.ISOLATED, State.QUARANTINE, State.PASSED)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place that is masked, in code points of the officer's text, and the rule or the choice it comes from."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the detectors make of a report. `flags` are rule ids, sorted; `masks` what is masked by default."""

    state: State
    flags: tuple[str, ...]
    today: bool
    masks: tuple[Span, ...]


def first_look(text: str, answers: Mapping[str, object]) -> Look:
    """Return what the detectors find in a text, and what follows."""
    hits = find(text)
    shown = [hit for hit in hits if hit.rule not in _quiet()]
    together = combine(hits, answers)
    strict = find_stricter(text)
    flags = {hit.rule for hit in shown} | {one.rule for one in strict} | ({COMBINATION} if together else set())
    names = [text[hit.start : hit.end] for hit in shown if hit.rule == "name"]
    spans = [Span(hit.start, hit.end, hit.rule) for hit in shown if _groups()[hit.rule] is not Group.URGENT]
    spans += [Span(one.start, one.end, one.rule) for one in (*strict, *words_of(text, names))]
    if together:
        spans += _uncovered(together.hits, spans)
    return Look(_state(flags), tuple(sorted(flags)), bool(flags & CANNOT_WAIT), joined(spans))


def all_flags() -> tuple[str, ...]:
    """Return every flag that a report can have: the detectors' rules, the desk's own stricter ones, and COMBINATION."""
    return tuple(sorted({COMBINATION, *RULES, *(rule.id for rule in rules())}))


def _state(flags: set[str]) -> State:
    if CLASSIFIED in flags:
        return State.ISOLATED
    groups = {_groups().get(flag) for flag in flags}
    if None in groups or groups & _QUARANTINING or flags & (CONTACT | WATERMARK):
        return State.QUARANTINE
    return State.PASSED


def _uncovered(hits: Iterable[Hit], spans: Sequence[Span]) -> list[Span]:
    return [
        Span(hit.start, hit.end, COMBINATION)
        for hit in hits
        if not any(span.start <= hit.start and hit.end <= span.end for span in spans)
    ]


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, those that overlap as one under the rule of the first."""
    whole: list[Span] = []
    for span in sorted(set(spans)):
        if whole and span.start < whole[-1].end:
            whole[-1] = Span(whole[-1].start, max(whole[-1].end, span.end), whole[-1].rule)
        else:
            whole.append(span)
    return tuple(whole)


def masked(text: str, spans: Iterable[Span]) -> str:
    """Return the text with a label in the place of each span; nothing of what it hid is left, its length included."""
    parts, place = [], 0
    for span in joined(spans):
        parts += [text[place : span.start], LABEL.format(span.rule)]
        place = span.end
    return "".join([*parts, text[place:]])


def spans_of_words(text: str, words: str) -> tuple[Span, ...]:
    """Return every place where these words stand, in any capitals, however they are written.

    Accents, invisible characters, forms of one letter and the length of white space make no difference, as for the
    detectors. Words of nothing but such characters are looked for as they are.
    """
    wanted = "".join(letter for letter, _, _ in _letters(words)).strip()
    written = list(_letters(text)) if wanted else [(letter, at, at + 1) for at, letter in enumerate(text)]
    wanted = wanted or words
    whole = "".join(letter for letter, _, _ in written)
    spans, place = [], whole.find(wanted) if wanted else -1
    while place >= 0:
        last = place + len(wanted) - 1
        spans.append(Span(written[place][1], written[last][2], CHOSEN))
        place = whole.find(wanted, last + 1)
    return joined(spans)


def _letters(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the letters of a text, folded, a run of white space as one, each with the place it came from."""
    copy, space = folded(text), False
    for character, start, end in zip(copy.text, copy.starts, copy.ends, strict=True):
        if not (space and character.isspace()):
            yield from ((letter, start, end) for letter in (" " if character.isspace() else character.casefold()))
        space = character.isspace()


def write_layer(spans: Iterable[Span]) -> str:
    """Return masks as they are kept: places and rules, no words."""
    return json.dumps([[span.start, span.end, span.rule] for span in spans], separators=(",", ":"))


def read_layer(text: str) -> tuple[Span, ...]:
    """Return the masks of a kept layer."""
    return tuple(Span(start, end, rule) for start, end, rule in json.loads(text))


def _groups() -> dict[str, Group]:
    return {rule.id: rule.group for rule in rules()}


def _quiet() -> frozenset[str]:
    return frozenset(rule.id for rule in rules() if rule.quiet)
