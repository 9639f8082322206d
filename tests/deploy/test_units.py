# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the units and torrc promise, asked of systemd and tor themselves, and tried on the running programs."""

import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hostkit import CONFINED, DOMAIN, PORTAL_NAMES, Host, await_, install
from portalkit import PortalOffice, body_of, signed
from storekit import ME, PostgresqlServer, running_server

from crypto.primitives import sha256
from portal.migrating import migrate
from portal.shelf import Letter, Shelf

UNITS = {  # and how exposed each may be, in tenths
    "underseal-portal.service": 5,
    "underseal-nightly.service": 5,
    "underseal-front@second.service": 5,
    "underseal-store.service": 5,
    "nginx.service": 5,
    "tor@default.service": 20,
}
OTHERS = ["underseal-officer.socket", "underseal-gate.socket", "underseal-web.socket", "underseal-nightly.timer"]
SYSTEM = Path("/lib/systemd/system")
PYTHON = "/usr/bin/python3"  # one that another user may start too


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered files of a host, beside the units that they change."""
    made = tmp_path_factory.mktemp("root")
    (made / "opt/current/bin").mkdir(parents=True)
    (made / "opt/current/bin/underseal").symlink_to(sys.executable)
    folders = ("--prefix", made / "opt", "--tor", made / "tor", "--postgresql", made / "store")
    install(made, "--domain", DOMAIN, *folders)
    (made / "lib/systemd/system").mkdir(parents=True)
    for unit in ("nginx.service", "tor.service", "tor@.service", "tor@default.service"):
        shutil.copy(SYSTEM / unit, made / "lib/systemd/system")
    return made


@pytest.mark.parametrize("unit", [*UNITS, *OTHERS])
def test_unit_is_well_written(root: Path, unit: str) -> None:
    """systemd knows every word of a unit and finds every program in it."""
    paths = {**os.environ, "SYSTEMD_UNIT_PATH": f"{root}/etc/systemd/system:"}
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], env=paths, capture_output=True, text=True)
    assert (0, "") == (ran.returncode, ran.stderr)


@pytest.mark.parametrize(("unit", "tenths"), UNITS.items())
def test_unit_is_closed(root: Path, unit: str, tenths: int) -> None:
    """The exposure of a unit, as systemd counts it, is at most 0.5, and 2.0 for tor."""
    words = [
        "systemd-analyze",
        "security",
        "--no-pager",
        "--offline=true",
        f"--root={root}",
        f"--threshold={tenths}",
        unit,
    ]
    ran = subprocess.run(words, capture_output=True, text=True)
    assert 0 == ran.returncode, ran.stdout
    assert re.search(r"exposure level for .*: \d\.\d ", ran.stdout)


def test_exposure_would_be_noticed(root: Path) -> None:
    """The same question about a unit as Debian has it is answered with no."""
    words = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=5"]
    assert 0 != subprocess.run([*words, SYSTEM / "nginx.service"], capture_output=True).returncode


def test_tor_takes_the_file(root: Path) -> None:
    """tor itself reads the file without a warning, but for the one that these tests may run as root."""
    (root / "tor").mkdir(mode=0o700)
    ran = subprocess.run(
        ["tor", "--verify-config", "-f", root / "etc/tor/underseal.torrc"], capture_output=True, text=True
    )
    warnings = [line for line in ran.stdout.splitlines() if "[warn]" in line or "[err]" in line]
    assert (0, []) == (ran.returncode, [line for line in warnings if "running Tor as root" not in line])
    assert "Configuration was valid" in ran.stdout


def test_tor_has_puzzles(root: Path) -> None:
    """The defence by puzzles is built into this tor, and switched on."""
    modules = subprocess.run(["tor", "--list-modules"], capture_output=True, text=True).stdout
    assert "pow: yes" in modules
    assert "\nHiddenServicePoWDefensesEnabled 1\n" in (root / "etc/tor/underseal.torrc").read_text()


def groups() -> dict[str, list[str]]:
    """Return systemd's groups of system calls."""
    found: dict[str, list[str]] = {}
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True).stdout
    for line in text.splitlines():
        word = line.strip()
        if line.startswith("@"):
            found[word] = members = []
        elif word and not word.startswith("#") and line.startswith(" "):
            members.append(word)
    return found


def calls(names: list[str], known: dict[str, list[str]]) -> set[str]:
    """Return the system calls of names and groups."""
    inner = [calls(known[name], known) if name.startswith("@") else {name} for name in names]
    return set().union(*inner)


