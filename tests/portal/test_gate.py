# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the gate does for a courier: bundles are whole and chained, and only what the desk has signed for is deleted."""

import concurrent.futures
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from gatekit import Gate
from portalkit import OCTETS, PortalOffice, underseal
from storekit import Kit, both

from crypto.primitives import digest
from crypto.signature import Namespace, PublicKey, SigningKey, sign
from intake.bundle import read_envelopes, read_head, read_manifest
from portal.app import utc_today
from portal.shelf import EnvelopeDamaged, Shelf

STRANGER = SigningKey.generate()
FIRST_PULL = b'{"after":null}'


@pytest.fixture
def gate(config: Any, office: PortalOffice) -> Iterator[Gate]:
    """The gate of the test's portal, in this process."""
    from portal.gate import Gate as Inside
    from portal.headers import HeaderLayer

    inside = Inside(config, utc_today)
    yield Gate(HeaderLayer(inside, config), office)
    inside._shelf.close()


@pytest.fixture
def send(client: FlaskClient, office: PortalOffice) -> Callable[[], bytes]:
    """Sends a new letter, and returns it."""

    def send_one() -> bytes:
        envelope = office.envelope()
        assert 201 == client.post("/envelopes", data=envelope, headers=OCTETS).status_code
        return envelope

    return send_one


@both
def test_bundle_is_whole(gate: Gate, send: Callable[[], bytes], folder: Path, office: PortalOffice) -> None:
    """A bundle is manifest, portal's signature, and the letters in the order of their digests."""
    sent = {digest(envelope): envelope for envelope in (send(), send(), send())}
    manifest, _, bundle = gate.pull()
    file = io.BytesIO(bundle)
    portal = PublicKey.parse((folder / "portal.pub").read_text().strip())
    read, _, _ = read_head(file, portal)
    assert sorted(sent.items()) == list(read_envelopes(file, read))
    assert (portal.fingerprint, office.desk.public.fingerprint, 1, None) == tuple(
        manifest[name] for name in ("portal", "desk", "pull", "previous")
    )
    assert str(datetime.now(UTC).date()) == manifest["pulled"]


@both
def test_pull_chains(gate: Gate, send: Callable[[], bytes]) -> None:
    """Each new pull names the digest of the one before; an empty shelf makes an empty bundle."""
    _, first_digest, _ = gate.pull()
    send()
    second, second_digest, _ = gate.pull(first_digest)
    third, _, _ = gate.pull(second_digest)
    assert [(2, first_digest, 1), (3, second_digest, 1)] == [
        (m["pull"], m["previous"], m["count"]) for m in (second, third)
    ]


@both
def test_lost_pull_comes_again(gate: Gate, send: Callable[[], bytes]) -> None:
    """A courier that does not hold the last bundle gets the same bytes again, whatever arrived meanwhile."""
    send()
    _, first_digest, first = gate.pull()
    send()
    assert first == gate.pull()[2]
    _, _, second = gate.pull(first_digest)
    assert second == gate.pull(first_digest)[2] != first


@both
def test_pulls_at_once_are_one(gate: Gate, send: Callable[[], bytes]) -> None:
    """Pulls that come at the same moment and hold the same get the same bundle: no number is made and lost."""
    send()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        bundles = {bundle for _, _, bundle in pool.map(lambda _: gate.pull(), range(4))}
    assert 1 == len(bundles)


@both
def test_pull_of_deleted_is_new(gate: Gate, send: Callable[[], bytes], office: PortalOffice) -> None:
    """Once letters of the last bundle are deleted it cannot come again: a new one follows it."""
    send()
    manifest, line_digest, _ = gate.pull()
    assert 200 == gate.acknowledge(office.acknowledgement(manifest, line_digest))[0]
    again, _, _ = gate.pull()
    assert (2, line_digest, 0) == (again["pull"], again["previous"], again["count"])


