# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several front ends on one database: each letter is one row, one folder has the gate, a ceiling is the disk."""

import concurrent.futures
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from portalkit import OCTETS, PortalOffice, Served, body_of, end, packed, serve, signed, status_of, underseal
from storekit import PostgresqlKit, on_postgresql

from crypto.handedon import HandedOn, write_handed_on
from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign
from portal.shelf import Shelf

pytestmark = on_postgresql


@pytest.fixture
def pair(folder: Path, office: PortalOffice, store: PostgresqlKit, tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Two running front ends of one database: one folder with the gate, one without."""
    other = tmp_path / "second"
    options = ("--store", store.url, "--no-gate")
    ran = underseal("portal", "init", "--public", office.public, "--dir", other, *options)
    assert (0, "") == (ran.code, ran.out), ran.err
    running = (serve(folder), serve(other))
    yield running
    for served in running:
        end(served)


def test_raced_letters(pair: tuple[Served, Served], office: PortalOffice, shelf: Shelf) -> None:
    """The same letter at both, and different ones at both, at the same moment: each one is there once, with its day."""
    same = [office.envelope() for _ in range(10)]
    head = office.envelope()[:-15_000]
    own = [head + os.urandom(15_000) for _ in range(80)]
    sends = [(front, letter) for letter in same for front in pair for _ in range(3)]
    sends += [(pair[number % 2], letter) for number, letter in enumerate(own)]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda send: send[0].post(send[1]), sends))
    assert [(201, f"{digest(letter)}\n".encode()) for _, letter in sends] == [(a.status, a.body) for a in answers]
    assert 90 == shelf.waiting()[0]
    assert same + own == list(shelf.bodies([digest(letter) for letter in same + own]))


def test_one_gate(pair: tuple[Served, Served], office: PortalOffice) -> None:
    """What came in at either front end is in the one bundle; the folder without a gate has no key and no socket."""
    letters = [office.envelope(), office.envelope()]
    for served, letter in zip(pair, letters, strict=True):
        assert 201 == served.post(letter).status
    with_gate, without = pair
    answer = with_gate.gate(signed(office.courier, "/pull", b'{"after":null}'))
    assert (200, True) == (status_of(answer), body_of(answer).endswith(b"".join(sorted(letters, key=digest))))
    assert {"ballast", "config.json", "counter.lock", "public", "serve.lock"} == {
        path.name for path in without.folder.iterdir()
    }
    ran = underseal("portal", "serve", "--dir", without.folder, "--port", 0, "--gate-port", 0)
    assert (2, True) == (ran.code, "this folder has no gate" in ran.err)


def test_page_is_switched_at_all(pair: tuple[Served, Served], office: PortalOffice) -> None:
    """A page pushed at the gate is served by both front ends once the courier has its answer, the same bytes.

    While it is switched whoever asks gets one page or the other, whole, and its script from either front end.
    """
    script = b"// another script\n"
    files = office.page_with_script(2, script, floor=1, collect_days=9)
    old, new = (office.public / "page/index.html").read_bytes(), files["index.html"]
    names = {old: office.page.script, new: f"underseal.{digest(script)[:12]}.js"}
    scripts = {old: office.page.files[office.page.script], new: script}
    pushed = threading.Event()

    def visit(number: int) -> list[bool]:
        """Load page and script, from one front end and the other, until all is over; return which page it was."""
        seen = []
        while len(seen) < 400 and not (pushed.is_set() and len(seen) > 20):
            page = pair[(number + len(seen)) % 2].request("GET", "/").body
            for front in pair:
                answer = front.request("GET", f"/{names[page]}")
                assert (200, scripts[page]) == (answer.status, answer.body)
            seen.append(page == new)
        return seen

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        visits = [pool.submit(visit, number) for number in range(4)]
        time.sleep(0.5)
        assert b'{"page": 2}' in pair[0].gate(signed(office.courier, "/page", packed(files)))
        served = [front.request("GET", f"/{name}").body for front in pair * 10 for name in ("", "SHA256SUMS")]
        pushed.set()
        assert {False, True} == {which for future in visits for which in future.result()}
    assert [new, files["SHA256SUMS"]] * 20 == served
    assert ["", ""] == [front.said() for front in pair]


def test_root_is_handed_on_at_all(pair: tuple[Served, Served], office: PortalOffice) -> None:
    """A front end without a gate serves and trusts what the new root has signed, once the gate has its statement."""
    new = SigningKey.generate()
    line = write_handed_on(HandedOn("Local 1", office.root.public, new.public, office.key_list.issued, 20, 2))
    line += "".join(sign(line, root, Namespace.ROOT) for root in (office.root, new)).encode()
    text, signature = office.signed_list(root=new, sequence=20)
    page = office.page_pushed(2, new, root=new.public)
    for path, body in (("/handed-on", line), ("/keys", text + signature.encode()), ("/page", page)):
        assert 200 == status_of(pair[0].gate(signed(office.courier, path, body)))
    assert [text, text] == [front.request("GET", "/keys.txt").body for front in pair]
    assert [b"# page 2"] * 2 == [front.request("GET", "/SHA256SUMS").body[:8] for front in pair]
    assert [201, 201] == [front.post(office.envelope()).status for front in pair]


def test_late_front_end_serves_the_page_of_the_shelf(
    folder: Path, office: PortalOffice, store: PostgresqlKit, tmp_path: Path
) -> None:
    """A front end that is made from an earlier signing's folder serves the page that the others serve."""
    (tmp_path / "public/page").mkdir(parents=True)
    for name, data in office.page_files(2).items():
        (tmp_path / "public/page" / name).write_bytes(data)
    assert 0 == underseal("portal", "publish", "--dir", folder, "--public", tmp_path / "public").code
    second = tmp_path / "second"
    options = ("--store", store.url, "--no-gate")
    assert 0 == underseal("portal", "init", "--public", office.public, "--dir", second, *options).code
    served = serve(second)
    assert (tmp_path / "public/page/SHA256SUMS").read_bytes() == served.request("GET", "/SHA256SUMS").body
    end(served)


AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "officer"}
os.execv(sys.executable, [sys.executable, "-m", "underseal", "portal", "serve", "--dir", sys.argv[2]])
"""


def started(listener: socket.socket, folder: Path) -> subprocess.Popen[bytes]:
    """Start a front end on a socket that is open already, as its unit does, and return it once it answers."""
    command = [sys.executable, "-c", AS_SYSTEMD, str(listener.fileno()), str(folder)]
    process = subprocess.Popen(command, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout and process.stdout.readline().startswith(b"unix:")
    process.stdout.close()
    return process


def send(path: Path, letter: bytes) -> int:
    """Send a letter over a socket's file until it is taken, and return how often it took."""
    for attempt in range(1, 100):
        with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
            line.settimeout(30)
            line.connect(str(path))
            head = (
                f"POST /envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(letter)}\r\nConnection: close\r\n"
            )
            line.sendall(f"{head}Content-Type: {OCTETS['Content-Type']}\r\n\r\n".encode() + letter)
            if line.recv(12) == b"HTTP/1.1 201":
                return attempt
    raise AssertionError


