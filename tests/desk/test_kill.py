# SPDX-License-Identifier: AGPL-3.0-or-later
"""Killed at any point: nothing is half, nothing is lost, and running it again ends as if it had never happened."""

import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from deskkit import (
    CANARY,
    PASSPHRASE,
    Desk,
    Office,
    day,
    killed,
    killed_after,
    letter,
    manifest_digest,
    read_log,
    typed,
)
from keepkit import receive_on

from desk import purge
from desk.events import Kind
from desk.vault import open_vault, read_header

COUNT = 120
IDS = [f"{number:032x}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def big(office: Office) -> bytes:
    """A bundle that takes several transactions."""
    return office.bundle([office.envelope(letter(CANARY, id=name)) for name in IDS] + [bytes(21_157)])


def _kinds(desk: Desk) -> Counter[Kind]:
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        return Counter(row.event.kind for row in read_log(connection))


def _seconds(desk: Desk, *arguments: str, typed: str = "") -> float:
    started = time.monotonic()
    assert 0 == desk(*arguments, typed=typed).code
    return time.monotonic() - started


@pytest.fixture(scope="module")
def receive_seconds(office: Office, big: bytes, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a whole run takes here and now."""
    folder = tmp_path_factory.mktemp("timed")
    desk = Desk(office, folder / "desk", folder)
    desk.init()
    (folder / "b").write_bytes(big)
    return _seconds(desk, "receive", str(folder / "b"), "--outgoing", str(folder / "outgoing"))


@pytest.mark.parametrize("point", range(6))
def test_receive_killed(desk: Desk, big: bytes, receive_seconds: float, point: int) -> None:
    """Killed at a random moment, receive leaves a vault that holds and no word in clear; the next run ends whole."""
    path, outgoing = desk.stick / "b", desk.stick / "outgoing"
    path.write_bytes(big)
    moment = receive_seconds * random.uniform(point / 6, (point + 1) / 6)
    killed_after(moment, desk, "receive", str(path), "--outgoing", str(outgoing))
    assert CANARY.encode() not in b"".join(left.read_bytes() for left in desk.folder.iterdir())
    assert 0 == desk("verify").code
    assert set(desk.ids()) <= set(IDS)
    assert not list(outgoing.glob("ack-*")) or COUNT == len(desk.ids())
    assert 0 == desk("receive", str(path), "--outgoing", str(outgoing)).code
    assert (IDS, ["version"], 0) == (desk.ids(), desk.asides(), desk("verify").code)
    kinds = _kinds(desk)
    assert (COUNT, 1, 1) == (kinds[Kind.FILED], kinds[Kind.SET_ASIDE], kinds[Kind.RECEIVED])
    assert {"ack-000001.json", "ack-000001.json.sig"} == {path.name for path in outgoing.glob("ack-*")}


@pytest.fixture
def small(desk: Desk, office: Office) -> Desk:
    """A desk with one report."""
    desk.receive(office.bundle([office.envelope(letter(id=IDS[0]))]))
    return desk


@pytest.mark.parametrize("point", range(4))
def test_tag_killed(small: Desk, point: int) -> None:
    """Killed at a random moment, tag has applied both codes or none; again, and they are there once."""
    moment = 1.5 * _seconds(small, "list") * random.uniform(point / 4, (point + 1) / 4)
    killed_after(moment, small, "tag", IDS[0], "REV.OVER", "REV.ASYM")
    assert 0 == small("verify").code
    assert small("show", IDS[0], "--json").json["codes"] in ([], ["REV.ASYM", "REV.OVER"])
    assert 0 == small("tag", IDS[0], "REV.OVER", "REV.ASYM").code
    assert ["REV.ASYM", "REV.OVER"] == small("show", IDS[0], "--json").json["codes"]
    assert 2 == _kinds(small)[Kind.TAGGED]


@pytest.mark.parametrize("point", range(5))
def test_note_killed(small: Desk, point: int) -> None:
    """Killed at a random moment, a note is there whole or not at all."""
    moment = 1.5 * _seconds(small, "list") * random.uniform(point / 5, (point + 1) / 5)
    killed_after(moment, small, "note", IDS[0], typed="the whole note")
    assert 0 == small("verify").code
    assert [note["text"] for note in small("show", IDS[0], "--json").json["notes"]] in ([], ["the whole note"])


LATER = timedelta(days=400)


def _receive_later(desk: Desk) -> None:
    last = (desk.stick / "bundle").read_bytes()
    assert (
        0 == receive_on(desk, desk.office.bundle([], 2, manifest_digest(last), pulled=day() + LATER), LATER.days).code
    )


def _purge(desk: Desk) -> None:
    with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day() + LATER) as vault:
        purge.purge(vault, [one.subject for one in purge.due(vault)])


def _due(desk: Desk) -> int:
    with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day() + LATER) as vault:
        return len(purge.due(vault))


def _kill_a_mask(small: Desk, share: float) -> None:
    moment = 1.5 * _seconds(small, "mask", IDS[0]) * share
    killed_after(moment, small, "mask", IDS[0], "--add", typed="sent\nback\n")
    assert 0 == small("verify").code
    assert small("show", IDS[0], "--json").json["masked"] in (
        "Three decisions were sent back.",
        "Three decisions were [masked: chosen] [masked: chosen].",
    )


def _kill_a_purge(small: Desk, share: float) -> None:
    _receive_later(small)
    started = time.monotonic()
    assert 1 == _due(small)
    killed(2 * (time.monotonic() - started) * share, lambda: _purge(small))
    assert 0 == small("verify").code
    assert (_due(small), len(small.ids())) in ((1, 1), (0, 0))
    if _due(small):
        _purge(small)
    assert ([], 0) == (small.ids(), small("verify").code)


@pytest.mark.parametrize("point", range(3))
def test_mask_killed(small: Desk, point: int) -> None:
    """Killed at a random moment, the masks are the old or the new ones, and the log holds."""
    _kill_a_mask(small, random.uniform(point / 3, (point + 1) / 3))


@pytest.mark.parametrize("point", range(3))
def test_purge_killed(small: Desk, point: int) -> None:
    """Killed at a random moment, a report is whole or gone; again, and it is gone."""
    _kill_a_purge(small, random.uniform(point / 3, (point + 1) / 3))


@pytest.mark.long
@pytest.mark.parametrize("point", range(200))
def test_killed_at_200_points(office: Office, tmp_path: Path, point: int) -> None:
    """Receive, tag, mask or purge, killed anywhere: no lost decision, no half case."""
    desk = Desk(office, tmp_path / "desk", tmp_path)
    desk.init()
    path = tmp_path / "bundle"
    path.write_bytes(office.bundle([office.envelope(letter(id=IDS[0]))]))
    seconds, share = _seconds(desk, "list"), random.random()
    if point % 4 == 0:
        killed_after(3 * seconds * share, desk, "receive", str(path))
        assert 0 == desk("verify").code
        assert desk.ids() in ([], IDS[:1])
    assert 0 == desk("receive", str(path)).code
    assert IDS[:1] == desk.ids()
    if point % 4 == 1:
        killed_after(1.5 * seconds * share, desk, "tag", IDS[0], "REV.OVER", "REV.ASYM")
        assert desk("show", IDS[0], "--json").json["codes"] in ([], ["REV.ASYM", "REV.OVER"])
    elif point % 4 == 2:
        _kill_a_mask(desk, share)
    elif point % 4 == 3:
        _kill_a_purge(desk, share)
    assert 0 == desk("verify").code


def test_init_killed_leaves_no_half_vault(office: Office, desk: Desk) -> None:
    """A folder without vault.json holds no vault, and init does not write over what is in it."""
    (desk.folder / "vault.json").unlink()
    assert (3, 1) == (desk("list").code, desk.init().code)


def test_bundle_changed_between_readings(desk: Desk, big: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick that fails after the bundle was verified: what is filed is whole, and nothing is acknowledged."""
    from desk import cli

    judge, path = cli.Judge, desk.stick / "bundle"

    def pull_out(*arguments: object) -> object:
        path.write_bytes(big[: len(big) // 2])
        return judge(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cli, "Judge", pull_out)
    run = desk.receive(big)
    assert 7 == run.code
    assert "desk: the bundle could not be read to its end; what is filed is whole" in run.err.split("\n")
    assert not (desk.stick / "outgoing").exists()
    monkeypatch.undo()
    assert 0 == desk("verify").code
    assert 0 == desk.receive(big).code
    assert IDS == desk.ids()
    assert manifest_digest(big) in (desk.stick / "outgoing" / "ack-000001.json").read_text()


def test_full_disk_is_one_sentence(desk: Desk, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the vault cannot grow, nothing is changed, and the sentence says so."""
    from desk import vault

    monkeypatch.setattr(vault, "PRAGMAS", (*vault.PRAGMAS, "max_page_count = 60"))
    run = desk.receive(office.bundle([office.envelope(letter()) for _ in range(20)]))
    assert 7 == run.code
    assert "desk: nothing was changed: the vault could not be written (database or disk is full)" in run.err.split("\n")
    assert not (desk.stick / "outgoing").exists()
    monkeypatch.undo()
    assert (0, []) == (desk("verify").code, desk.ids())
