# SPDX-License-Identifier: AGPL-3.0-or-later
"""A portal's host for tests: the shipped files, rendered by deploy/install, with real nginx before a real portal.

nginx starts as its unit starts it: by systemd's own starter, on sockets that it did not open, and not as root.
"""

import contextlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from portalkit import Answered, PortalOffice, underseal

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).parent.parent))
DOMAIN = "reports.example.org"
ONION = "a" * 56 + ".onion"
PORTAL_NAMES = ("--allow-host", DOMAIN, "--https", "--onion", ONION)
NAMES = {"onion": ONION, "clearnet": DOMAIN, "http": DOMAIN}
# As PrivateNetwork and User of the units have it: no network but the sockets handed over, and not root.
CONFINED = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--net"]


def install(root: Path, *options: object) -> list[str]:
    """Run deploy/install into `root` and return what it says."""
    command = [SOURCE / "deploy/install", "--root", root, *options]
    return subprocess.run(map(str, command), capture_output=True, text=True, check=True).stdout.splitlines()


def value(unit: Path, name: str) -> list[str]:
    """Return what a unit's file says under a name, each time it stands there."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass(slots=True)
class Host:
    """One host in one folder; nothing runs until it is started."""

    folder: Path
    https: int
    http: int
    tls: ssl.SSLContext
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def run(self) -> Path:
        """Where the sockets are."""
        return self.folder / "run"

    @property
    def portal(self) -> Path:
        """The portal's folder."""
        return self.folder / "state/portal"

    def unit(self, name: str) -> Path:
        """Return a rendered unit or drop-in."""
        return self.folder / "root/etc/systemd/system" / name

    def start_portal(
        self, office: PortalOffice, confined: Sequence[str] = (), names: Sequence[str] = PORTAL_NAMES
    ) -> subprocess.Popen[bytes]:
        """Make the portal's folder and serve it behind nginx; `confined` are the words of what confines it."""
        ran = underseal("portal", "init", "--public", office.public, "--dir", self.portal, *names)
        assert ran.code == 0, ran.err
        words = [sys.executable, "-m", "underseal", "portal", "serve", "--dir", str(self.portal)]
        with (self.folder / "portal.errors").open("wb") as errors:
            process = subprocess.Popen(
                [*confined, *words, "--socket", str(self.run / "officer.sock")],
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self.processes.append(process)
        assert process.stdout and process.stdout.readline().startswith(b"unix:")
        return process

    def start_nginx(self, confined: Sequence[str] = CONFINED, said: Path = Path(os.devnull)) -> subprocess.Popen[bytes]:
        """Start nginx as the rendered units do, and return once it answers; `said` gets what it would say."""
        drop_in = self.unit("nginx.service.d/underseal.conf")
        listens = [f"--listen={place}" for place in value(self.unit("underseal-web.socket"), "ListenStream")]
        settings = [f"--setenv={setting}" for setting in value(drop_in, "Environment")]
        command = value(drop_in, "ExecStart")[-1].replace("/etc/underseal", str(self.folder / "etc")).split()
        words = ["systemd-socket-activate", *listens, *settings, *confined, *command]
        with said.open("wb") as file:
            process = subprocess.Popen(words, stdout=file, stderr=file, start_new_session=True)
        self.processes.append(process)
        await_(lambda: b"moved" in self.request("http", "GET", "/").body.lower())
        return process

    def workers(self) -> list[int]:
        """Return the process ids of nginx's workers."""
        master = int((self.folder / "run-web/nginx.pid").read_text())
        return sorted(map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split()))

    def connect(self, side: str, timeout: float = 30) -> socket.socket:
        """Return a line to one side."""
        if side == "onion":
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(timeout)
            line.connect(str(self.run / "onion.sock"))
            return line
        line = socket.create_connection(("127.0.0.1", self.https if side == "clearnet" else self.http), timeout)
        return self.tls.wrap_socket(line, server_hostname=DOMAIN) if side == "clearnet" else line

    def ask(self, side: str, data: bytes) -> Answered:
        """Return the answer to these bytes."""
        with self.connect(side) as line:
            line.sendall(data)
            return answer(line)

    def request(self, side: str, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
        """Return the answer to one well-formed request; an underscore in a header's name stands for a hyphen."""
        return self.ask(side, request(method, path, body, **{"Host": NAMES[side], **headers}))

    def post(self, side: str, envelope: bytes) -> Answered:
        """Send a letter."""
        return self.request(side, "POST", "/envelopes", envelope, Content_Type="application/octet-stream")

    def gate(self, data: bytes) -> bytes:
        """Return all that comes back for these bytes at the courier's gate."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(str(self.portal / "gate.sock"))
            line.sendall(data)
            return b"".join(iter(lambda: line.recv(65_536), b""))

    def end(self) -> None:
        """End everything."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM if process.stdout else signal.SIGQUIT)
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            if process.stdout:
                process.stdout.close()


def make_host(folder: Path, *options: str) -> Host:
    """Render the shipped files for a host in `folder`, with a certificate of its own."""
    https, plain = free_ports(2)
    places = {name: folder / name for name in ("etc", "run", "state", "acme", "tor")}
    for path in (*places.values(), folder / "etc/tls", folder / "run-web"):
        path.mkdir(mode=0o700, parents=True)
    addresses = ("--https", f"127.0.0.1:{https}", "--http", f"127.0.0.1:{plain}")
    given = [word for name, path in places.items() for word in (f"--{name}", str(path))]
    install(folder / "root", "--domain", DOMAIN, *given, *addresses, *options)
    (folder / "etc/nginx").symlink_to(f"{folder}/root{folder}/etc/nginx")
    make_certificate(folder / "etc/tls")
    return Host(folder, https, plain, ssl.create_default_context(cafile=folder / "etc/tls/cert.pem"))


def make_certificate(folder: Path) -> None:
    """Make a certificate for the clearnet name that nobody else trusts."""
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    name = ["-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"]
    subprocess.run(["openssl", "req", *kind, *files, *name], cwd=folder, capture_output=True, check=True)


def request(method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """Return a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {text}" for name, text in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + (body or b"")


def answer(line: socket.socket) -> Answered:
    """Return the one answer on a line."""
    response = http.client.HTTPResponse(line)
    try:
        response.begin()
        return Answered(response.status, response.getheaders(), response.read())
    finally:
        response.close()


def await_(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Return once a condition holds; a refused connection is not yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if holds():
                return
        time.sleep(0.05)
    raise TimeoutError