def test_pull_deletes_nothing(gate: Gate, send: Callable[[], bytes], shelf: Shelf) -> None:
    """Pulling, however often, leaves every letter on the shelf."""
    send()
    after = None
    for _ in range(3):
        _, after, _ = gate.pull(after)
    assert 1 == shelf.waiting()[0]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'{"after":1}', b'{"after":null,"more":1}', b'{"after":NaN}', b"\xff"]
)
def test_strange_pull_refused(gate: Gate, shelf: Shelf, body: bytes) -> None:
    """A pull that does not say what the courier holds makes no manifest."""
    assert (422, b"the pull does not say which manifest the courier holds\n") == gate.ask("/pull", body)
    assert None is shelf.last_manifest()


@both
def test_acknowledged_are_deleted(gate: Gate, send: Callable[[], bytes], office: PortalOffice, shelf: Shelf) -> None:
    """Exactly what the desk names goes, whatever came later stays, and sending it again changes nothing."""
    send(), send()
    manifest, line_digest, _ = gate.pull()
    later = send()
    line = office.acknowledgement(manifest, line_digest)
    assert (200, {"deleted": 2, "unknown": 0}) == _json(gate.acknowledge(line))
    assert (200, {"deleted": 0, "unknown": 2}) == _json(gate.acknowledge(line))
    assert [later] == list(shelf.bodies([digest(later)]))
    assert 1 == shelf.waiting()[0]


@both
def test_deleted_leave_no_byte(gate: Gate, send: Callable[[], bytes], office: PortalOffice, store: Kit) -> None:
    """After the acknowledgement no file of the portal or of the database's server holds anything of the letter."""
    envelope = send()
    manifest, line_digest, _ = gate.pull()
    gate.acknowledge(office.acknowledgement(manifest, line_digest))
    seized = store.seized()
    assert [] == [start for start in range(0, len(envelope) - 32, 1_000) if envelope[start : start + 32] in seized]


