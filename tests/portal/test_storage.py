# SPDX-License-Identifier: AGPL-3.0-or-later
"""A 201 means stable storage; whatever breaks below it, nothing that was acknowledged is lost."""

import concurrent.futures
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from portalkit import PortalOffice, Served, end, serve, signed, underseal
from storekit import Kit, both, slowly_both

from crypto.primitives import digest
from portal.shelf import Shelf


@contextlib.contextmanager
def traced(pid: int, log: Path, *options: str) -> Iterator[None]:
    """Trace every thread of a process while the block runs."""
    command = ["strace", "-f", "-qq", "-s", "32", "-o", str(log), *options, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        for _ in range(200):
            if "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text():
                break
            time.sleep(0.05)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=20)


def only_worker(served: Served, side: int = 0) -> int:
    """Leave one worker able to serve, and return it: which of two would answer is chance."""
    first, second = served.workers(side)
    os.kill(second, signal.SIGSTOP)
    return first


def test_answer_after_sync(served: Served, office: PortalOffice, tmp_path: Path) -> None:
    """The database file and the emptied journal are synced before the first byte of the 201 is sent."""
    worker = only_worker(served)
    log = tmp_path / "trace"
    with traced(worker, log, "-e", "trace=fdatasync,fsync,ftruncate,sendto,pwrite64"):
        assert 201 == served.post(office.envelope()).status
    calls = re.findall(r"(fdatasync|fsync|ftruncate|sendto|pwrite64)\((\d+)(, \"HTTP/1.1 201)?", log.read_text())
    names = [name for name, _, _ in calls]
    answered = next(i for i, (_, _, answer) in enumerate(calls) if answer)
    last_write = max(i for i, name in enumerate(names) if name == "pwrite64")
    emptied = max(i for i, name in enumerate(names) if name == "ftruncate")
    database_synced = next(i for i in range(last_write, answered) if "sync" in names[i])
    journal_synced = next(
        i for i in range(emptied, answered) if "sync" in names[i] and calls[i][1] == calls[emptied][1]
    )
    assert last_write < database_synced < emptied < journal_synced < answered


def test_failed_sync_is_fatal(served: Served, office: PortalOffice, shelf: Shelf, tmp_path: Path) -> None:
    """When a sync fails the sender is told, and the process ends: a fresh one takes the letter when it comes again."""
    worker = only_worker(served)
    envelope = office.envelope()
    with traced(worker, tmp_path / "trace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"):
        answer = served.post(envelope)
        assert (503, True) == (answer.status, answer.body.startswith(b"Nothing was stored."))
        assert _gone(worker)
    assert 201 == served.post(envelope).status
    assert [envelope] == list(shelf.bodies([digest(envelope)]))


