# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bundles: verified whole before anything is stored; gaps, forks and replays named; twice is once."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, make_office, manifest_digest, read_log, typed

from crypto.envelope import seal
from crypto.secret.identity import HybridIdentity
from crypto.signature import Namespace, SigningKey, verify
from desk.events import Kind
from desk.vault import open_vault, read_header
from intake.acknowledgement import read_acknowledgement


@pytest.fixture(scope="module")
def good(office: Office) -> bytes:
    """A bundle of three letters."""
    return office.bundle([office.envelope(letter()) for _ in range(3)])


def _state(desk: Desk) -> tuple[list[str], str]:
    return desk.ids(), desk("verify").out


def _refused(desk: Desk, bundle: bytes, fault: str) -> None:
    before = _state(desk)
    run = desk.receive(bundle)
    assert (4, "") == (run.code, run.out)
    assert run.err.split("\n")[-2].endswith(f"({fault})")
    assert before == _state(desk)
    assert not (desk.stick / "outgoing").exists()


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


SPOILED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda b: b"", "bundle-grammar"),
    "text": (lambda b: b"hello\n" * 50, "bundle-grammar"),
    "cut in the manifest": (lambda b: b[:100], "bundle-grammar"),
    "cut in the signature": (lambda b: b[: b.index(b"-----BEGIN") + 60], "bundle-grammar"),
    "cut before the envelopes": (lambda b: b[: b.index(b"-----END") + 28], "bundle-contents"),
    "cut in an envelope": (lambda b: b[:-30_000], "bundle-contents"),
    "last byte cut": (lambda b: b[:-1], "bundle-contents"),
    "byte added": (lambda b: b + b"\0", "bundle-contents"),
    "bit of an envelope": (lambda b: _flip(b, len(b) - 5000), "bundle-contents"),
    "last bit": (lambda b: _flip(b, len(b) - 1), "bundle-contents"),
    "bit of the signature": (lambda b: _flip(b, b.index(b"-----BEGIN") + 200), "bundle-signature"),
    "count changed": (lambda b: b.replace(b'"count":3', b'"count":4', 1), "bundle-signature"),
    "pull number raised": (lambda b: b.replace(b'"pull":1,', b'"pull":2,', 1), "bundle-signature"),
    "spaces in the manifest": (lambda b: b.replace(b'"count":3', b'"count": 3', 1), "bundle-signature"),
    "swapped envelopes": (lambda b: b[:-42_314] + b[-21_157:] + b[-42_314:-21_157], "bundle-contents"),
}


@pytest.mark.parametrize("spoiled", SPOILED, ids=str)
def test_spoiled_bundle_refused(desk: Desk, good: bytes, spoiled: str) -> None:
    """A bundle that is not whole is refused by name, and nothing is stored, acknowledged or half-written."""
    spoil, fault = SPOILED[spoiled]
    _refused(desk, spoil(good), fault)


def test_digest_changed_refused(desk: Desk, good: bytes) -> None:
    """A digest changed to another well-formed one no longer has the portal's signature."""
    at = good.index(b'"envelopes":[["') + 15
    line = good[: good.index(b"\n") + 1]
    other = b"0" if good[at : at + 1] != b"0" else b"1"
    assert len(line) > at
    _refused(desk, good[:at] + other + good[at + 1 :], "bundle-signature")


def test_other_desk_refused(desk: Desk, office: Office) -> None:
    """A bundle for another desk is not ours to file."""
    other = SigningKey.generate().public.fingerprint
    _refused(desk, office.bundle([office.envelope(letter())], desk=other), "bundle-desk")


def test_other_portal_refused(desk: Desk, office: Office) -> None:
    """A bundle signed by another portal is refused."""
    stranger = Office(office.folder, office.recipients, office.desk)
    _refused(desk, stranger.bundle([office.envelope(letter())]), "bundle-signature")


