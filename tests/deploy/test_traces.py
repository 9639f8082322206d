# SPDX-License-Identifier: AGPL-3.0-or-later
"""After marked visits of every kind nothing on the host's disks tells of a visitor, and no memory of their words."""

import base64
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hostkit import Host, await_, make_host, request
from portalkit import PortalOffice, underseal
from tracekit import SPELLINGS, Marks, changed_since, family, files_below, in_files, in_memory, in_open_files
from visitkit import Visitors

SHARED = [Path(name) for name in ("/dev/shm", "/var/tmp", "/var/log/nginx", "/var/lib/nginx", "/run/nginx")]


@pytest.fixture
def visited(tmp_path_factory: pytest.TempPathFactory, paper: PortalOffice, monkeypatch) -> Iterator[Visitors]:
    """A host with its visitors; all that its processes say, and all that they put aside, is below its folder."""
    made = make_host(tmp_path_factory.mktemp("traces"))
    aside = made.folder / "tmp"
    aside.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(aside))
    try:
        made.start_portal(paper)
        made.start_nginx(said=made.folder / "nginx.said")
        yield Visitors(made, paper, Marks())
    finally:
        made.end()


def portal_processes(host: Host) -> list[int]:
    """Return the portal's processes: the one that serves, both masters and their workers."""
    return family(host.processes[0].pid)


def nginx_processes(host: Host) -> list[int]:
    """Return nginx's master and workers."""
    return family(int((host.folder / "run-web/nginx.pid").read_text()))


def on_disk(visitors: Visitors) -> set[str]:
    """Return what is found in all files of the host, in shared places, and in whatever its processes hold open."""
    host = visitors.host
    temporary = [path for path in Path("/tmp").iterdir() if path.is_file()]
    processes = [*portal_processes(host), *nginx_processes(host)]
    shared = changed_since(visitors.marks.made, [*files_below(SHARED), *temporary])
    files = [*files_below([host.folder]), *shared]
    kept = [in_files(marks, files) | in_open_files(marks, processes) for marks in (visitors.marks, visitors.shown)]
    return kept[0] | kept[1]


