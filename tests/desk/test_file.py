# SPDX-License-Identifier: AGPL-3.0-or-later
"""One sealed file, handed in without a bundle: the same checks, the same vault, and no gap in the bundles' chain."""

from pathlib import Path

import pytest
from deskkit import Desk, Office, Run, letter, make_office, manifest_digest

from crypto.envelope import PART_BYTES, seal


def _receive_file(desk: Desk, data: bytes, *more: str) -> Run:
    path = desk.stick / "letter.age"
    path.write_bytes(data)
    return desk("receive", "--file", str(path), *more)


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_file_is_filed_like_any_other(desk: Desk, office: Office) -> None:
    """The report of a file stands in the list, the vault holds together, and no bundle is missed."""
    run = _receive_file(desk, office.envelope(letter("handed over on a stick")))
    assert (0, "") == (run.code, run.out)
    assert "desk: 1 opened, 0 already here, 0 set aside" in run.err.split("\n")
    assert 1 == len(desk.ids())
    assert "never received" not in desk("status").out
    assert 0 == desk("verify").code


def test_file_and_bundle_are_one_report(desk: Desk, office: Office) -> None:
    """What was handed in on a stick and at the page too is filed once, in either order, and bundles follow on."""
    first, second = office.envelope(letter()), office.envelope(letter())
    bundle = office.bundle([first])
    _receive_file(desk, first)
    assert "desk: 0 opened, 1 already here, 0 set aside" in desk.receive(bundle).err.split("\n")
    _receive_file(desk, second)
    following = office.bundle([second], pull=2, previous=manifest_digest(bundle))
    assert "desk: 0 opened, 1 already here, 0 set aside" in desk.receive(following).err.split("\n")
    assert "desk: 0 opened, 1 already here, 0 set aside" in _receive_file(desk, second).err.split("\n")
    assert 2 == len(desk.ids())
    assert "never received" not in desk("status").out
    assert 0 == desk("verify").code


def test_no_envelope_is_refused_whole(desk: Desk, office: Office) -> None:
    """What is not one letter's envelope is refused with its fault; nothing of it is kept."""
    good = office.envelope(letter())
    part = seal(bytes(PART_BYTES), office.recipients)
    wrong = {
        "size": (b"", good[:-1], good + b"\0", part, seal(letter(), office.recipients[:1])),
        "version": (bytes(len(good)),),
        "stanza": (_flipped(good, 23),),
    }
    for fault, files in wrong.items():
        for data in files:
            run = _receive_file(desk, data)
            assert (4, "") == (run.code, run.out)
            assert "letter.age is not an envelope, nothing was stored: " in run.err
            assert f"({fault})" in run.err
    assert ([], []) == (desk.ids(), desk.asides())
    assert 0 == desk("verify").code


def test_altered_file_is_set_aside(desk: Desk, office: Office) -> None:
    """An envelope whose contents were altered is kept and named, as it would be from a bundle."""
    good = office.envelope(letter())
    run = _receive_file(desk, _flipped(good, len(good) - 5000))
    assert "desk: 0 opened, 0 already here, 1 set aside" in run.err.split("\n")
    assert ["payload"] == desk.asides()
    assert 0 == desk("verify").code


def test_file_of_another_week_opens_later(desk: Desk, office: Office, tmp_path: Path) -> None:
    """A file that none of the identities opens is kept, exit 4, and opens with the right ones."""
    other = make_office(tmp_path / "other")
    run = _receive_file(desk, seal(letter(), other.recipients))
    assert (4, ["no-match"]) == (run.code, desk.asides())
    assert "letter.age opens with none of these identities: it is kept, set aside" in run.err
    holder = str(other.secret / "holder-custodian.age")
    assert "desk: 1 opened, 0 already here, 0 set aside" in desk("retry", "--holder", holder).err.split("\n")
    assert 1 == len(desk.ids())
    assert 0 == desk("verify").code


@pytest.mark.parametrize("more", [["--outgoing", "."], ["--all-junk"], ["a.bundle"]], ids=str)
def test_file_stands_alone(desk: Desk, office: Office, more: list[str]) -> None:
    """A file is no bundle: what belongs to bundles is refused beside it, and neither is given in vain."""
    assert 2 == _receive_file(desk, office.envelope(letter()), *more).code
    assert 2 == desk("receive").code
    assert [] == desk.ids()