def test_other_portal_named_refused(desk: Desk, office: Office) -> None:
    """Our portal's signature over another portal's name is refused."""
    other = SigningKey.generate().public.fingerprint
    _refused(desk, office.bundle([office.envelope(letter())], portal=other), "bundle-signature")


def test_signature_of_other_purpose_refused(desk: Desk, office: Office, good: bytes) -> None:
    """The portal's signature for another purpose does not count."""
    from crypto.signature import sign

    line, rest = good[: good.index(b"\n") + 1], good[good.index(b"-----END") + 28 :]
    signature = sign(line, office.portal, Namespace.KEYS).encode()
    _refused(desk, line + signature + rest, "bundle-signature")


def test_bundle_missing(desk: Desk) -> None:
    """A path without a file is exit 3 and names the file only."""
    run = desk("receive", str(desk.stick / "absent"))
    assert (3, "desk: absent is not there, or is not a readable file\n") == (run.code, run.err)


@pytest.mark.parametrize("path", ["/dev/zero", "/"], ids=str)
def test_no_regular_file_refused(desk: Desk, path: str) -> None:
    """Devices and folders are not read."""
    assert 3 == desk("receive", path).code


def test_received_twice_is_once(desk: Desk, good: bytes) -> None:
    """The same bundle again changes nothing, and says so; the acknowledgement is the same."""
    desk.receive(good)
    before, acknowledged = _state(desk), _outgoing(desk)
    run = desk.receive(good)
    assert 0 == run.code
    assert "desk: the last bundle, received already: only what was set aside is tried again" in run.err.split("\n")
    assert (before, acknowledged) == (_state(desk), _outgoing(desk))


def test_interrupted_run_goes_on(desk: Desk, good: bytes, office: Office) -> None:
    """Envelopes that came before, in whatever bundle, are not filed twice."""
    desk.receive(good)
    seen = good[good.index(b"-----END") + 28 :][:21_157]
    second = office.bundle([seen, office.envelope(letter())], pull=2, previous=manifest_digest(good))
    run = desk.receive(second)
    assert "desk: 1 opened, 1 already here, 0 set aside" in run.err.split("\n")
    assert 4 == len(desk.ids())


def test_acknowledgement_names_all(desk: Desk, good: bytes, office: Office) -> None:
    """The desk key signs for every envelope it holds, the ones set aside too."""
    junk = bytes(21_157)
    bundle = office.bundle([office.envelope(letter()), junk])
    desk.receive(bundle)
    line = (desk.stick / "outgoing" / "ack-000001.json").read_bytes()
    signature = (desk.stick / "outgoing" / "ack-000001.json.sig").read_text()
    verify(line, signature, office.desk, Namespace.ACK)
    acknowledgement = read_acknowledgement(line)
    assert (1, 2, manifest_digest(bundle)) == (
        acknowledgement.pull,
        len(acknowledgement.digests),
        acknowledgement.manifest,
    )


def test_no_outgoing_no_acknowledgement(desk: Desk, good: bytes) -> None:
    """Without --outgoing the desk says that the portal cannot delete yet; the next run writes it."""
    (desk.stick / "b").write_bytes(good)
    run = desk("receive", str(desk.stick / "b"))
    assert "hint: no acknowledgement was written" in run.err
    desk.receive(good)
    assert ["ack-000001.json", "ack-000001.json.sig"] == sorted(_outgoing(desk))


def test_other_acknowledgement_kept(desk: Desk, good: bytes) -> None:
    """A file of the same name with other contents is not overwritten; the reports are filed all the same."""
    (desk.stick / "outgoing").mkdir()
    (desk.stick / "outgoing" / "ack-000001.json").write_bytes(b"other")
    run = desk.receive(good)
    assert 1 == run.code
    assert b"other" == (desk.stick / "outgoing" / "ack-000001.json").read_bytes()
    assert 3 == len(desk.ids())