def break_storage(visitors: Visitors) -> Counter[int]:
    """Provoke what a portal answers when it breaks, with marked letters under way; return the answers' counts.

    A locked database, workers killed with letters in their hands, a limit that the file of the shelf has reached.
    """
    host = visitors.host
    seen: Counter[int] = Counter()

    def send(_number: int) -> int:
        return visitors.post("clearnet", visitors.letter())

    with ThreadPoolExecutor(8) as pool:
        lock = sqlite3.connect(host.portal / "shelf.sqlite", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        under_way = pool.map(send, range(8))
        time.sleep(1.5)
        for pid in officer_workers(host):
            os.kill(pid, signal.SIGKILL)
        seen.update(under_way)
        seen.update(pool.map(send, range(4)))  # for eleven seconds
        lock.execute("COMMIT")
        lock.close()
        for pid in officer_workers(host):
            subprocess.run(["prlimit", f"--pid={pid}", "--fsize=4096:4096"], check=True)
        seen.update(pool.map(send, range(4)))
    await_(lambda: visitors.post("onion", visitors.letter()) == 201)
    return seen


def officer_workers(host: Host) -> list[int]:
    """Return the processes that take letters."""
    serving = host.processes[0].pid
    officer = min(map(int, Path(f"/proc/{serving}/task/{serving}/children").read_text().split()))
    return family(officer)[1:]


def all_visits(visitors: Visitors, count: int) -> Counter[tuple[str, int]]:
    """Make so many visits, four at a time."""
    with ThreadPoolExecutor(4) as pool:
        return Counter(pool.map(visitors.visit, range(count)))


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_nothing_is_kept(visited: Visitors, measured, count: int) -> None:
    """Of marked visitors no file holds a trace, the portal's memory none, and no memory a word that was sealed."""
    host, marks = visited.host, visited.marks
    assert {503, 502} <= set(break_storage(visited))
    with contextlib.ExitStack() as stack:
        for side in ("onion", "clearnet") * 4:
            stack.enter_context(visited.begin(side))
        seen = all_visits(visited, count)
    statuses = {status for _, status in seen}
    assert {0, 200, 201, 301, 400, 403, 404, 405, 413, 415, 421, 422} <= statuses, statuses
    assert sum(number // 2 % 16 == 0 for number in range(count)) == seen["letter", 201]
    time.sleep(1)
    for _ in range(4):
        assert 200 == host.request("onion", "GET", "/keys.txt").status
    assert set() == in_memory(marks, portal_processes(host))
    nginx = in_memory(marks, nginx_processes(host))
    assert set() == {kind for kind in nginx if kind.startswith("sealed")}
    measured(f"old buffers of nginx after {count} visits: {sorted(nginx)}")
    for _ in range(20):
        host.gate(request("POST", "/pull", b"{}", Host="gate", **visited.headers()))
    assert set() == on_disk(visited)
    assert set() == marks.found(said_on(host.processes[0]), sealed_noise=True)
    assert 0 == underseal("portal", "nightly", "--dir", host.portal).code
    assert set() == in_files(marks, files_below([host.folder])) | in_files(visited.shown, files_below([host.portal]))


def said_on(process: subprocess.Popen[bytes]) -> bytes:
    """Return what a process has written to its standard output since it was last read."""
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    return process.stdout.read() or b""


def test_fresh_workers_hold_nothing(visited: Visitors) -> None:
    """nginx sees addresses and browsers, and old buffers hold the last ones; a reload leaves none in its memory."""
    host = visited.host
    all_visits(visited, 64)
    assert "address" in {kind.split()[0] for kind in in_memory(visited.marks, nginx_processes(host))}
    before = set(host.workers())
    os.kill(int((host.folder / "run-web/nginx.pid").read_text()), signal.SIGHUP)
    await_(lambda: not before & set(host.workers()) and len(host.workers()) == 2, 150)  # a slow sender is waited for
    assert set() == in_memory(visited.marks, nginx_processes(host))


def test_log_would_be_found(bare: Host, paper: PortalOffice) -> None:
    """With nginx's own log switched on, the same search finds who came, from where and with what."""
    configuration = (bare.folder / "etc/nginx").resolve() / "nginx.conf"
    text = configuration.read_text()
    log = bare.folder / "run-web/access.log"
    configuration.write_text(text.replace("access_log off;", f"access_log {log} combined;"))
    bare.start_portal(paper)
    bare.start_nginx()
    visitors = Visitors(bare, paper, Marks())
    assert 201 == visitors.post("clearnet", visitors.letter())
    expected = {f"{kind} as utf-8 in access.log" for kind in ("address", "user_agent", "referer")}
    assert expected <= on_disk(visitors)


SPELT = {name: spell for name, spell in SPELLINGS.items() if not name.startswith("base64")}


def in_base64(marks: Marks, shift: int) -> bytes:
    """Return a mark in the middle of something in base64."""
    return base64.b64encode(b"x" * shift + marks.word("cookie").encode() + b"yy")


@pytest.mark.parametrize("name", SPELT)
def test_planted_word_is_found(tmp_path: Path, name: str) -> None:
    """A word in a file is found in every spelling, with its kind; also across the seam of two pieces."""
    marks = Marks()
    for lead in (3, 1_048_576 - 9):
        (tmp_path / "planted").write_bytes(os.urandom(lead) + SPELT[name](marks.word("cookie").encode()) + b" .")
        assert {f"cookie as {name} in planted"} == in_files(marks, [tmp_path / "planted"])


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_planted_base64_is_found(tmp_path: Path, shift: int) -> None:
    """So is one in base64, whatever stands before it."""
    marks = Marks()
    (tmp_path / "planted").write_bytes(in_base64(marks, shift))
    assert f"mark as base64-{shift} in planted" in in_files(marks, [tmp_path / "planted"])


def test_planted_address_is_found(tmp_path: Path) -> None:
    """An address is found as text and as four bytes; in the shelf the bytes count in a socket's address only."""
    marks = Marks()
    packed = IPv4Address(marks.addresses[0]).packed
    (tmp_path / "text").write_text(f"client: {marks.addresses[0]}, server: onion")
    (tmp_path / "packed").write_bytes(b"...." + packed)
    (tmp_path / "shelf.sqlite").write_bytes(b"...." + packed)
    expected = {"address as utf-8 in text", "address as packed in packed"}
    assert expected == in_files(marks, files_below([tmp_path]))
    (tmp_path / "shelf.sqlite").write_bytes(b"\x02\x00\x12\x34" + packed)
    assert expected | {"address as packed in shelf.sqlite"} == in_files(marks, files_below([tmp_path]))


def test_file_of_before_is_passed_over(tmp_path: Path) -> None:
    """What somebody else left in a shared place long ago is not looked at; what is written to now is."""
    for name in ("old", "written"):
        (tmp_path / name).write_bytes(b"x")
    later = (tmp_path / "old").stat().st_ctime + 1.01
    assert [] == changed_since(later, files_below([tmp_path]))
    await_(lambda: time.time() > later)
    with (tmp_path / "written").open("ab") as file:
        file.write(b"y")
    os.utime(tmp_path / "written", (0, 0))
    assert [tmp_path / "written"] == changed_since(later, files_below([tmp_path]))


def test_planted_name_is_found(tmp_path: Path) -> None:
    """A mark in a file's name is found, in an open file without a name, and in memory."""
    marks = Marks()
    (tmp_path / marks.word("cookie")).touch()
    assert {f"cookie as utf-8 in {marks.word('cookie')}"} == in_files(marks, files_below([tmp_path]))
    script = f"import tempfile, sys; held = '{marks.word('cookie')}'; file = tempfile.TemporaryFile(); "
    script += "file.write(held.encode()); file.flush(); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout and child.stdout.readline() == b"ready\n"
        assert {f"cookie as utf-8 in an open file of {child.pid}"} == in_open_files(marks, [child.pid])
        assert "cookie as utf-8" in in_memory(marks, [child.pid])
        child.stdin.close()
