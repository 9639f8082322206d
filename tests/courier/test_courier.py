# SPDX-License-Identifier: AGPL-3.0-or-later
"""The courier's verbs against a running portal."""

import json
import os
import socket
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from courierkit import acknowledgement_line, change_settings, head_of, settings_of
from portalkit import PASSPHRASE, PortalOffice, Ran, Served, end, serve, underseal

from crypto.primitives import digest
from crypto.signature import Namespace, PublicKey, SigningKey, sign
from intake.bundle import read_envelopes, read_head
from intake.keydays import ending


def test_pull_writes_a_bundle(courier: Any, served: Served, office: PortalOffice) -> None:
    """A pull leaves one verified bundle on the stick, private, and nothing else; the letters stay at the portal."""
    sent = {digest(envelope): envelope for envelope in (office.envelope(), office.envelope())}
    for envelope in sent.values():
        served.post(envelope)
    ran = courier.pull()
    path = courier.stick / "pull-000001.bundle"
    assert (0, f"{path}\n") == (ran.code, ran.out), ran.err
    assert ["pull-000001.bundle"] == courier.on_stick()
    assert 0o600 == path.stat().st_mode & 0o777
    with path.open("rb") as file:
        portal = PublicKey.parse(settings_of(courier.folder)["portal_key"])
        assert sorted(sent.items()) == list(read_envelopes(file, read_head(file, portal)[0]))
    assert {"manifest": head_of(path)[1], "pull": 1} == json.loads((courier.folder / "courier.json").read_text())
    assert 2 == json.loads(courier.run("status", "--json").out)["waiting"]


def test_pull_twice_is_harmless(courier: Any, served: Served, office: PortalOffice) -> None:
    """A second pull carries the same letters under the next number, chained to the first."""
    served.post(office.envelope())
    assert [0, 0] == [courier.pull().code, courier.pull().code]
    first, second = (head_of(courier.stick / f"pull-00000{number}.bundle") for number in (1, 2))
    assert first[1] == second[0]["previous"]
    assert first[0]["envelopes"] == second[0]["envelopes"]


def test_death_before_note_is_mended(courier: Any, served: Served, office: PortalOffice) -> None:
    """When the courier dies after the bundle was written and before it noted that, the next pull finds it there."""
    served.post(office.envelope())
    courier.pull()
    before = (courier.stick / "pull-000001.bundle").read_bytes()
    (courier.folder / "courier.json").unlink()
    ran = courier.pull()
    assert (0, True) == (ran.code, "was on the stick already" in ran.err)
    assert before == (courier.stick / "pull-000001.bundle").read_bytes()
    assert 1 == json.loads((courier.folder / "courier.json").read_text())["pull"]


def test_other_file_is_not_overwritten(courier: Any, served: Served) -> None:
    """A file of the bundle's name that is not this bundle stays as it is."""
    (courier.stick / "pull-000001.bundle").write_bytes(b"something else")
    ran = courier.pull()
    assert (1, True) == (ran.code, "is there already" in ran.err)
    assert b"something else" == (courier.stick / "pull-000001.bundle").read_bytes()
    assert not (courier.folder / "courier.json").exists()


def test_other_portal_is_refused(courier: Any, served: Served) -> None:
    """A bundle signed by another portal than the one whose key was brought by hand is not written."""
    change_settings(courier.folder, portal_key=SigningKey.generate().public.text)
    ran = courier.pull()
    assert (4, "courier: the bundle is not signed by this portal\n") == (ran.code, ran.err)
    assert [] == courier.on_stick()


def test_skipped_pull_is_told(courier: Any, served: Served, office: PortalOffice) -> None:
    """A courier that takes over from another says that there is a pull it has not carried."""
    courier.pull()
    served.post(office.envelope())
    courier.pull()
    (courier.folder / "courier.json").write_text(json.dumps({"pull": 1, "manifest": digest(b"another")}))
    ran = courier.pull()
    assert (0, True) == (ran.code, "has not carried the pull before this one" in ran.err)


def acknowledge(courier: Any, name: str, key: SigningKey | None = None) -> None:
    """Put the desk's acknowledgement of the first bundle on the stick."""
    manifest, line_digest = head_of(courier.stick / "pull-000001.bundle")
    line = courier.office.acknowledgement(manifest, line_digest)
    (courier.outgoing / f"{name}.json").write_bytes(line)
    signature = sign(line, key or courier.office.desk, Namespace.ACK)
    (courier.outgoing / f"{name}.json.sig").write_text(signature)


def test_push_brings_everything(courier: Any, served: Served, office: PortalOffice) -> None:
    """Key lists and acknowledgements are delivered, told one by one, and may be brought again."""
    served.post(office.envelope())
    courier.pull()
    acknowledge(courier, "ack-000001")
    text, signature = office.signed_list(sequence=20)
    (courier.outgoing / "keys-000020.txt").write_bytes(text)
    (courier.outgoing / "keys-000020.txt.sig").write_text(signature)
    first, second = courier.push(), courier.push()
    published = "keys-000020.txt: published, sequence 20\n"
    assert (0, published + "ack-000001.json: 1 envelope deleted\n") == (first.code, first.out), first.err
    assert (0, published + "ack-000001.json: 0 envelopes deleted, 1 deleted before\n") == (second.code, second.out)
    assert text == served.request("GET", "/keys.txt").body
    assert 0 == json.loads(courier.run("status", "--json").out)["waiting"]


