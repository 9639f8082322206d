# SPDX-License-Identifier: AGPL-3.0-or-later
"""Training: the samples as officers would send them, handled with the desk's own verbs, and scored."""

from pathlib import Path
from typing import Any

import pytest
from deskkit import Run, command

from intake.samples import samples


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A training desk, just made."""
    run = command("desk", "train", "--dir", str(tmp_path / "training"))
    assert 0 == run.code, run.err
    return tmp_path / "training"


def _desk(folder: Path, verb: str, *arguments: str, typed: str = "") -> Run:
    where = ["--dir", str(folder / "desk"), "--passphrase-file", str(folder / "passphrase")]
    return command("desk", verb, *where, *arguments, typed=typed)


def _score(folder: Path) -> dict[str, dict[str, Any]]:
    run = command("desk", "train", "--dir", str(folder), "--json")
    assert 0 == run.code, run.err
    return {one["sample"]: one for one in run.json}


def test_every_sample_is_there_and_nothing_scored_yet(folder: Path) -> None:
    """Twelve reports; those that must be held are, the others read; no code is found before one is given."""
    scored = _score(folder)
    expected = {sample["id"]: "held" if sample["test"]["quarantine"] else "right" for sample in samples()}
    assert expected == {name: one["custody"] for name, one in scored.items()}
    assert [] == [code for one in scored.values() for code in one["found"]]
    assert 0 == _desk(folder, "verify").code


def test_work_is_scored(folder: Path) -> None:
    """Right and wrong codes are told apart; a report passed with its masks is right, without them exposed."""
    scored = _score(folder)
    first, named = scored["SR-01"]["report"], scored["SR-05"]["report"]
    _desk(folder, "tag", first, "REV.ASYM", "WRK.LOAD")
    assert 0 == _desk(folder, "pass", named).code
    again = _score(folder)
    assert (["REV.ASYM"], ["WRK.LOAD"]) == (again["SR-01"]["found"], again["SR-01"]["extra"])
    assert "right" == again["SR-05"]["custody"]
    assert 0 == _desk(folder, "quarantine", named, typed="a mistake to come").code
    assert 0 == _desk(folder, "mask", named, "--lift", "1", "--lift", "2").code
    assert 0 == _desk(folder, "pass", named).code
    assert "exposed" == _score(folder)["SR-05"]["custody"]


def test_answers_are_shown_on_request(folder: Path) -> None:
    """What a report is about is told only with --answers."""
    purpose = samples()[0]["test"]["purpose"]
    plain, told = (command("desk", "train", "--dir", str(folder), *more) for more in ((), ("--answers",)))
    assert (False, True) == (purpose in plain.out, purpose in told.out)


def test_another_folder_is_not_scored(tmp_path: Path) -> None:
    """A folder that is no training desk is exit 3."""
    assert 3 == command("desk", "train", "--dir", str(tmp_path)).code
