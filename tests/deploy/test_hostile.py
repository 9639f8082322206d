# SPDX-License-Identifier: AGPL-3.0-or-later
"""Slow, broken and two-faced senders: they get nothing, hold nobody up, and leave no trace."""

import contextlib
import signal
import socket
import time
from pathlib import Path

import pytest
from hostkit import DOMAIN, ONION, Host, answer, await_, request
from portalkit import PortalOffice

LETTER = {"Content_Type": "application/octet-stream"}
HEAD = f"POST /envelopes HTTP/1.1\r\nHost: {ONION}\r\nConnection: close\r\nContent-Type: application/octet-stream\r\n"
BEGUN = f"{HEAD}Content-Length: 21157\r\n\r\nage".encode()
INNER = f"GET /health HTTP/1.1\r\nHost: {ONION}\r\n\r\n"
CEILING = 512  # of connections, in deploy/host/portal.conf
WORKERS = 2  # in deploy/host/nginx.conf

TWO_FACED: dict[str, tuple[int, str]] = {
    "length and chunked": (400, f"{HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}"),
    "chunked and length": (400, f"{HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{INNER}"),
    "two lengths": (400, f"{HEAD}Content-Length: 4\r\nContent-Length: 0\r\n\r\n{INNER}"),
    "one length twice": (400, f"{HEAD}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd{INNER}"),
    "lengths in a list": (400, f"{HEAD}Content-Length: 4, 4\r\n\r\nabcd{INNER}"),
    "length with a plus": (400, f"{HEAD}Content-Length: +4\r\n\r\nabcd{INNER}"),
    "length below zero": (400, f"{HEAD}Content-Length: -1\r\n\r\n{INNER}"),
    "length in sixteens": (400, f"{HEAD}Content-Length: 0x4\r\n\r\nabcd{INNER}"),
    "chunked twice": (400, f"{HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}"),
    "chunked and more": (411, f"{HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{INNER}"),
    "nearly chunked": (411, f"{HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{INNER}"),
    "chunked after a tab": (411, f"{HEAD}Transfer-Encoding: \tchunked\r\n\r\n0\r\n\r\n{INNER}"),
    "space before the colon": (400, f"{HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{INNER}"),
    "chunked in version 1.0": (400, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".replace("/1.1", "/1.0", 1)),
    "chunk with an extension": (411, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n{INNER}"),
    "extension ended by a line feed": (411, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1;a\nx\r\n0\r\n\r\n{INNER}"),
    "line feeds, chunked": (411, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}".replace("\r", "")),
    "hidden behind a line feed": (411, f"{HEAD}A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}"),
    "hidden behind a return": (400, f"{HEAD}A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}"),
    "folded": (400, f"{HEAD}A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}"),
    "folded length": (400, f"{HEAD}Content-Length:\r\n 4\r\n\r\nabcd{INNER}"),
    "no colon": (411, f"{HEAD}Transfer-Encoding\r\n\r\n{INNER}"),
    "underscore": (422, f"{HEAD}Content-Length: 1\r\nTransfer_Encoding: chunked\r\n\r\nx{INNER}"),
    "line feeds, otherwise good": (422, f"{HEAD}Content-Length: 1\r\n\r\nx".replace("\r", "")),
    "a body that is a request": (405, f"{HEAD}Content-Length: {len(INNER)}\r\n\r\n{INNER}".replace("POST", "PUT", 1)),
}


@pytest.mark.parametrize("name", TWO_FACED)
def test_two_faced_request(host: Host, name: str) -> None:
    """What could be read in two ways is refused, or written anew in one; there is one answer, and nothing behind it."""
    status, data = TWO_FACED[name]
    with host.connect("onion") as line:
        line.sendall(data.encode("latin-1"))
        got = b""
        with contextlib.suppress(ConnectionResetError):  # closed on what stood behind
            got = b"".join(iter(lambda: line.recv(65_536), b""))
    assert (status, 1) == (int(got[9:12]), got.count(b"HTTP/1.1 "))
    assert b"room" not in got


def test_portal_sees_no_visitor(bare: Host) -> None:
    """A request reaches the portal with the headers it needs and no others: whoever sent it stays outside."""
    telling = {
        "User_Agent": "canary",
        "Cookie": "canary=1",
        "Referer": "https://canary.example/",
        "Accept_Language": "canary",
        "X_Forwarded_For": "203.0.113.5",
        "X_Real_IP": "203.0.113.5",
        "Forwarded": "for=203.0.113.5",
        "Via": "canary",
        "Accept_Encoding": "br",
        "Origin": f"https://{DOMAIN}",
        "Sec_Fetch_Site": "same-origin",
    }
    expected = (
        f"POST /envelopes HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\nAccept-Encoding: br\r\n"
        f"Content-Type: application/octet-stream\r\nOrigin: https://{DOMAIN}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Length: 6\r\n\r\nletter"
    )
    with socket.socket(socket.AF_UNIX) as portal:
        portal.settimeout(30)
        portal.bind(str(bare.run / "officer.sock"))
        portal.listen()
        bare.start_nginx()
        with bare.connect("clearnet") as line:
            line.sendall(request("POST", "/envelopes", b"letter", Host=DOMAIN, **LETTER, **telling))
            got = portal.accept()[0]
            got.settimeout(30)
            seen = b""
            while not seen.endswith(b"letter"):
                seen += got.recv(65_536)
            got.close()
    assert sorted(expected.split("\r\n")) == sorted(seen.decode().split("\r\n"))


def test_letter_is_sent_once(bare: Host) -> None:
    """A portal that hangs up in the middle is not asked again: the officer's page decides that."""
    with socket.socket(socket.AF_UNIX) as portal:
        portal.settimeout(30)
        portal.bind(str(bare.run / "officer.sock"))
        portal.listen()
        bare.start_nginx()
        with bare.connect("onion") as line:
            line.sendall(request("POST", "/envelopes", b"letter", Host=ONION, **LETTER))
            portal.accept()[0].close()
            assert 502 == answer(line).status
        portal.settimeout(0.5)
        with pytest.raises(TimeoutError):
            portal.accept()


def test_slow_senders_hold_nobody(host: Host, paper: PortalOffice) -> None:
    """64 letters that stop in the middle, 64 heads that never end, 40 kits that nobody reads: others are served."""
    with contextlib.ExitStack() as stack:
        for data in (BEGUN, HEAD.encode(), request("GET", "/kit.html", Host=ONION)):
            for _ in range(40 if b"kit" in data else 64):
                stack.enter_context(host.connect("onion")).sendall(data)
        began = time.monotonic()
        assert [201, 200] == [host.post("onion", paper.envelope()).status, host.request("onion", "GET", "/").status]
        assert 5 > time.monotonic() - began


def test_ceiling_is_each_listeners_own(host: Host, paper: PortalOffice) -> None:
    """At the ceiling of one side a letter is told to come again; the other takes it, and this one does later.

    A line that a worker has taken and not read yet is not counted: the ceiling may stand one higher for each of two.
    """
    with contextlib.ExitStack() as stack:

        def full() -> bool:
            return host.request("onion", "GET", "/health").status == 503

        def begin() -> None:
            stack.enter_context(host.connect("onion")).sendall(BEGUN)

        for _ in range(CEILING - 1):
            begin()
        assert not full()
        for _ in range(1 + WORKERS):
            begin()
            with contextlib.suppress(TimeoutError):
                await_(full, 3)
                break
        assert full()
        refused = host.post("onion", paper.envelope())
        assert (503, "5") == (refused.status, dict(refused.headers)["Retry-After"])
        assert b"Nothing was stored." in refused.body
        assert 201 == host.post("clearnet", paper.envelope()).status
    await_(lambda: host.post("onion", paper.envelope()).status == 201)


def test_reload_loses_no_letter(host: Host, paper: PortalOffice) -> None:
    """A letter that is half sent when nginx reads its configuration anew arrives all the same."""
    envelope = paper.envelope()
    with host.connect("onion") as line:
        line.sendall(HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(envelope) + envelope[:9_000])
        before = host.workers()
        host.processes[-1].send_signal(signal.SIGHUP)
        await_(lambda: set(host.workers()) - set(before) != set())
        line.sendall(envelope[9_000:])
        assert 201 == answer(line).status


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Return every file below a folder, with its size and its time."""
    found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def test_nothing_is_written(host: Host, paper: PortalOffice) -> None:
    """nginx makes no log and no temporary file, for the largest body too: where they would be, nothing can be made."""
    logs = files_below(Path("/var/log/nginx"))
    temporary = [path for path in (host.folder / "run-web").iterdir() if path.is_dir()]
    assert {"body", "proxy", "fastcgi", "uwsgi", "scgi"} == {path.name for path in temporary}
    for path in temporary:
        path.chmod(0)
    for side in ("onion", "clearnet"):
        assert 201 == host.post(side, paper.envelope()).status
        assert 413 == host.post(side, bytes(294_912)).status
        assert 200 == host.request(side, "GET", "/kit.html", User_Agent="canary").status
        assert 400 == host.ask(side, b"canary\r\n\r\n").status
    for path in temporary:
        path.chmod(0o700)
    assert logs == files_below(Path("/var/log/nginx"))
    assert ["nginx.pid"] == [Path(path).name for path in files_below(host.folder / "run-web")]
    opened = [path.readlink() for pid in host.workers() for path in Path(f"/proc/{pid}/fd").iterdir()]
    assert {Path("/dev/null")} == {path for path in opened if path.is_absolute()}
    assert b"canary" not in (host.folder / "portal.errors").read_bytes()