def test_refused_file_does_not_stop(courier: Any, served: Served, office: PortalOffice) -> None:
    """A file the portal refuses is named with its sentence, the others are delivered, and the exit code tells."""
    served.post(office.envelope())
    courier.pull()
    acknowledge(courier, "ack-000001", SigningKey.generate())
    acknowledge(courier, "ack-000002")
    ran = courier.push()
    refused = "ack-000001.json: refused: the acknowledgement is not signed by this office's desk; nothing was deleted"
    assert [refused, "ack-000002.json: 1 envelope deleted"] == ran.out.splitlines()
    assert (1, "courier: 1 of 2 files were refused\n") == (ran.code, ran.err)


def test_links_are_not_followed(courier: Any, served: Served, tmp_path: Path) -> None:
    """A stick that a stranger has held sends no file of this machine to the portal: a link is no file."""
    (tmp_path / "private").write_text("what is not for the portal\n")
    (courier.outgoing / "ack-000001.json").symlink_to(tmp_path / "private")
    (courier.outgoing / "ack-000001.json.sig").write_text("-----BEGIN SSH SIGNATURE-----\n")
    ran = courier.push()
    assert (3, "courier: ack-000001.json is not there, or is not a readable file\n") == (ran.code, ran.err)


def test_only_the_desks_files_are_sent(courier: Any, served: Served, office: PortalOffice) -> None:
    """What is no acknowledgement and no list of this office's root is named, and does not leave this machine."""
    served.stop()  # whoever is asked now does not answer
    text, _ = office.signed_list(sequence=20)
    signature = sign(text, SigningKey.generate(), Namespace.KEYS)
    for name, data, signed_by in (
        ("ack-000001.json", b"a letter to a friend", signature.encode()),
        ("ack-000002.json", acknowledgement_line(office), b"a letter to a friend"),
        ("keys-000020.txt", text, signature.encode()),
    ):
        (courier.outgoing / name).write_bytes(data)
        (courier.outgoing / f"{name}.sig").write_bytes(signed_by)
    ran = courier.push()
    assert [
        "keys-000020.txt: refused: it is not a key list that this office's root signed; nothing was sent",
        "ack-000001.json: refused: it is not a signed acknowledgement; nothing was sent",
        "ack-000002.json: refused: it is not a signed acknowledgement; nothing was sent",
    ] == ran.out.splitlines()
    assert (1, "courier: 3 of 3 files were refused\n") == (ran.code, ran.err)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "link"])
def test_odd_file_holds_nobody(courier: Any, served: Served, make: Any) -> None:
    """A pipe or a link under the bundle's name is refused; nobody waits for it, and nothing is written through it."""
    make(courier.stick / "pull-000001.bundle")
    ran = courier.pull()
    assert (1, True) == (ran.code, "is there already" in ran.err)


def test_parts_of_killed_pulls_go(courier: Any, served: Served, office: PortalOffice) -> None:
    """What a killed pull left on the stick is removed by the next; other files stay."""
    left = courier.stick / ".0123456789abcdef.part"
    left.write_bytes(office.envelope())
    (courier.stick / ".mine.part").write_bytes(b"mine")
    assert 0 == courier.pull().code
    assert [".mine.part", "pull-000001.bundle"] == courier.on_stick()


def test_unsigned_file_is_named(courier: Any, served: Served) -> None:
    """A file without its signature is named."""
    (courier.outgoing / "ack-000001.json").write_bytes(b"{}\n")
    ran = courier.push()
    assert (3, "courier: ack-000001.json.sig is not there, or is not a readable file\n") == (ran.code, ran.err)


def test_nothing_to_push_is_told(courier: Any) -> None:
    """An empty folder is no fault; a missing one is."""
    ran = courier.push()
    assert (0, "", "courier: there is nothing to bring in this folder\n") == (ran.code, ran.out, ran.err)
    courier.outgoing.rmdir()
    assert (3, "courier: outgoing is not a folder; is the stick in?\n") == (courier.push().code, courier.push().err)


def test_status_tells_age(courier: Any, served: Served, office: PortalOffice) -> None:
    """`status` tells what waits, for how long, and what was carried."""
    served.post(office.envelope())
    courier.pull()
    facts = json.loads(courier.run("status", "--json").out)
    expected = {"waiting": 1, "oldest_days": 0, "last_pull": 1, "carried_pull": 1}
    assert expected == {name: facts[name] for name in expected}
    assert facts["room"] in ("plenty", "filling")  # as the disk is that the tests run on
    assert "oldest days    0\n" in courier.run("status").out


def test_other_key_is_refused(courier: Any, served: Served) -> None:
    """A courier whose key stands in no list is told so, in one sentence and a hint."""
    key = SigningKey.generate().to_openssh(PASSPHRASE)
    (courier.folder / "courier.key").write_bytes(key)
    ran = courier.pull()
    assert 1 == ran.code
    assert ran.err.startswith("courier: the gate refused this courier\ncourier: hint: its key must stand in")