def test_gap_named_and_received(desk: Desk, good: bytes, office: Office) -> None:
    """A bundle that skips numbers is filed, and the numbers that never came are named, now and in the overview."""
    desk.receive(good)
    run = desk.receive(office.bundle([office.envelope(letter())], pull=4, previous="0" * 64))
    assert 0 == run.code
    assert "gap: bundle 2 to 3 never came here" in run.err
    assert "never received: bundle 2 to 3" in desk("status").out.split("\n")
    assert 4 == len(desk.ids())


def test_missing_bundle_found(desk: Desk, good: bytes, office: Office) -> None:
    """The bundle of a gap, found later, is filed, and the gap is closed."""
    desk.receive(office.bundle([office.envelope(letter())], pull=2, previous=manifest_digest(good)))
    assert "never received: bundle 1" in desk("status").out.split("\n")
    run = desk.receive(good)
    assert "desk: this is the bundle that was missing" in run.err.split("\n")
    assert 4 == len(desk.ids())
    assert "never received" not in desk("status").out
    assert 0 == desk("verify").code


def test_number_far_ahead_is_a_fork(desk: Desk, good: bytes, office: Office) -> None:
    """One signed number cannot end the chain for good."""
    desk.receive(good)
    (desk.stick / "outgoing").rename(desk.stick / "sent")
    _refused(desk, office.bundle([], pull=10**14, previous="0" * 64), "bundle-fork")


@pytest.mark.parametrize("days", [3, 400, (date.max - day()).days], ids=["three", "a year", "for ever"])
def test_day_to_come_is_refused(desk: Desk, office: Office, days: int) -> None:
    """A portal whose clock is ahead, or that lies, cannot end the schedule of erasing; both days are said."""
    bundle = office.bundle([office.envelope(letter())], pulled=day() + timedelta(days=days))
    _refused(desk, bundle, "bundle-day")
    assert f"this machine's clock says {day()}: set the clock" in desk.receive(bundle).err


def test_portal_a_little_ahead_is_received(desk: Desk, office: Office) -> None:
    """Two days are the courier's and the time zone's affair, and no fault."""
    bundle = office.bundle([office.envelope(letter())], pulled=day() + timedelta(days=2))
    assert (0, 1) == (desk.receive(bundle).code, len(desk.ids()))


def test_wrong_holder_acknowledges_nothing(desk: Desk, good: bytes, office: Office, tmp_path: Path) -> None:
    """With the identities of another batch nothing opens: no acknowledgement, and the right file opens all of it."""
    other = make_office(tmp_path / "other")
    (desk.stick / "b").write_bytes(good)
    outgoing = desk.stick / "outgoing"
    wrong = str(other.secret / "holder-custodian.age")
    run = desk("receive", str(desk.stick / "b"), "--holder", wrong, "--outgoing", str(outgoing))
    assert (4, False) == (run.code, outgoing.exists())
    assert "none of the 3 envelopes opens with these identities" in run.err
    assert 0 == desk.receive(good).code
    assert 3 == len(desk.ids())
    assert outgoing.exists()
    assert 0 == desk("verify").code


def test_set_aside_tried_again(desk: Desk, good: bytes, office: Office, tmp_path: Path) -> None:
    """Envelopes of another batch are set aside, and open later with that batch's identities, without the bundle."""
    other = make_office(tmp_path / "other")
    stranger = seal(letter(), other.recipients)
    desk.receive(office.bundle([office.envelope(letter()), stranger]))
    assert 1 == len(desk.ids())
    assert "0 opened, 0 already here, 1 set aside" in desk("retry").err
    run = desk("retry", "--holder", str(other.secret / "holder-custodian.age"))
    assert "desk: 1 opened, 0 already here, 0 set aside" in run.err.split("\n")
    assert 2 == len(desk.ids())
    assert [] == desk("set-aside", "--json").json
    assert 0 == desk("verify").code