def test_full_disk_is_told(served: Served, office: PortalOffice, shelf: Shelf, tmp_path: Path) -> None:
    """When the disk is full the sender is told so, the page is served on, and nothing needs a restart afterwards."""
    worker = only_worker(served)
    envelope = office.envelope()
    with traced(worker, tmp_path / "trace", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC"):
        answer = served.post(envelope)
        assert (503, True) == (answer.status, answer.body.startswith(b"Nothing was stored."))
        assert [200, 200] == [served.request("GET", path).status for path in ("/", "/keys.txt")]
    assert (0, None) == shelf.waiting()
    assert 201 == served.post(envelope).status
    assert [envelope] == list(shelf.bodies([digest(envelope)]))
    assert worker in served.workers()


def test_page_that_the_disk_does_not_take(served: Served, office: PortalOffice, store: Kit, tmp_path: Path) -> None:
    """When a new page does not get onto the disk the courier is told so, and the old one is served on."""
    worker, request = only_worker(served, 1), office.page_pushed(2)
    kept = "SELECT number, digest, body FROM published"
    before = store.rows(kept)
    after_the_nonce = "inject=pwrite64:error=ENOSPC:when=24+"
    with traced(worker, tmp_path / "trace", "-e", "trace=pwrite64", "-e", after_the_nonce):
        answer = served.gate(signed(office.courier, "/page", request))
    assert b"HTTP/1.1 503 " == answer[:13]
    assert answer.endswith(b"nothing was changed.\n")
    assert ([(1,)], before) == (store.rows("SELECT count(*) FROM nonces"), store.rows(kept))
    assert b"# page 1\n" == served.request("GET", "/SHA256SUMS").body[:9]
    assert b'{"page": 2}' in served.gate(signed(office.courier, "/page", request))
    assert b"# page 2\n" == served.request("GET", "/SHA256SUMS").body[:9]


def test_full_disk_is_told_to_the_operator(folder: Path, office: PortalOffice, store: Kit, tmp_path: Path) -> None:
    """`portal publish` on a disk that takes no page says so with its own exit code; later the same line succeeds."""
    (tmp_path / "public/page").mkdir(parents=True)
    for name, data in office.page_files(2).items():
        (tmp_path / "public/page" / name).write_bytes(data)
    words = ("portal", "publish", "--dir", str(folder), "--public", str(tmp_path / "public"))
    full = ("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=pwrite64")
    command = [*full, "-e", "inject=pwrite64:error=ENOSPC:when=12+", sys.executable, "-m", "underseal", *words]
    before = store.rows("SELECT number, digest, body FROM published")
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (7, True) == (ran.returncode, "did not take all of it" in ran.stderr), ran.stderr
    assert before == store.rows("SELECT number, digest, body FROM published")
    assert 0 == underseal(*words).code


def _gone(pid: int) -> bool:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.1)
    return False


@slowly_both
def test_killed_loses_nothing(folder: Path, office: PortalOffice, shelf: Shelf) -> None:
    """Killed in the middle of eight clients' letters, five times: each acknowledged letter is there, byte for byte."""
    acknowledged = [envelope for cycle in range(5) for envelope in _killed_cycle(folder, office, 0.05 + cycle * 0.07)]
    assert 5 < len(acknowledged)
    held = list(shelf.bodies([digest(envelope) for envelope in acknowledged]))
    assert acknowledged == held
    assert shelf.is_whole()


def _killed_cycle(folder: Path, office: PortalOffice, seconds: float) -> list[bytes]:
    """Return the letters that were acknowledged before the portal was killed, so long after the second of them."""
    served = serve(folder)
    head = office.envelope()[:-15_000]
    taken: list[bytes] = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(_post_until_killed, served, head, taken) for _ in range(8)]
        until = time.monotonic() + 30
        while len(taken) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(seconds)
        served.kill()
        concurrent.futures.wait(clients)
    return taken


