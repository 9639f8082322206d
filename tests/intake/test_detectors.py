# SPDX-License-Identifier: AGPL-3.0-or-later
"""The detectors: every rule's vectors, the samples, and the page's code finding the same."""

import json
import re
import time
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.detectors import combine, find, rules
from intake.plaincopy import Folding, character_class

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "detectors.json").read_text("ascii"))
DATA = json.loads(resources.files("intake").joinpath("detectors.json").read_text("ascii"))
SAMPLES = {
    sample["id"]: sample["text"]
    for sample in json.loads(resources.files("intake").joinpath("samples.json").read_text("utf-8"))["samples"]
}
HITS = [(rule, text, spans) for rule, cases in VECTORS["rules"].items() for text, spans in cases["hit"]]
MISSES = [(rule, text) for rule, cases in VECTORS["rules"].items() for text in cases["miss"]]
MUST = [(sample, rule, words) for sample, marks in VECTORS["samples"]["must"].items() for rule, words in marks]
EVERY_TEXT = [text for _, text, _ in HITS] + [text for _, text in MISSES] + list(SAMPLES.values())
MAX_CHARACTERS = 15_000
MAX_SECONDS = 0.1

# Letters that mean something here, among characters of every kind; unassigned ones change between Unicode versions.
words = st.sampled_from([word for text in EVERY_TEXT for word in re.findall(r"\s+|\S+", text)])
characters = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=8)
texts = st.lists(words | characters, max_size=30).map("".join)


def marked(text: str, rule: str) -> list[list[int]]:
    return [[hit.start, hit.end] for hit in find(text) if hit.rule == rule]


@pytest.mark.parametrize(("rule", "text", "spans"), HITS)
def test_rule_marks_exactly(rule, text, spans):
    """A text that a rule is for is marked there and nowhere else."""
    assert spans == marked(text, rule)


@pytest.mark.parametrize(("rule", "text"), MISSES)
def test_near_miss_is_left_alone(rule, text):
    """A text that only looks like it is not marked."""
    assert [] == marked(text, rule)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_rule_has_vectors(rule):
    """Every rule has six texts that it marks and four that it does not."""
    cases = VECTORS["rules"][rule.id]
    assert len(cases["hit"]) >= 6
    assert len(cases["miss"]) >= 4


def test_no_vectors_without_rule():
    """The vectors name no rule that is gone, and no rule stands twice."""
    ids = [rule.id for rule in rules()]
    assert sorted(ids) == sorted(VECTORS["rules"])


@pytest.mark.parametrize(("sample", "rule", "words"), MUST)
def test_sample_is_flagged(sample, rule, words):
    """What a sample must be flagged for is found, by rule and by words."""
    text = SAMPLES[sample]
    assert (rule, words) in {(hit.rule, text[hit.start : hit.end]) for hit in find(text)}


@pytest.mark.parametrize("sample", VECTORS["samples"]["quiet"])
def test_harmless_sample_is_quiet(sample):
    """A sample without a trap shows nothing to the officer."""
    quiet = {rule.id for rule in rules() if rule.quiet}
    assert set() == {hit.rule for hit in find(SAMPLES[sample])} - quiet
    assert combine(find(SAMPLES[sample]), {"event_month": "2019-04"}) is None


@pytest.mark.parametrize("case", VECTORS["combinations"])
def test_combination(case, officer):
    """Quasi-identifiers are counted together, here and in the page."""
    combined = combine(find(case["text"]), case["answers"])
    answer = officer.ask(do="detect", text=case["text"], answers=case["answers"])["combination"]
    assert case["parts"] == (combined and list(combined.parts))
    assert answer == (combined and {"parts": list(combined.parts), "hits": len(combined.hits)})


def test_page_finds_the_same(officer):
    """Every vector and sample gives the same hits in the page's code, by rule and by place."""
    ours = [[[hit.rule, hit.start, hit.end] for hit in find(text)] for text in EVERY_TEXT]
    assert ours == [officer.ask(do="detect", text=text)["hits"] for text in EVERY_TEXT]


@settings(max_examples=400, deadline=None)
@given(texts)
def test_page_agrees_on_anything(officer, text):
    """Whatever is typed, both find the same, and the page's UTF-16 places cut the same words."""
    hits = find(text)
    answer = officer.ask(do="detect", text=text)
    assert [[hit.rule, hit.start, hit.end] for hit in hits] == answer["hits"]
    utf16 = text.encode("utf-16-le")
    cut = [utf16[2 * start : 2 * end].decode("utf-16-le") for _, start, end in answer["units"]]
    assert [text[hit.start : hit.end] for hit in hits] == cut


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_find_never_stumbles(text):
    """Any text, lone surrogates too, gives hits that lie inside it, are not empty, and stand in order."""
    hits = find(text)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
    assert list(hits) == sorted(hits, key=lambda hit: (hit.start, hit.end))


def test_lone_surrogate_is_one_place(officer):
    """Half a pair counts as one code point here and in the page."""
    text = "\ud800 A 000-555-012 \udc00"
    assert [["a_number", 2, 15]] == officer.ask(do="detect", text=text)["hits"]
    assert [[2, 15]] == marked(text, "a_number")


def seconds_of(text: str) -> float:
    """Return how long the processor needs to find what is in a text."""
    start = time.process_time()
    find(text)
    return time.process_time() - start


@pytest.mark.parametrize("bait", VECTORS["hostile"], ids=ascii)
def test_time_is_bounded(bait):
    """15,000 characters made to be slow take less than a tenth of a second."""
    text = (bait * MAX_CHARACTERS)[:MAX_CHARACTERS]
    assert min(seconds_of(text) for _ in range(3)) < MAX_SECONDS


@pytest.mark.parametrize("bait", VECTORS["hostile"], ids=ascii)
def test_time_grows_with_the_length(bait):
    """Twice as many of them take less than three times as long, on a machine of any speed; four times is a square."""
    text = (bait * MAX_CHARACTERS)[:MAX_CHARACTERS]
    assert any(seconds_of(text) < 3 * seconds_of(text[: MAX_CHARACTERS // 2]) for _ in range(5))


@pytest.mark.parametrize("rule", DATA["rules"], ids=lambda rule: rule["id"])
def test_pattern_is_plain(rule):
    """No pattern looks behind, repeats without bound or has a group but cue and value: old engines and linear time."""
    sources = [*rule.get("any", []), *rule.get("cased", []), *rule.get("opening", [])]
    whole = "\n".join([*sources, *DATA["parts"].values()])
    assert not re.search(r"\(\?<|(?<!\\)[*]|(?<![\\\[])\+(?!\])|\{\d*,\}|\\[1-9pPuk]", re.sub(r"\[[^]]*\]", "", whole))
    groups = [re.sub(r"\\.|\[[^]]*\]", "", source) for source in sources]
    assert {len(re.findall(r"\((?!\?)", group)) for group in groups} <= {0, 2}
    assert whole.isascii()


def test_copy_keeps_places():
    """The plain copy folds accents, dashes, quotes and ligatures, and knows where each character came from."""
    folding = Folding(character_class([["300", "36f"], ["200b", "200b"]]), {"\u2013": "-"})
    copy = folding.copy("a\u200b\ufb01e\u0301\u2013\u0442")
    assert ("afie-\ufffd", [0, 2, 2, 3, 5, 6], [2, 3, 3, 5, 6, 7]) == (copy.text, copy.starts, copy.ends)
