# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bundles, envelopes and letters changed at random: always a named fault, never a crash, never taken for good."""

import io
from datetime import date
from pathlib import Path

import pytest
from deskkit import Office, day, filled, letter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from crypto.recipient import Recipient
from crypto.secret.identity import HybridIdentity
from desk.errors import BundleFault
from desk.faults import DESK_ERROR, WORDS
from desk.filing import Judge, Opener
from desk.receive import Known, Place, examine
from desk.settings import Settings
from intake.office import read_office

MINE = HybridIdentity.generate()
RECIPIENTS: tuple[Recipient, ...] = (MINE.recipient, *(HybridIdentity.generate().recipient for _ in range(2)))
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def facts(office: Office) -> Settings:
    """The settings of a desk of this office, its weekly key ours."""
    regions = read_office((office.public / "office.json").read_bytes())
    keys = (office.portal.public, office.desk)
    return Settings(regions, *keys, 3, date(2031, 1, 5), RECIPIENTS[1], RECIPIENTS[2], 1, (Path("a"),), Path("b"))


@pytest.fixture(scope="module")
def judge(facts: Settings) -> Judge:
    """What reads envelopes sealed to our key."""
    return Judge(Opener([MINE], 3), facts)


@pytest.fixture(scope="module")
def sealed() -> Office:
    """Where envelopes to our key come from."""
    return Office(Path("a"), RECIPIENTS, MINE)  # type: ignore[arg-type]


def _edit(data: bytes, at: int, gone: int, put: bytes) -> bytes:
    at %= len(data)
    return data[:at] + put + data[at + gone :]


EDITS = some.tuples(some.integers(0, 10**9), some.integers(0, 40), some.binary(max_size=40))


@pytest.fixture(scope="module")
def whole(office: Office) -> bytes:
    """A good bundle of three."""
    return office.bundle([office.envelope(letter()) for _ in range(3)])


def test_good_bundle_is_examined(facts: Settings, whole: bytes) -> None:
    """The bundle that the mutants come from is good."""
    assert Place.NEXT is examine(io.BytesIO(whole), facts, Known({}, 0), day()).place


@FUZZ
@given(edit=EDITS)
def test_changed_bundle_refused(facts: Settings, whole: bytes, edit: tuple[int, int, bytes]) -> None:
    """No edit anywhere in a bundle goes unnoticed."""
    changed = _edit(whole, *edit)
    if changed != whole:
        with pytest.raises(BundleFault):
            examine(io.BytesIO(changed), facts, Known({}, 0), day())


@FUZZ
@given(at=some.integers(0, 500), bit=some.integers(0, 7))
def test_changed_manifest_refused(facts: Settings, whole: bytes, at: int, bit: int) -> None:
    """Nor any bit of the manifest and the signature."""
    changed = _edit(whole, at, 1, bytes([whole[at] ^ 1 << bit]))
    with pytest.raises(BundleFault):
        examine(io.BytesIO(changed), facts, Known({}, 0), day())


@FUZZ
@given(edit=EDITS)
def test_changed_envelope_set_aside(judge: Judge, sealed: Office, edit: tuple[int, int, bytes]) -> None:
    """An envelope with any edit is set aside by a fault that has words, and by no error of ours."""
    envelope = sealed.envelope(letter())
    changed = _edit(envelope, *edit)
    fault = judge.judge(changed).fault
    assert changed == envelope or (fault in WORDS and fault != DESK_ERROR)


@FUZZ
@given(at=some.integers(0, 21_156), bit=some.integers(0, 7))
def test_flipped_envelope_set_aside(judge: Judge, sealed: Office, at: int, bit: int) -> None:
    """So is one with a single bit flipped, in its own stanza, another's, the MAC or the payload."""
    envelope = sealed.envelope(letter())
    fault = judge.judge(_edit(envelope, at, 1, bytes([envelope[at] ^ 1 << bit]))).fault
    assert fault in WORDS
    assert fault != DESK_ERROR


@FUZZ
@given(edit=EDITS)
def test_changed_letter_has_a_verdict(judge: Judge, sealed: Office, edit: tuple[int, int, bytes]) -> None:
    """A letter changed before it was sealed is read or set aside; our own code fails on none."""
    text = letter().rstrip(b" ")
    plaintext = _edit(text, *edit)[:16_384].ljust(16_384, b" ")
    judged = judge.judge(sealed.envelope(plaintext))
    assert (judged.letter is None) == (judged.fault is not None)
    assert judged.fault != DESK_ERROR
    assert judged.sealed is not None


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
NAMES = ["v", "kind", "id", "questionnaire", "lang", "answers", "text", "consent", "attachments", "return"]


@FUZZ
@given(name=some.sampled_from(NAMES), value=JSON)
def test_other_types_have_a_verdict(judge: Judge, sealed: Office, name: str, value: object) -> None:
    """Whatever stands in a field, the verdict is a fault with words or a letter."""
    import json

    plaintext = filled(json.dumps({**json.loads(letter()), name: value}))
    judged = judge.judge(sealed.envelope(plaintext))
    assert judged.fault is None or (judged.fault in WORDS and judged.fault != DESK_ERROR)