def test_one_is_renewed_while_one_serves(
    folder: Path, office: PortalOffice, store: PostgresqlKit, shelf: Shelf, tmp_path: Path
) -> None:
    """Two front ends behind one socket: each is stopped and started in turn, and officers notice nothing."""
    second, path, head = tmp_path / "second", tmp_path / "officer.sock", office.envelope()[:-15_000]
    options = ("--store", store.url, "--no-gate")
    assert 0 == underseal("portal", "init", "--public", office.public, "--dir", second, *options).code
    with socket.socket(socket.AF_UNIX) as listener, concurrent.futures.ThreadPoolExecutor(4) as pool:
        listener.bind(str(path))
        listener.listen(512)
        front_ends = [started(listener, place) for place in (folder, second)]
        letters = [head + os.urandom(15_000) for _ in range(300)]
        sent = [pool.submit(send, path, letter) for letter in letters]
        for number, place in enumerate((folder, second)):
            front_ends[number].terminate()
            assert 0 == front_ends[number].wait(40)
            front_ends[number] = started(listener, place)
        attempts = [future.result() for future in sent]
        assert [True, True] == [front_end.poll() is None for front_end in front_ends]
        for front_end in front_ends:
            front_end.terminate()
            front_end.wait(40)
    assert (300, True) == (shelf.waiting()[0], sum(attempts) < 330)
    assert letters == list(shelf.bodies([digest(letter) for letter in letters]))


