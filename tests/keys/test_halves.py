# SPDX-License-Identifier: AGPL-3.0-or-later
"""Public halves: read only as they are written, byte for byte."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.primitives import digest
from desk.halves import Half, Role, half_digest, mondays, read_half, write_half
from desk.keymaking import Made, Sealer, make_courier_key, make_desk_key, make_holder, make_raw_key

SEALER = Sealer("throwaway passphrase", True)
FIRSTS = mondays(date(2031, 5, 7), 3)
MADE: dict[str, Made] = {
    "custodian": make_holder("custodian", FIRSTS, SEALER),
    "recovery": make_holder("recovery", FIRSTS, SEALER),
    "desk": make_desk_key(SEALER),
    "courier": make_courier_key("throwaway passphrase", True),
    "counsel": make_raw_key("counsel", SEALER),
}
CUSTODIAN = write_half(MADE["custodian"].half)


@pytest.mark.parametrize("name", MADE)
def test_half_reads_back(name):
    """Every kind."""
    assert read_half(write_half(MADE[name].half)) == MADE[name].half


@pytest.mark.parametrize("name", MADE)
def test_half_has_no_secret(name):
    """Nothing of a secret file's text stands in the half."""
    text = write_half(MADE[name].half)
    assert b"SECRET" not in text
    assert b"PRIVATE" not in text


@given(at=st.integers(0, len(CUSTODIAN) - 1), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_changed_byte_is_refused(at, byte):
    """A half with one byte changed is refused, or is another half that is whole: then its digest is another."""
    data = CUSTODIAN[:at] + bytes([byte]) + CUSTODIAN[at + 1 :]
    try:
        half = read_half(data)
    except ValueError:
        return
    assert write_half(half) == data
    assert (data == CUSTODIAN) == (half_digest(data) == half_digest(CUSTODIAN))


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_junk_is_refused(junk):
    """Anything else is one kind of refusal."""
    with pytest.raises(ValueError, match=r"."):
        read_half(junk)


def _without(word: bytes) -> bytes:
    return b"".join(line for line in CUSTODIAN.splitlines(keepends=True) if not line.startswith(word))


WRONG = {
    "no weeks": _without(b"week"),
    "no name": _without(b"name"),
    "a gap": CUSTODIAN.replace(b"2031-05-12 2031-05-18", b"2031-05-26 2031-06-01"),
    "not a Monday": CUSTODIAN.replace(b"2031-05-05 2031-05-11", b"2031-05-06 2031-05-12"),
    "end of time": CUSTODIAN.replace(b"2031-05-05 2031-05-11", b"9999-12-27 9999-12-31"),
    "a path": CUSTODIAN.replace(b"custodian", b"../custodian"),
    "two names": CUSTODIAN.replace(b"name custodian\n", b"name custodian\nname custodian\n"),
    "line ends": CUSTODIAN.replace(b"\n", b"\r\n"),
    "role": CUSTODIAN.replace(b"role holder", b"role desk"),
    "unknown role": CUSTODIAN.replace(b"role holder", b"role root"),
    "too long": CUSTODIAN + b"#" * 70_000 + b"\n",
    "the same key twice": b"".join(CUSTODIAN.splitlines(keepends=True)[:-1])
    + CUSTODIAN.splitlines(keepends=True)[-2].replace(b"2031-05-12 2031-05-18", b"2031-05-19 2031-05-25"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_half_is_refused(name):
    """Each rule of the form."""
    with pytest.raises(ValueError, match="not a public half"):
        read_half(WRONG[name])


def test_digest_is_that_of_sha256sum():
    """What is read aloud is the beginning of what stock sha256sum prints."""
    assert half_digest(CUSTODIAN).replace(" ", "") == digest(CUSTODIAN)[:32]


def test_new_batch_keeps_the_raw_key():
    """With the half before, no second long-lived key is made."""
    again = make_holder("custodian", FIRSTS, SEALER, MADE["custodian"].half.raw)
    assert again.half.raw == MADE["custodian"].half.raw
    assert set(again.secret) == {"holder-custodian.age"}
    assert set(again.half.weeks).isdisjoint(MADE["custodian"].half.weeks)


def test_recovery_reads_no_raw_words():
    """Recovery has weeks, and nothing that opens the vault."""
    assert MADE["recovery"].half.raw is None
    assert set(MADE["recovery"].secret) == {"holder-recovery.age"}


def test_nothing_shows_a_passphrase():
    """The repr of what seals shows nothing."""
    assert "throwaway passphrase" not in repr(SEALER)
    assert Half(Role.DESK, "desk", True).file_name == "desk.public.txt"
