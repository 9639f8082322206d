# SPDX-License-Identifier: AGPL-3.0-or-later
"""The portal listens where it is told: on a socket file, or on sockets that systemd opened for it."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from portalkit import PortalOffice, body_of, signed, status_of, underseal

from portal.listening import SocketRefused, take_handed_over

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def ask(path: Path, request: bytes) -> bytes:
    """Return what answers at a socket file."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(path))
        line.sendall(request)
        return b"".join(iter(lambda: line.recv(65_536), b""))


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A program that is told to stop at the end, and ends well."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            assert (0, "") == (process.wait(40), process.communicate()[1].partition("portal: letters at ")[0])


def serve(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "underseal", "portal", "serve", "--dir", str(folder), *options]


def test_serves_on_socket_file(folder: Path, tmp_path: Path) -> None:
    """With --socket no port is opened; the file is its owner's alone, and goes when the portal ends."""
    path = tmp_path / "officer.sock"
    with running(*serve(folder, "--socket", str(path))) as process:
        assert process.stdout
        assert f"unix:{path}\n" == process.stdout.readline()
        assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o077
        assert body_of(ask(path, HEALTH)).startswith(b"up\nroom ")
    assert [False, False] == [path.exists(), (folder / "gate.sock").exists()]


def test_systemd_hands_over_both(folder: Path, office: PortalOffice, tmp_path: Path) -> None:
    """systemd's own starter opens both sockets; each side answers on its own, and the files are not the portal's."""
    sides = [tmp_path / "officer.sock", tmp_path / "gate.sock"]
    starter = ["systemd-socket-activate", "--fdname=officer:gate", *(f"--listen={side}" for side in sides)]
    with subprocess.Popen([*starter, *serve(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            while b"Listening on" not in (line := process.stderr.readline()) or b" as 4" not in line:  # type: ignore[union-attr]
                assert line
            assert body_of(ask(sides[0], HEALTH)).startswith(b"up\nroom ")
            assert 200 == status_of(ask(sides[1], signed(office.courier, "/status")))
            assert 403 == status_of(ask(sides[1], HEALTH))
        finally:
            process.terminate()
            assert 0 == process.wait(40)
    assert [True, True, False] == [*(side.exists() for side in sides), (folder / "gate.sock").exists()]


@pytest.mark.parametrize("options", [("--port", "0"), ("--socket", "a.sock")], ids=["port", "socket"])
def test_one_place_to_listen(folder: Path, options: tuple[str, str]) -> None:
    """Two places for the officer's side are one too many: nothing is started."""
    with socket.socket() as opened:
        opened.listen()
        code = (
            "import os, sys, underseal; os.dup2(int(sys.argv.pop(1)), 3); "
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='officer'); underseal.main()"
        )
        command = [sys.executable, "-c", code, str(opened.fileno()), "portal", "serve", "--dir", str(folder), *options]
        ran = subprocess.run(command, capture_output=True, text=True, pass_fds=[opened.fileno()])
    assert 2 == ran.returncode
    assert "listens in one place" in ran.stderr


def test_port_or_socket(folder: Path) -> None:
    """So are a port and a socket file."""
    ran = underseal("portal", "serve", "--dir", folder, "--port", 0, "--socket", "a.sock")
    assert 2 == ran.code
    assert "listens in one place" in ran.err


def told(names: str, **changes: str) -> dict[str, str]:
    """Return what systemd tells a process."""
    count = str(len(names.split(":")))
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": names, "HOME": "/", **changes}


@pytest.mark.parametrize("names", ["desk", "unknown"])
def test_unknown_name_refused(names: str) -> None:
    """A socket under a name that nobody waits for stops the start."""
    with pytest.raises(SocketRefused):
        take_handed_over(("officer", "gate"), told(names))


@pytest.mark.parametrize("change", [{"LISTEN_PID": "1"}, {"LISTEN_PID": ""}, {"LISTEN_FDS": "x"}, {"LISTEN_FDS": "0"}])
def test_meant_for_another(change: dict[str, str]) -> None:
    """What systemd told another process is not ours, and no child takes it for its own."""
    environ = told("officer", **change)
    assert {} == take_handed_over(("officer", "gate"), environ)
    assert {"HOME": "/"} == environ


ADOPT = """
import os, socket, sys
from portal.listening import SocketRefused, take_handed_over
kept = {"file": lambda: open("/dev/null"), "deaf": lambda: socket.socket(), "datagram": lambda: socket.socket(type=2)}
held = kept[sys.argv[1]]()
os.dup2(held.fileno(), 3) if held.fileno() != 3 else None
names = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "officer"}
try:
    take_handed_over(("officer",), names)
except SocketRefused as error:
    os.write(1, str(error).encode())
os._exit(0)
"""


@pytest.mark.parametrize(
    ("kind", "fault"), [("file", "it is no socket"), ("deaf", "does not listen"), ("datagram", "does not listen")]
)
def test_deaf_socket_refused(kind: str, fault: str) -> None:
    """A file, or a socket on which nobody can call, stops the start."""
    ran = subprocess.run([sys.executable, "-c", ADOPT, kind], capture_output=True, text=True, check=True)
    assert fault in ran.stdout
