# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shipped torrc in a Tor network on loopback: through Tor, nginx and socket to the portal, and to the gate."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostkit import SOURCE, Host, await_, free_ports
from portalkit import PortalOffice
from tornet import TorNetwork, await_onion, fetch

NO_SUCH_DESCRIPTOR = 97  # of curl: the proxy could not connect


@pytest.fixture
def network(tmp_path: Path) -> Iterator[TorNetwork]:
    """A network without the host yet."""
    made = TorNetwork(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.end()


def shell(line: str, folder: Path) -> str:
    """Return what a line of the RUNBOOK prints, without its line end."""
    assert f"$ {line}\n" in (SOURCE / "deploy/RUNBOOK.md").read_text("utf-8")
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.long
def test_onions_answer(network: TorNetwork, bare: Host, paper: PortalOffice, tmp_path: Path) -> None:
    """Whoever knows the portal's onion gets its page; the gate is found by the courier's key and by nobody else."""
    shell("openssl genpkey -algorithm x25519 -out gate.pem", tmp_path)
    in_base32 = "-outform der | tail -c 32 | basenc --base32 | tr -d ="
    public = f"openssl pkey -in gate.pem -pubout {in_base32} | sed 's/^/descriptor:x25519:/'"
    secret = f"openssl pkey -in gate.pem {in_base32}"
    allowed = bare.folder / "tor/underseal-gate/authorized_clients/courier.auth"
    for path in (bare.folder / "tor/underseal-gate", allowed.parent):
        path.mkdir(mode=0o700)
    allowed.write_text(shell(public, tmp_path) + "\n")
    network_lines = tmp_path / "host.defaults"
    network_lines.write_text("\n".join([*network.common, ""]))
    network.run_file(bare.folder / "root/etc/tor/underseal.torrc", network_lines)
    hosts = [bare.folder / f"tor/{name}/hostname" for name in ("underseal-portal", "underseal-gate")]
    (bare.run / "gate.sock").symlink_to(bare.portal / "gate.sock")
    portal, gate = (await_file(path) for path in hosts)
    bare.start_portal(paper, names=("--onion", portal, "--gate-host", gate))
    bare.start_nginx()
    ports = free_ports(2)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    line = f"{gate.removesuffix('.onion')}:descriptor:x25519:{shell(secret, tmp_path)}\n"
    (keys / "gate.auth_private").write_text(line)
    network.run("courier", [f"SocksPort 127.0.0.1:{ports[0]}", f"ClientOnionAuthDir {keys}"])
    network.run("stranger", [f"SocksPort 127.0.0.1:{ports[1]}"])
    assert [b"up\nroom "] * 2 == [await_onion(port, portal, "/health")[:8] for port in ports]
    assert b"The gate opens for a courier of this office only.\n" == await_onion(ports[0], gate, "/status")
    assert (NO_SUCH_DESCRIPTOR, b"") == fetch(ports[1], gate, "/status", 60)


def await_file(path: Path) -> str:
    """Return what tor writes into a file, once it has."""
    await_(lambda: path.is_file() and path.read_text().endswith(".onion\n"))
    return path.read_text().strip()
