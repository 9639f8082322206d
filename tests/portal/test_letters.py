# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is taken, what is refused, and that a refusal leaves nothing behind."""

import base64
import concurrent.futures
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from portalkit import OCTETS, PortalOffice, Served, status_of
from storekit import both

from crypto.envelope import PART_BYTES, seal
from crypto.primitives import digest
from crypto.secret.secretfile import seal_secret
from portal.shelf import Shelf


def files_of(folder: Path) -> dict[str, str]:
    """Return the digest of every file of a portal."""
    return {str(path): digest(path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()}


def armored(data: bytes) -> bytes:
    text = base64.encodebytes(data)
    return b"-----BEGIN AGE ENCRYPTED FILE-----\n" + text + b"-----END AGE ENCRYPTED FILE-----\n"


def with_line(envelope: bytes, before: bytes, after: bytes) -> bytes:
    """Return the envelope with one text of its header exchanged, at its old length."""
    assert before in envelope
    return envelope.replace(before, after, 1)[: len(envelope)].ljust(len(envelope), b"\0")


BAD: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "empty": (411, lambda e: b""),
    "one byte less": (422, lambda e: e[:-1]),
    "one byte more": (413, lambda e: e + b"\0"),
    "header only": (422, lambda e: e[:4000]),
    "plaintext": (422, lambda e: b"What I saw at the port of entry.".ljust(len(e))),
    "letter not sealed": (422, lambda e: b'{"v":1,"kind":"report"}'.ljust(16_384)),
    "zeros": (422, lambda e: bytes(len(e))),
    "armored": (413, armored),
    "armored and cut": (422, lambda e: armored(e)[: len(e)]),
    "another version": (422, lambda e: with_line(e, b"org/v1\n", b"org/v2\n")),
    "x25519 recipient": (422, lambda e: with_line(e, b"-> mlkem768x25519 ", b"-> X25519 ")),
    "ssh recipient": (422, lambda e: with_line(e, b"-> mlkem768x25519 ", b"-> ssh-ed25519 ")),
    "grease": (422, lambda e: with_line(e, b"-> mlkem768x25519 ", b"-> cg-grease ")),
    "one bit of the type": (422, lambda e: with_line(e, b"mlkem768x25519", b"mlkem769x25519")),
    "no last line": (422, lambda e: with_line(e, b"\n--- ", b"\n-+- ")),
    "scrypt": (422, lambda e: seal_secret(bytes(16_384), "passphrase", work_factor=2).ljust(len(e), b"\0")),
    "a part": (413, lambda e: bytes(266_965)),
    "a mebibyte": (413, lambda e: bytes(1_048_577)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_letter_refused(client: FlaskClient, office: PortalOffice, folder: Path, name: str) -> None:
    """Whatever is not a letter of the exact size and shape is refused, and changes no byte of the portal's files."""
    status, spoil = BAD[name]
    before = files_of(folder)
    answer = client.post("/envelopes", data=spoil(office.envelope()), headers=OCTETS)
    assert status == answer.status_code
    assert b"Nothing was stored.\n" == answer.data[-20:]
    assert before == files_of(folder)


@both
def test_wrong_slots_refused(client: FlaskClient, office: PortalOffice, shelf: Shelf) -> None:
    """A letter sealed to two or four recipients is of another length; a part is refused though it is well formed."""
    week = office.key_list.weeks[0].recipients
    two, part = seal(bytes(16_384), week[:2]), seal(bytes(PART_BYTES), week)
    four = seal(bytes(16_384), (*week, office.key_list.counsel))
    answers = [client.post("/envelopes", data=sealed, headers=OCTETS).status_code for sealed in (two, four, part)]
    assert [422, 413, 413] == answers
    assert (0, None) == shelf.waiting()


SENDERS = [
    pytest.param(201, {}, id="neither header"),
    pytest.param(201, {"Sec-Fetch-Site": "same-origin"}, id="same origin"),
    pytest.param(201, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, id="same origin with origin null"),
    pytest.param(201, {"Origin": "http://localhost:8000", "Host": "localhost:8000"}, id="our origin"),
    pytest.param(403, {"Sec-Fetch-Site": "none"}, id="none"),
    pytest.param(403, {"Sec-Fetch-Site": "same-site"}, id="same site"),
    pytest.param(403, {"Sec-Fetch-Site": "cross-site"}, id="cross site"),
    pytest.param(403, {"Sec-Fetch-Site": ""}, id="empty"),
    pytest.param(403, {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, id="cross site, our origin"),
    pytest.param(403, {"Origin": "null"}, id="origin null"),
    pytest.param(403, {"Origin": "http://elsewhere.example"}, id="another origin"),
    pytest.param(403, {"Origin": "http://localhost:8001", "Host": "localhost:8000"}, id="another port"),
    pytest.param(403, {"Origin": "http://localhost.elsewhere.example"}, id="longer name"),
]


@pytest.mark.parametrize(("status", "headers"), SENDERS)
def test_other_sites_refused(
    client: FlaskClient, office: PortalOffice, shelf: Shelf, status: int, headers: dict[str, str]
) -> None:
    """A letter that another site makes a browser send is refused; a sender without those headers is not a browser."""
    answer = client.post("/envelopes", data=office.envelope(), headers={**OCTETS, **headers})
    assert status == answer.status_code
    assert int(status == 201) == shelf.waiting()[0]


HEADS = [
    pytest.param(415, {"Content-Type": "application/octet-stream; charset=utf-8"}, id="type with parameter"),
    pytest.param(415, {"Content-Type": "multipart/form-data; boundary=x"}, id="form"),
    pytest.param(415, {"Content-Type": "application/x-www-form-urlencoded"}, id="urlencoded"),
    pytest.param(415, {"Content-Type": ""}, id="no type"),
    pytest.param(415, {**OCTETS, "Content-Encoding": "gzip"}, id="encoded"),
    pytest.param(411, {**OCTETS, "Transfer-Encoding": "chunked"}, id="chunked"),
]


@pytest.mark.parametrize(("status", "headers"), HEADS)
def test_other_bodies_refused(
    client: FlaskClient, office: PortalOffice, shelf: Shelf, status: int, headers: dict[str, str]
) -> None:
    """There is one type, one length and no coding."""
    assert status == client.post("/envelopes", data=office.envelope(), headers=headers).status_code
    assert (0, None) == shelf.waiting()


@both
def test_taken_and_told(client: FlaskClient, office: PortalOffice, shelf: Shelf) -> None:
    """The answer is the digest; on the shelf are the same bytes; sending again changes nothing."""
    envelope = office.envelope()
    answers = [client.post("/envelopes", data=envelope, headers=OCTETS) for _ in range(3)]
    assert [(201, f"{digest(envelope)}\n")] * 3 == [(answer.status_code, answer.text) for answer in answers]
    assert 1 == shelf.waiting()[0]
    assert [envelope] == list(shelf.bodies([digest(envelope)]))


@both
def test_no_list_takes_nothing(client_of: Callable[..., FlaskClient], office: PortalOffice, shelf: Shelf) -> None:
    """When no key list covers today, no letter can have been sealed to the right keys."""
    client = client_of(today=lambda: date(2000, 1, 1))
    assert 503 == client.post("/envelopes", data=office.envelope(), headers=OCTETS).status_code
    answer = client.get("/keys.txt")
    assert (503, "There is no key list for today.\n") == (answer.status_code, answer.text)
    assert (0, None) == shelf.waiting()


@both
def test_fifty_at_once_one_row(served: Served, office: PortalOffice, shelf: Shelf) -> None:
    """The same bytes from fifty connections at once: fifty times the same 201, one row."""
    envelope = office.envelope()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(served.post, [envelope] * 50))
    assert {(201, f"{digest(envelope)}\n".encode())} == {(answer.status, answer.body) for answer in answers}
    assert 1 == shelf.waiting()[0]


@both
def test_thirty_letters_at_once(served: Served, office: PortalOffice, shelf: Shelf) -> None:
    """Thirty officers behind one address send at the same moment: nobody is turned away."""
    envelopes = [office.envelope() for _ in range(30)]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(served.post, envelopes))
    assert [f"{digest(envelope)}\n".encode() for envelope in envelopes] == [answer.body for answer in answers]
    assert 30 == shelf.waiting()[0]


@pytest.mark.parametrize("cut", [0, 1, 5_000, 21_000, 21_156])
def test_cut_send_stores_nothing(served: Served, office: PortalOffice, folder: Path, cut: int) -> None:
    """A letter whose connection ends before its last byte is not stored, and the portal goes on."""
    envelope = office.envelope()
    before = files_of(folder)
    answer = served.raw(sent_head(len(envelope)) + envelope[:cut], half_close=True)
    assert not answer.startswith(b"HTTP/1.1 201")
    assert before == files_of(folder)
    assert 201 == served.post(envelope).status


SMUGGLED = [
    pytest.param(b"Content-Length: 21157\r\nContent-Length: 21157\r\n", id="two lengths"),
    pytest.param(b"Content-Length: 21157\r\nTransfer-Encoding: chunked\r\n", id="length and chunked"),
    pytest.param(b"Content-Length: +21157\r\n", id="signed length"),
    pytest.param(b"Content-Length: 0x52a5\r\n", id="hex length"),
    pytest.param(b"Transfer-Encoding: xchunked\r\n", id="unknown coding"),
    pytest.param(b"Content_Length: 21157\r\n", id="underscore"),
    pytest.param(b"", id="none"),
]


@pytest.mark.parametrize("framing", SMUGGLED)
def test_ambiguous_framing_refused(served: Served, office: PortalOffice, shelf: Shelf, framing: bytes) -> None:
    """A request whose length is said in no way, in two ways or in an odd way is refused by a 4xx, and not stored."""
    head = b"POST /envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
    answer = served.raw(head + framing + b"\r\n" + office.envelope(), half_close=True)
    assert 4 == status_of(answer) // 100
    assert (0, None) == shelf.waiting()


def sent_head(length: int) -> bytes:
    head = f"POST /envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n"


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\nHost: \r\n"])
def test_nameless_request_refused(served: Served, head: bytes) -> None:
    """A request that does not say which name it is for is refused."""
    assert 4 == status_of(served.raw(head + b"\r\n", half_close=True)) // 100


@both
def test_day_never_goes_back(client_of: Callable[..., FlaskClient], office: PortalOffice, shelf: Shelf) -> None:
    """When the clock is set back, new letters carry the largest day seen: the shelf does not tell them apart."""
    week = office.key_list.weeks[0]
    for day in (week.last, week.first):
        client_of(today=lambda day=day: day).post("/envelopes", data=office.envelope(), headers=OCTETS)
    assert (2, week.last) == shelf.waiting()