def test_tidied_while_both_serve(pair: tuple[Served, Served], office: PortalOffice, shelf: Shelf) -> None:
    """The nightly job of one folder runs beside both: letters wait for it, and none is lost."""
    head = office.envelope()[:-15_000]
    letters = [head + os.urandom(15_000) for _ in range(60)]
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        sent = [pool.submit(pair[number % 2].post, letter) for number, letter in enumerate(letters)]
        nights = [underseal("portal", "nightly", "--dir", pair[0].folder).code for _ in range(3)]
    assert ({201}, [0, 0, 0]) == ({future.result().status for future in sent}, nights)
    assert letters == list(shelf.bodies([digest(letter) for letter in letters]))


def test_second_shelf_refused(folder: Path, office: PortalOffice, store: PostgresqlKit, tmp_path: Path) -> None:
    """A database that has a shelf gets no second gate, and a front end needs one that has; neither leaves a folder."""
    target = tmp_path / "second"
    ran = underseal("portal", "init", "--public", office.public, "--dir", target, "--store", store.url)
    assert (1, True) == (ran.code, f"the database {store.database} has a shelf already" in ran.err)
    empty = store.server.create()
    words = ("--store", store.server.url(empty), "--no-gate")
    ran = underseal("portal", "init", "--public", office.public, "--dir", target, *words)
    assert (3, f"portal: there is no shelf in {empty}; nothing was changed\n") == (ran.code, ran.err)
    assert [] == [path for path in tmp_path.iterdir() if path.name not in ("portal",)]
    store.server.drop(empty)


def test_ceiling_is_the_room(
    client_of: Callable[..., FlaskClient], office: PortalOffice, store: PostgresqlKit, shelf: Shelf
) -> None:
    """From the ceiling on no letter is taken; from three quarters of it on room is called filling."""
    used = shelf.used_bytes()
    mib = used // 2**20
    assert mib >= 7  # a database without letters
    full, low, plenty = (client_of(ceiling_mib=ceiling) for ceiling in (mib, mib * 5 // 4, mib * 2))
    assert ["full", "filling", "plenty"] == [c.get("/health").text.split()[-1] for c in (full, low, plenty)]
    answers = [c.post("/envelopes", data=office.envelope(), headers=OCTETS).status_code for c in (full, low, plenty)]
    assert [503, 201, 201] == answers


def test_letter_changes_no_word(client_of: Callable[..., FlaskClient], store: PostgresqlKit, shelf: Shelf) -> None:
    """What takes the database over a level changes nothing that everybody is told, until a moment of chance."""
    mib = shelf.used_bytes() * 2 // 2**20
    client = client_of(ceiling_mib=mib)
    assert "up\nroom plenty\n" == client.get("/health").text
    with store.server.connect(store.database) as connection:
        connection.execute("CREATE TABLE more AS SELECT repeat('x', 1000) FROM generate_series(1, %s)" % (mib * 1000))
    assert shelf.used_bytes() > mib * 2**20
    time.sleep(1.1)
    assert "up\nroom plenty\n" == client.get("/health").text
    assert "up\nroom full\n" == client_of(ceiling_mib=mib).get("/health").text