def forbidden(unit: Path) -> set[str]:
    """Return the system calls that a unit's filter refuses."""
    known = groups()
    allow, deny = re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.MULTILINE)
    assert deny.startswith("~")
    every = set().union(*(calls([name], known) for name in known))
    return every - calls(allow.split(), known) | calls(deny[1:].split(), known)


# Refuses memory that is written and then run, as MemoryDenyWriteExecute does, where the kernel can (Linux 6.3).
NO_WRITTEN_CODE = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


def unit_of(host: Host, name: str) -> list[str]:
    """Return the words that confine a program as its unit does: user, network, system calls, memory."""
    return [*CONFINED, *narrowed(host.unit(name), host.folder / f"{name.partition('/')[0]}.strace")]


def narrowed(unit: Path, log: Path, python: str = sys.executable) -> list[str]:
    """Return the words that refuse a program what its unit refuses it: system calls, and memory to write code in."""
    refused = ",".join(f"?{call}" for call in sorted(forbidden(unit)))
    filters = ["-e", f"trace={refused}", "-e", f"inject={refused}:error=EPERM", "-e", "signal=none"]
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log), *filters, python, "-c", NO_WRITTEN_CODE]


def test_programs_live_in_their_units(bare: Host, paper: PortalOffice) -> None:
    """Portal and nginx do all they have to without network, root, or one of the system calls that are refused."""
    portal = bare.start_portal(paper, unit_of(bare, "underseal-portal.service"))
    bare.start_nginx(unit_of(bare, "nginx.service.d/underseal.conf"))
    for side in ("onion", "clearnet"):
        assert 201 == bare.post(side, paper.envelope()).status
        assert 200 == bare.request(side, "GET", "/kit.html").status
    assert b'"waiting": 2' in body_of(bare.gate(signed(paper.courier, "/status")))
    pulled = bare.gate(signed(paper.courier, "/pull", b'{"after": null}'))
    assert pulled.count(b"mlkem768x25519") >= 2
    assert portal.poll() is None
    assert b"" == b"".join(
        line for line in (bare.folder / "portal.errors").read_bytes().splitlines() if b"letters at" not in line
    )


def test_database_lives_in_its_unit(root: Path, tmp_path: Path) -> None:
    """PostgreSQL does all that a shelf asks of it without a network, or one of the system calls that are refused."""
    server = PostgresqlServer()
    unit = root / "etc/systemd/system/underseal-store.service"
    process = subprocess.Popen(
        server.confined(narrowed(unit, server.folder / "strace", PYTHON)), stderr=subprocess.PIPE
    )
    try:
        await_(lambda: "ready" in (server.data / "postmaster.pid").read_text())
        url = server.url(server.create())
        migrate(url)
        shelf = Shelf(url)
        bodies = [os.urandom(21_157) for _ in range(20)]
        shelf.put([Letter(sha256(body), "letter", body) for body in bodies], date(2031, 5, 6))
        shelf.vacuum()
        assert shelf.is_whole()
        assert bodies == list(shelf.bodies([sha256(body).hex() for body in bodies]))
        shelf.close()
        server.stop()
    finally:
        server.remove()
        said = process.communicate(timeout=20)[1]
    assert 0 == process.returncode
    assert set(said.splitlines()) <= {b"FATAL:  terminating connection due to administrator command"}


def test_portal_with_database_lives_in_its_unit(bare: Host, paper: PortalOffice) -> None:
    """The portal reaches a database over its socket from within its own unit."""
    with running_server() as server:
        names = (*PORTAL_NAMES, "--store", server.url(server.create(), ME))
        bare.start_portal(paper, unit_of(bare, "underseal-portal.service"), names)
        bare.start_nginx()
        assert 201 == bare.post("onion", paper.envelope()).status
        assert b'"waiting": 1' in body_of(bare.gate(signed(paper.courier, "/status")))
        assert body_of(bare.gate(signed(paper.courier, "/pull", b'{"after": null}'))).count(b"mlkem768x25519") >= 1
        bare.end()


def test_unit_would_be_noticed(bare: Host) -> None:
    """What is refused in a unit is refused here too: a change of owner."""
    words = unit_of(bare, "underseal-portal.service")
    code = "import os; os.chown('/dev/null', 0, 0)"
    ran = subprocess.run([*words, sys.executable, "-c", code], capture_output=True, text=True)
    assert "PermissionError" in ran.stderr
    assert "INJECTED" in (bare.folder / "underseal-portal.service.strace").read_text()