def _post_until_killed(served: Served, head: bytes, taken: list[bytes]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        for _ in range(1_000):
            envelope = head + os.urandom(15_000)
            if served.post(envelope).status == 201:
                taken.append(envelope)


@both
def test_short_lock_is_waited_for(served: Served, office: PortalOffice, store: Kit) -> None:
    """While another program holds the database for two seconds, a letter waits, and is taken."""
    served.post(office.envelope())
    with concurrent.futures.ThreadPoolExecutor(1) as pool, store.held():
        sent = pool.submit(served.post, office.envelope())
        time.sleep(2)
        assert not sent.done()
    assert 201 == sent.result().status


@both
@pytest.mark.long
def test_long_lock_is_refused(served: Served, office: PortalOffice, store: Kit, shelf: Shelf) -> None:
    """While the database is held, each sender is told within 12 seconds; afterwards all is as before."""
    served.post(office.envelope())
    envelopes = [office.envelope() for _ in range(12)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool, store.held():
        began = time.monotonic()
        answers = list(pool.map(served.post, envelopes))
        assert 12.5 > time.monotonic() - began
        assert {503} == {answer.status for answer in answers}
        time.sleep(10)
    assert [201] * 12 == [served.post(envelope).status for envelope in envelopes]
    assert 13 == shelf.waiting()[0]


@pytest.mark.long
def test_slow_bodies_are_ended(served: Served, office: PortalOffice) -> None:
    """Forty connections that send a letter byte by byte are ended after half a minute, and others are served again."""
    head = b"POST /envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 21157\r\n"
    head += b"Content-Type: application/octet-stream\r\n\r\n"
    lines = [socket.create_connection(("127.0.0.1", served.port), timeout=60) for _ in range(40)]
    began = time.monotonic()
    for line in lines:
        line.sendall(head + b"a")
    dripping = threading.Thread(target=_drip, args=(lines, 34))
    dripping.start()
    assert 201 == served.post(office.envelope()).status
    assert 45 > time.monotonic() - began
    dripping.join()
    for line in lines:
        line.close()


def test_lingering_clients_stop_nobody(served: Served, office: PortalOffice) -> None:
    """Clients that are refused and then keep their connection open do not hold up the next letter."""
    lines = [socket.create_connection(("127.0.0.1", served.port), timeout=60) for _ in range(20)]
    for line in lines:
        line.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert {b"HTTP/1.1 404"} == {line.recv(12) for line in lines}
    began = time.monotonic()
    assert 201 == served.post(office.envelope()).status
    assert 3 > time.monotonic() - began
    for line in lines:
        line.close()


def _drip(lines: list[socket.socket], seconds: int) -> None:
    for _ in range(seconds):
        time.sleep(1)
        for line in lines:
            with contextlib.suppress(OSError):
                line.sendall(b"a")


@both
def test_nothing_is_logged(folder: Path, office: PortalOffice, store: Kit) -> None:
    """After good, bad, cut and broken requests that carry marks, the portal has said nothing and kept no mark."""
    served = serve(folder)
    mark = b"canary-f3a9"
    marked = {"User-Agent": mark.decode(), "Referer": f"http://{mark.decode()}/", "Cookie": f"a={mark.decode()}"}
    octets = {"Content-Type": "application/octet-stream", **marked}
    assert 201 == served.request("POST", "/envelopes", office.envelope(), octets).status
    for body in (mark, mark.ljust(21_157), mark * 3_000):
        assert 4 == served.request("POST", "/envelopes", body, octets).status // 100
    assert 404 == served.request("GET", f"/{mark.decode()}?{mark.decode()}", None, marked).status
    for raw in (
        mark,
        mark + b"\r\n\r\n",
        b"GET /" + mark + b" HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + mark + b": x\r\n",
    ):
        served.raw(raw, half_close=True)
        served.gate(raw + b"\r\n\r\n")
    assert 0 == served.stop()
    assert "" == served.said()
    kept = [path for path in folder.rglob("*") if path.is_file() and mark in path.read_bytes()]
    assert [] == kept
    assert mark not in store.seized()
    end(served)


@both
def test_stop_is_graceful(served: Served, folder: Path, office: PortalOffice) -> None:
    """SIGTERM ends every process with exit code 0, and the gate's socket file goes with them."""
    processes = [served.process.pid, *served.workers()]
    assert 201 == served.post(office.envelope()).status
    assert 0 == served.stop()
    assert [] == [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert not (folder / "gate.sock").exists()


def test_second_serve_is_refused(served: Served, folder: Path) -> None:
    """A second portal on the same folder ends with one sentence, and the first one's gate stays."""
    ran = underseal("portal", "serve", "--dir", folder, "--port", 0, "--gate-port", 0)
    assert (1, "portal: another process serves portal already\n") == (ran.code, ran.err)
    assert b"403" == served.gate(b"POST /status HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")[9:12]


def test_taken_port_is_told(served: Served, empty_portal: Path, tmp_path: Path) -> None:
    """A second portal at the same port says so in one sentence, and the first goes on."""
    other = shutil.copytree(empty_portal, tmp_path / "other")
    ran = underseal("portal", "serve", "--dir", other, "--port", served.port)
    assert (6, f"portal: nothing can listen on port {served.port}: address already in use\n") == (ran.code, ran.err)
    assert 200 == served.request("GET", "/health").status


@both
def test_memory_of_a_worker(served: Served, office: PortalOffice) -> None:
    """A worker that has taken letters holds at most 80 MB."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(served.post, [office.envelope() for _ in range(60)]))
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in served.workers()]
    resident = [int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) for status in statuses]
    assert 80_000 > max(resident)