def test_wrong_passphrase_is_told(courier: Any, tmp_path: Path) -> None:
    """Exit code 5, and nothing was asked of the portal."""
    (tmp_path / "wrong").write_text("another passphrase\n")
    ran = underseal(
        *("courier", "pull", "--dir", courier.folder, "--to", courier.stick),
        *("--passphrase-file", tmp_path / "wrong"),
    )
    assert (5, "courier: the passphrase does not open this file\n") == (ran.code, ran.err)


def test_passphrase_file_needs_throwaway(courier: Any) -> None:
    """For an office that is not throwaway the passphrase comes from the terminal only."""
    path = courier.folder / "office.json"
    path.write_text(path.read_text().replace('"throwaway": true', '"throwaway": false'))
    ran = courier.pull()
    assert (2, True) == (ran.code, "a passphrase file is for throwaway offices only" in ran.err)


ADDRESSES = [
    "ftp://127.0.0.1",
    "127.0.0.1:8000",
    "http://user@host",
    "http://host/path",
    "http://",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_odd_address_is_refused(office: PortalOffice, tmp_path: Path, address: str) -> None:
    """A gate's address is a name and a port, or a socket file."""
    ran = init(office, tmp_path, address)
    assert (2, False) == (ran.code, (tmp_path / "courier").exists()), ran.err


def test_onion_needs_proxy(office: PortalOffice, tmp_path: Path) -> None:
    """An onion's name never goes to the machine's resolver: without a proxy it is refused."""
    onion = "http://" + "a" * 56 + ".onion"
    ran = init(office, tmp_path, onion)
    assert (2, True) == (ran.code, "needs --proxy socks5h://127.0.0.1:9050" in ran.err)
    assert 0 == init(office, tmp_path, onion, "--proxy", "socks5h://127.0.0.1:9050").code


def init(office: PortalOffice, tmp_path: Path, gate: str, *arguments: str) -> Ran:
    key = tmp_path / "portal.pub"
    key.write_text(SigningKey.generate().public.text + "\n")
    return underseal(
        *("courier", "init", "--dir", tmp_path / "courier", "--portal", "http://127.0.0.1:8000", "--gate", gate),
        *("--portal-key", key, "--office", office.public / "office.json"),
        *("--key", office.secret / "courier.key", *arguments),
    )


def test_init_overwrites_nothing_of_courier(courier: Any, served: Served, office: PortalOffice) -> None:
    """A second init at the same place is refused."""
    before = {path.name: path.read_bytes() for path in courier.folder.iterdir()}
    ran = underseal(
        *("courier", "init", "--dir", courier.folder, "--portal", "http://127.0.0.1:1", "--gate", "unix:/nowhere"),
        *("--portal-key", served.folder / "portal.pub", "--office", office.public / "office.json"),
        *("--key", office.secret / "courier.key"),
    )
    assert 1 == ran.code
    assert before == {path.name: path.read_bytes() for path in courier.folder.iterdir()}


def test_pull_over_a_port(courier: Any, served: Served, office: PortalOffice, tmp_path: Path) -> None:
    """The gate can stand at a port of loopback instead of a socket file."""
    served.stop()
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    again = serve(served.folder, 0, "--gate-port", str(port))
    try:
        again.post(office.envelope())
        change_settings(courier.folder, gate=f"http://127.0.0.1:{port}", portal=f"http://127.0.0.1:{again.port}")
        assert 0 == courier.pull().code
        assert 1 == head_of(courier.stick / "pull-000001.bundle")[0]["count"]
    finally:
        end(again)


EPOCH = date(2020, 1, 6)


def lists_that_end(office: PortalOffice, folder: Path, sunday: date) -> Path:
    """Write a list of the week that ends so, and one before it that replaces all that the portal holds."""
    folder.mkdir()
    for sequence, first in ((19, EPOCH), (20, sunday - timedelta(days=6))):
        week = replace(office.key_list.weeks[0], first=first, last=first + timedelta(days=6))
        text, signature = office.signed_list(sequence=sequence, issued=first, expires=week.last, weeks=(week,))
        (folder / f"keys-0000{sequence}.txt").write_bytes(text)
        (folder / f"keys-0000{sequence}.txt.sig").write_text(signature)
    return folder


def test_end_of_the_weeks_is_told(courier: Any, served: Served, office: PortalOffice) -> None:
    """Pull, push, courier's and portal's status say that the signed weeks end, each in the same sentence."""
    today = datetime.now(UTC).date()
    sunday = today + timedelta(days=6 - today.weekday())
    pushed = courier.run("push", "--from", lists_that_end(office, courier.stick / "lists", sunday))
    runs = [pushed, courier.pull(), courier.run("status"), underseal("portal", "status", "--dir", served.folder)]
    sentence = ending(sunday, today)
    assert sentence is not None
    assert [(0, True)] * 4 == [(ran.code, sentence in ran.err) for ran in runs]
    assert sentence not in courier.run("status", "--json").out