def test_all_junk_acknowledged_on_demand(desk: Desk, office: Office) -> None:
    """A bundle of nothing but junk is acknowledged when a person says that it is."""
    strangers = [HybridIdentity.generate().recipient for _ in range(3)]
    bundle = office.bundle([seal(letter(), strangers) for _ in range(3)])
    (desk.stick / "b").write_bytes(bundle)
    run = desk("receive", str(desk.stick / "b"), "--all-junk", "--outgoing", str(desk.stick / "outgoing"))
    assert 0 == run.code
    assert (desk.stick / "outgoing" / "ack-000001.json").exists()


def test_same_number_other_contents_is_a_fork(desk: Desk, good: bytes, office: Office) -> None:
    """The last number with another digest is refused."""
    desk.receive(good)
    (desk.stick / "outgoing").rename(desk.stick / "sent")
    _refused(desk, office.bundle([office.envelope(letter())]), "bundle-fork")


def test_next_number_other_previous_is_a_fork(desk: Desk, good: bytes, office: Office) -> None:
    """The next number must name the last manifest."""
    desk.receive(good)
    (desk.stick / "outgoing").rename(desk.stick / "sent")
    _refused(desk, office.bundle([office.envelope(letter())], pull=2, previous="1" * 64), "bundle-fork")


def test_replay_named(desk: Desk, good: bytes, office: Office) -> None:
    """An earlier bundle again is named, and changes nothing."""
    desk.receive(good)
    desk.receive(office.bundle([office.envelope(letter())], pull=2, previous=manifest_digest(good)))
    before = _state(desk)
    run = desk.receive(good)
    assert (0, before) == (run.code, _state(desk))
    assert "desk: an earlier bundle, received already: only what was set aside is tried again" in run.err.split("\n")


def test_empty_bundle(desk: Desk, office: Office) -> None:
    """A bundle without envelopes moves the chain on."""
    run = desk.receive(office.bundle([]))
    assert 0 == run.code
    assert "desk: 0 opened, 0 already here, 0 set aside" in run.err.split("\n")


def test_wrong_holder_passphrase(desk: Desk, good: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A holder's file that the passphrase does not open: one sentence, exit 5, nothing filed."""
    from crypto.secret.secretfile import seal_secret

    locked = tmp_path_factory.mktemp("locked") / "holder-other.age"
    locked.write_bytes(seal_secret(b"# nothing\n", "quite another passphrase", work_factor=10))
    (desk.stick / "b").write_bytes(good)
    run = desk("receive", str(desk.stick / "b"), "--holder", str(locked))
    assert (5, []) == (run.code, desk.ids())
    assert "desk: the passphrase does not open holder-other.age" in run.err.split("\n")


def test_order_tells_nothing(desk: Desk, office: Office) -> None:
    """Reports are listed by random id; events and letters of one bundle stand in the order of digests."""
    desk.receive(office.bundle([office.envelope(letter()) for _ in range(9)]))
    ids = desk.ids()
    assert sorted(ids) == ids
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        filed = [row.event.text("envelope") for row in read_log(connection) if row.event.kind is Kind.FILED]
        query = "SELECT envelope FROM letters JOIN reports USING (report) ORDER BY letters.rowid"
        stored = connection.exec_driver_sql(query).scalars().all()
    assert sorted(filed) == filed == stored


def test_other_holder_opens(desk: Desk, good: bytes, office: Office) -> None:
    """Any holder's identities open the letters."""
    (desk.stick / "b").write_bytes(good)
    run = desk("receive", str(desk.stick / "b"), "--holder", str(office.secret / "holder-recovery.age"))
    assert (0, 3) == (run.code, len(desk.ids()))


def _outgoing(desk: Desk) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (desk.stick / "outgoing").iterdir()}


def test_office_of_other_root_refused(office: Office, tmp_path: Path) -> None:
    """Key lists that this office's root did not sign stop the init."""
    other = make_office(tmp_path / "other")
    (other.public / "office.json").write_bytes((office.public / "office.json").read_bytes())
    run = Desk(other, tmp_path / "desk", tmp_path).init()
    assert (4, False) == (run.code, (tmp_path / "desk").exists())
    assert "desk: office.json does not belong to this office: the root has not signed it" in run.err
