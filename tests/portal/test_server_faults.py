# SPDX-License-Identifier: AGPL-3.0-or-later
"""A PostgreSQL server that goes away, comes back, or ends in the middle of a commit: nothing acknowledged is lost."""

import concurrent.futures
import contextlib
import http.client
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from portalkit import Answered, PortalOffice, Served, signed
from storekit import PostgresqlKit, PostgresqlServer, on_postgresql

from crypto.primitives import digest
from portal.postgresql_store import PostgresqlStore
from portal.room import CLOSED_SECONDS
from portal.shelf import Shelf

pytestmark = on_postgresql
USUAL = b"Nothing was stored. The portal cannot take letters at the moment; please send it again later.\n"
UNCERTAIN = b"The portal cannot say yet whether the letter is stored; please send it again.\n"


@pytest.fixture
def server(store: PostgresqlKit) -> Iterator[PostgresqlServer]:
    """The server of the test, to be stopped and started; afterwards it runs again."""
    with store.server.changed():
        yield store.server


@contextlib.contextmanager
def traced(log: Path, pids: list[int], *options: str) -> Iterator[None]:
    """Trace processes while the block runs."""
    words = ["strace", "-f", "-qq", "-s", "32", "-o", str(log), *options]
    tracer = subprocess.Popen([*words, *(word for pid in pids for word in ("-p", str(pid)))], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if all("TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text() for pid in pids):
                break
            time.sleep(0.05)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)


def backends(store: PostgresqlKit) -> list[int]:
    """Return the server's processes that work for the portal."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return [pid for (pid,) in store.rows(f"{query} AND backend_type = 'client backend'")]


def send_until_taken(served: Served, envelope: bytes, seconds: float = 20) -> list[Answered]:
    """Send a letter as often as it takes, as the page does, and return all answers."""
    answers: list[Answered] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            answers.append(served.post(envelope))
            if answers[-1].status == 201:
                return answers
        time.sleep(0.05)
    raise AssertionError([answer.status for answer in answers])


def send_until(over: threading.Event, served: Served, head: bytes) -> dict[bytes, list[Answered]]:
    """Send new letters, each until it is taken, and return them with their answers."""
    sent = {}
    while not over.is_set() and len(sent) < 1_000:
        envelope = head + os.urandom(15_000)
        sent[envelope] = send_until_taken(served, envelope)
    return sent


def test_server_down_is_told(served: Served, office: PortalOffice, server: PostgresqlServer, shelf: Shelf) -> None:
    """Without its server the portal says so in the usual sentence; when it is back, so is the portal, in 5 seconds."""
    before, after = office.envelope(), office.envelope()
    for _ in range(60):  # until both workers have read the page: one that begins without a server has none
        assert 200 == served.request("GET", "/").status
        time.sleep(0.05)
    assert 201 == served.post(before).status
    server.stop()
    assert [(503, USUAL)] * 3 == [(answer.status, answer.body) for answer in (served.post(after) for _ in range(3))]
    time.sleep(CLOSED_SECONDS)
    health = served.request("GET", "/health")
    assert (200, b"up\nroom closed\n") == (health.status, health.body)
    assert (200, 503) == tuple(served.request("GET", path).status for path in ("/", "/keys.txt"))
    server.start()
    began = time.monotonic()
    send_until_taken(served, after)
    assert 5 > time.monotonic() - began
    assert {before, after} == set(shelf.bodies([digest(before), digest(after)]))
    assert set(served.said().splitlines()) <= {
        f"portal: OperationalError at {path}" for path in ("/envelopes", "/keys.txt")
    }


def test_page_is_not_taken_without_server(served: Served, office: PortalOffice, server: PostgresqlServer) -> None:
    """Without its server the portal serves the page that it has, and says that a new one was not taken; later it is."""
    request = office.page_pushed(2)
    server.stop()
    time.sleep(CLOSED_SECONDS)
    assert b"HTTP/1.1 503 " == served.gate(signed(office.courier, "/page", request))[:13]
    assert {b"# page 1"} == {served.request("GET", "/SHA256SUMS").body[:8] for _ in range(8)}
    server.start()
    assert b'{"page": 2}' in served.gate(signed(office.courier, "/page", request))
    assert {b"# page 2"} == {served.request("GET", "/SHA256SUMS").body[:8] for _ in range(8)}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_in_mid_request(
    served: Served, office: PortalOffice, server: PostgresqlServer, shelf: Shelf, mode: str
) -> None:
    """Six officers send while the server stops or crashes, and starts again: every letter is one row in the end."""
    head, over = office.envelope()[:-15_000], threading.Event()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        sending = [pool.submit(send_until, over, served, head) for _ in range(6)]
        for _ in range(2):
            time.sleep(0.3)
            server.stop(mode)
            server.start()
        over.set()
        sent = {envelope: answers for future in sending for envelope, answers in future.result().items()}
    assert len(sent) == shelf.waiting()[0]
    assert sorted(sent) == sorted(shelf.bodies([digest(envelope) for envelope in sent]))
    refused = {answer.body for answers in sent.values() for answer in answers if answer.status != 201}
    assert set() < refused <= {USUAL, UNCERTAIN}


def test_terminated_connections(served: Served, office: PortalOffice, store: PostgresqlKit, shelf: Shelf) -> None:
    """While every connection is ended again and again, retries succeed, and each letter is one row."""
    head, over, ended = office.envelope()[:-15_000], threading.Event(), 0
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        sending = [pool.submit(send_until, over, served, head) for _ in range(6)]
        while ended < 60:
            ended += len(store.rows(f"{kill} AND pid <> pg_backend_pid() AND backend_type = 'client backend'"))
            time.sleep(0.02)
        over.set()
        sent = {envelope: answers for future in sending for envelope, answers in future.result().items()}
    assert len(sent) == shelf.waiting()[0]
    assert sorted(sent) == sorted(shelf.bodies([digest(envelope) for envelope in sent]))
    assert {answer.body for answers in sent.values() for answer in answers if answer.status != 201} > set()


def test_killed_at_commit(
    served: Served, office: PortalOffice, store: PostgresqlKit, server: PostgresqlServer, shelf: Shelf, tmp_path: Path
) -> None:
    """A server killed while it syncs a commit: the sender is told that nobody knows; sent again, it is one row."""
    os.kill(served.workers()[1], signal.SIGSTOP)  # which of two would answer is chance
    assert 201 == served.post(office.envelope()).status
    envelope = office.envelope()
    inject = ("-e", "trace=fdatasync", "-e", "inject=fdatasync:signal=KILL")
    with traced(tmp_path / "trace", backends(store), *inject):
        first = served.post(envelope)
    assert (503, UNCERTAIN) == (first.status, first.body)
    assert 201 == send_until_taken(served, envelope)[-1].status
    assert [envelope] == list(shelf.bodies([digest(envelope)]))
    assert Counter({1: 1}) == Counter(
        count for (count,) in store.rows(f"SELECT count(*) FROM envelopes WHERE digest = '\\x{digest(envelope)}'")
    )


def test_full_disk_of_the_server(
    served: Served, office: PortalOffice, store: PostgresqlKit, server: PostgresqlServer, shelf: Shelf, tmp_path: Path
) -> None:
    """When the server's disk is full nothing is acknowledged; with room again the same letter is taken, once."""
    os.kill(served.workers()[1], signal.SIGSTOP)
    assert 201 == served.post(office.envelope()).status
    envelope = office.envelope()
    full = ("-e", "trace=pwrite64,fallocate", "-e", "inject=pwrite64,fallocate:error=ENOSPC")
    with traced(tmp_path / "trace", backends(store), *full):
        first = served.post(envelope)
        assert b"ENOSPC" in (tmp_path / "trace").read_bytes()
    assert (503, True) == (first.status, first.body in (USUAL, UNCERTAIN))
    assert 201 == send_until_taken(served, envelope)[-1].status
    assert (2, [envelope]) == (shelf.waiting()[0], list(shelf.bodies([digest(envelope)])))


def test_answer_after_sync_there(served: Served, office: PortalOffice, store: PostgresqlKit, tmp_path: Path) -> None:
    """The server syncs its log of changes before the first byte of the 201 is sent."""
    worker, other = served.workers()
    os.kill(other, signal.SIGSTOP)
    assert 201 == served.post(office.envelope()).status
    log = tmp_path / "trace"
    with traced(log, [worker, *backends(store)], "-e", "trace=fdatasync,sendto"):
        assert 201 == served.post(office.envelope()).status
    lines = log.read_text().splitlines()
    answered = next(i for i, line in enumerate(lines) if '"HTTP/1.1 201' in line)
    synced = [i for i, line in enumerate(lines) if re.search(r"fdatasync\(\d+\)\s+= 0|fdatasync resumed.*= 0", line)]
    assert synced and synced[-1] < answered, lines


@pytest.mark.long
def test_paused_front_end_holds_nobody(
    served: Served, office: PortalOffice, store: PostgresqlKit, shelf: Shelf
) -> None:
    """A program that stops in the middle of a transaction, with the writers' lock, is cut off by the server."""
    other = PostgresqlStore(store.url)
    connection = other.engine.connect()
    connection.begin()
    began = time.monotonic()
    assert 201 == send_until_taken(served, office.envelope(), 30)[-1].status
    assert 13 > time.monotonic() - began
    connection.invalidate()
    connection.close()
    other.engine.dispose()
    assert 1 == shelf.waiting()[0]