@both
def test_damaged_letter_stops_nobody(
    gate: Gate, send: Callable[[], bytes], store: Kit, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One flipped bit on the disk ends one pull; the next brings the other letters, and the damage is counted."""
    sent = sorted([send(), send(), send()], key=digest)
    store.spoil(sent[1])
    with pytest.raises(EnvelopeDamaged):
        gate.pull()
    assert f"portal: the envelope {digest(sent[1])} is damaged and was set aside\n" == capsys.readouterr().err
    manifest, _, bundle = gate.pull()
    assert (2, True) == (manifest["pull"], bundle.endswith(sent[0] + sent[2]))
    assert (2, 1) == tuple(_json(gate.ask("/status"))[1][name] for name in ("waiting", "damaged"))
    assert 1 == json.loads(underseal("portal", "status", "--dir", folder, "--json").out)["damaged"]


@both
def test_order_ends_with_a_pull(gate: Gate, send: Callable[[], bytes], store: Kit) -> None:
    """A new pull puts the letters' pages in the order of their digests: a disk tells no order from before it."""
    sent = [send() for _ in range(12)]
    gate.pull()
    raw = store.tables()
    assert sorted(sent, key=digest) == sorted(sent, key=lambda envelope: raw.index(envelope[-2_000:-1_900]))


@both
def test_failed_tidying_is_made_up(
    gate: Gate,
    send: Callable[[], bytes],
    office: PortalOffice,
    shelf: Shelf,
    store: Kit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A full disk while the file is rewritten is no refusal: the letters are gone, and the next request rewrites."""
    envelope = send()
    manifest, line_digest, _ = gate.pull()
    line = office.acknowledgement(manifest, line_digest)
    vacuum = Shelf.vacuum
    monkeypatch.setattr(Shelf, "vacuum", full_disk)
    assert (200, {"deleted": 1, "unknown": 0}) == _json(gate.acknowledge(line))
    assert "portal: OperationalError at the gate\n" == capsys.readouterr().err
    assert shelf.has_gaps()
    monkeypatch.setattr(Shelf, "vacuum", vacuum)
    assert (200, {"deleted": 0, "unknown": 1}) == _json(gate.acknowledge(line))
    assert envelope[-32:] not in store.tables()


def test_unforeseen_is_told_plainly(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody foresaw is a 500 with one sentence, and its type on the portal's own screen."""
    monkeypatch.setattr(Shelf, "waiting", full_disk)
    assert (500, b"Something failed at the portal.\n") == gate.ask("/status")
    assert "portal: OperationalError at the gate\n" == capsys.readouterr().err


def full_disk(_shelf: Shelf) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def _json(answer: tuple[int, bytes]) -> tuple[int, Any]:
    return answer[0], json.loads(answer[1])


UNSIGNED = "the acknowledgement is not signed by this office's desk; nothing was deleted"
OTHER = "the acknowledgement is for another portal or desk; nothing was deleted"
NOT_MADE = "the acknowledgement names a bundle that this portal did not make; nothing was deleted"
STRANGE = "the acknowledgement is not written as this version reads it; nothing was deleted"
ACKNOWLEDGEMENTS: dict[str, tuple[str, Callable[[Gate, PortalOffice, bytes], tuple[int, bytes]]]] = {
    "another key": (UNSIGNED, lambda gate, office, line: gate.acknowledge(line, STRANGER)),
    "the root": (UNSIGNED, lambda gate, office, line: gate.acknowledge(line, office.root)),
    "the courier": (UNSIGNED, lambda gate, office, line: gate.acknowledge(line, office.courier)),
    "another purpose": (UNSIGNED, lambda gate, office, line: gate.acknowledge(line, namespace=Namespace.EVENT)),
    "unsigned": ("there is no signature", lambda gate, office, line: gate.ask("/acknowledge", line)),
    "changed after signing": (
        UNSIGNED,
        lambda gate, office, line: gate.ask(
            "/acknowledge", line.replace(b'"pull":1', b'"pull":2') + sign(line, office.desk, Namespace.ACK).encode()
        ),
    ),
    "two signatures": (
        UNSIGNED,
        lambda gate, office, line: gate.ask("/acknowledge", line + sign(line, office.desk, Namespace.ACK).encode() * 2),
    ),
    "spaces": (STRANGE, lambda gate, office, line: gate.acknowledge(line.replace(b":1,", b": 1,"))),
    "no line": (STRANGE, lambda gate, office, line: gate.acknowledge(b"")),
}


@pytest.mark.parametrize("name", ACKNOWLEDGEMENTS)
def test_bad_acknowledgement_refused(
    gate: Gate, send: Callable[[], bytes], office: PortalOffice, shelf: Shelf, name: str
) -> None:
    """What the desk did not sign, in this form and for this purpose, deletes nothing."""
    send()
    manifest, line_digest, _ = gate.pull()
    sentence, act = ACKNOWLEDGEMENTS[name]
    assert (422, f"{sentence}\n".encode()) == act(gate, office, office.acknowledgement(manifest, line_digest))
    assert 1 == shelf.waiting()[0]


FOREIGN = {
    "another portal": (OTHER, {"portal": STRANGER.public.fingerprint}),
    "another desk": (OTHER, {"desk": STRANGER.public.fingerprint}),
    "a manifest not made": (NOT_MADE, {"manifest": digest(b"another")}),
    "another pull": (NOT_MADE, {"pull": 2}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_acknowledgement_refused(
    gate: Gate, send: Callable[[], bytes], office: PortalOffice, shelf: Shelf, name: str
) -> None:
    """The desk's signature counts for this portal, this desk, and a bundle this portal made."""
    send()
    manifest, line_digest, _ = gate.pull()
    sentence, changes = FOREIGN[name]
    line = office.acknowledgement(manifest, line_digest, **changes)
    assert (422, f"{sentence}\n".encode()) == gate.acknowledge(line)
    assert 1 == shelf.waiting()[0]


@both
def test_new_shelf_goes_on_from_what_the_desk_holds(
    gate: Gate, send: Callable[[], bytes], office: PortalOffice, folder: Path
) -> None:
    """After a lost host the desk's last acknowledgement says where its chain ends: the next bundle follows it."""
    portal = PublicKey.parse((folder / "portal.pub").read_text().strip()).fingerprint
    for pull, status in ((16, 200), (17, 200), (15, 422)):
        held = {"portal": portal, "desk": office.desk.public.fingerprint, "envelopes": [], "pull": pull}
        assert status == gate.acknowledge(office.acknowledgement(held, digest(b"%d" % pull)))[0]
    send()
    manifest, _, _ = gate.pull()
    assert (18, digest(b"17")) == (manifest["pull"], manifest["previous"])


@both
def test_shelf_that_was_pulled_too_early_goes_on(
    gate: Gate, send: Callable[[], bytes], office: PortalOffice, folder: Path
) -> None:
    """Bundles of its own that the desk never took are made anew after what the desk holds, with every letter."""
    portal = PublicKey.parse((folder / "portal.pub").read_text().strip()).fingerprint
    held = {"portal": portal, "desk": office.desk.public.fingerprint, "envelopes": []}

    def go_on(pull: int) -> int:
        return gate.acknowledge(office.acknowledgement(held | {"pull": pull}, digest(b"%d" % pull)))[0]

    sent = {digest(send())}
    _, first, _ = gate.pull()
    sent.add(digest(send()))
    _, second, _ = gate.pull(first)
    assert [422, 422] == [go_on(pull) for pull in (1, 2)]
    assert 200 == go_on(17)
    manifest, line, bundle = gate.pull(second)
    assert (18, digest(b"17")) == (manifest["pull"], manifest["previous"])
    assert sent == {name for name, _ in manifest["envelopes"]}
    assert bundle == gate.pull(digest(b"17"))[2]
    assert (200, {"deleted": 2, "unknown": 0}) == _json(gate.acknowledge(office.acknowledgement(manifest, line)))


@both
def test_shelf_that_the_desk_knows_goes_on_from_nothing_else(gate: Gate, office: PortalOffice) -> None:
    """Once the desk has acknowledged a bundle of this shelf, an empty one too, its chain is that of the shelf."""
    manifest, line, _ = gate.pull()
    acknowledged = office.acknowledgement(manifest, line)
    foreign = office.acknowledgement({**manifest, "pull": 30}, digest(b"30"))
    assert [200, 422] == [gate.acknowledge(one)[0] for one in (acknowledged, foreign)]
    after, _, _ = gate.pull(line)
    assert (2, line) == (after["pull"], after["previous"])
    assert [422, 200] == [gate.acknowledge(one)[0] for one in (foreign, acknowledged)]


@both
def test_list_is_published(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """A pushed list that is newer for this week is what everyone gets; pushing it again gives the same answer."""
    text, signature = office.signed_list(sequence=20)
    assert [(200, {"sequence": 20})] * 2 == [_json(gate.ask("/keys", text + signature.encode())) for _ in range(2)]
    assert (text, signature) == (client.get("/keys.txt").data, client.get("/keys.txt.sig").text)


def test_bad_list_changes_nothing(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """A list by another root is refused by a sentence, and the old one is served on."""
    text, signature = office.signed_list(root=STRANGER, sequence=20)
    before = client.get("/keys.txt").data
    answer = gate.ask("/keys", text + signature.encode())
    assert (422, b"the key list is refused: the key list is not signed by this office's root\n") == answer
    assert before == client.get("/keys.txt").data


def test_new_courier_key_counts(gate: Gate, office: PortalOffice, config: Any) -> None:
    """With a newer list its couriers open the gate, and those who stand in it no more do not."""
    courier = SigningKey.generate()
    text, signature = office.signed_list(sequence=20, couriers=(courier.public,))
    assert 200 == gate.ask("/keys", text + signature.encode())[0]
    assert 403 == gate.ask("/status")[0]
    office_then = PortalOffice(office.folder, office.root, office.desk, courier, office.key_list)
    assert 200 == Gate(gate._app, office_then).ask("/status")[0]


def test_gate_opens_after_lists_end(office: PortalOffice, config: Any, shelf: Shelf) -> None:
    """When every list has ended, couriers still reach the portal, with the last one's keys: to bring a new list."""
    from portal.gate import create_gate

    after = office.key_list.expires.replace(year=office.key_list.expires.year + 1)
    gate = Gate(create_gate(config, lambda: after), office)
    assert 200 == gate.ask("/status")[0]
    assert read_manifest(gate.pull()[2].split(b"\n")[0] + b"\n").desk == office.desk.public.fingerprint
