# SPDX-License-Identifier: AGPL-3.0-or-later
"""A week's keys destroyed on a holder's own machine, by the desk's signed word and no other."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from deskkit import (
    PASSPHRASE,
    Desk,
    Office,
    Run,
    command,
    day,
    make_office,
)
from destroykit import AGO, ENDED, FIRST, batch, holder

from crypto.secret.secretfile import open_secret
from crypto.signature import Namespace, SigningKey, sign
from desk.halves import mondays
from desk.received import read_received, write_received


def _elsewhere(office: Office, received: Path, *more: str) -> Run:
    """Destroy on counsel's own machine."""
    return command(
        *("keys", "destroy-weeks", str(holder(office, "counsel")), "--received", str(received)),
        *("--office", str(office.public), "--by", "C. Counsel", *more),
        *("--passphrase-file", str(office.passphrase_file)),
    )


@pytest.fixture
def received(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> Path:
    """What the desk signs for holders elsewhere."""
    desk.receive(office.bundle([letters(0)]))
    path = desk.stick / "received.txt"
    assert 0 == desk("received-until", "--out", str(path)).code
    return path


def test_holder_elsewhere(office: Office, received: Path) -> None:
    """Counsel destroys by the desk's word; the record names counsel, and the desk's own file is as it was."""
    run = _elsewhere(office, received)
    assert 0 == run.code, run.err
    assert ([first for first in mondays(FIRST, 13) if first not in ENDED], 13) == (
        list(batch(holder(office, "counsel"))),
        len(batch(holder(office))),
    )
    kept = holder(office, "counsel").with_name(f"holder-counsel-destroyed-{ENDED[-1] + timedelta(days=6)}.txt")
    assert (run.out.endswith(kept.read_text()), "C. Counsel" in kept.read_text()) == (True, True)


def test_holder_elsewhere_dry_run(office: Office, received: Path) -> None:
    """The same without destroying."""
    run = _elsewhere(office, received, "--dry-run")
    assert (0, len(ENDED), 13) == (run.code, run.out.count("holder-counsel.age"), len(batch(holder(office, "counsel"))))


def test_received_is_checked_by_stock_tools(office: Office, received: Path) -> None:
    """ssh-keygen finds the desk's signature good, with the office's own file of signers."""
    import subprocess

    signers = ("-f", str(office.public / "allowed_signers"), "-I", "desk@underseal", "-n", "received@underseal")
    check = ["ssh-keygen", "-Y", "verify", *signers, "-s", f"{received}.sig"]
    assert 0 == subprocess.run(check, input=received.read_bytes(), capture_output=True).returncode


@pytest.mark.parametrize("name", ["altered", "unsigned", "another office's"])
def test_no_word_of_this_desk(office: Office, received: Path, tmp_path: Path, name: str) -> None:
    """A text that this office's desk has not signed as it is destroys nothing."""
    if name == "altered":
        received.write_bytes(received.read_bytes().replace(b"until 2", b"until 3"))
    elif name == "unsigned":
        Path(f"{received}.sig").write_text("")
    else:
        office.public.rename(tmp_path / "away")
        shutil.copytree(make_office(tmp_path / "other").public, office.public)
    run = _elsewhere(office, received)
    assert (4, "", 13) == (run.code, run.out, len(batch(holder(office, "counsel"))))
    assert "the desk of this office has not signed it" in run.err


@pytest.mark.parametrize("change", [{"signed": -3}, {"signed": 1}, {"office": "Local 2"}], ids=str)
def test_word_that_does_not_hold(office: Office, received: Path, change: dict[str, int | str]) -> None:
    """A hold may have come since an old text; one of tomorrow, or of another office, is none of ours."""
    said = read_received(received.read_bytes())
    days = change.get("signed", 0)
    assert isinstance(days, int)
    changed = replace(said, office=str(change.get("office", said.office)), signed=day() + timedelta(days=days))
    secret = open_secret((office.secret / "desk.age").read_bytes(), PASSPHRASE)
    key = SigningKey.from_openssh(secret[secret.index(b"-----BEGIN") :], None)
    received.write_bytes(write_received(changed))
    Path(f"{received}.sig").write_text(sign(write_received(changed), key, Namespace.RECEIVED))
    run = _elsewhere(office, received)
    assert (4, "", 13) == (run.code, run.out, len(batch(holder(office, "counsel"))))
    assert "it holds for 2 days, for its office" in run.err


def test_keys_of_another_office_stay(office: Office, received: Path, tmp_path: Path) -> None:
    """Whoever holds keys of two offices cannot mistake one file for the other."""
    other = make_office(tmp_path / "other", weeks_ago=AGO)
    foreign = holder(other, "counsel").read_bytes()
    holder(office, "counsel").write_bytes(foreign)
    run = _elsewhere(office, received)
    assert (4, foreign) == (run.code, holder(office, "counsel").read_bytes())
    assert "none of the keys in holder-counsel.age is in the lists of public" in run.err
