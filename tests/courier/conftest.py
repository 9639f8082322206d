# SPDX-License-Identifier: AGPL-3.0-or-later
"""A running portal with its courier."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from portalkit import PortalOffice, Ran, Served, end, make_portal, make_portal_office, serve, underseal


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> PortalOffice:
    """A throwaway office."""
    return make_portal_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def served(office: PortalOffice, tmp_path: Path) -> Iterator[Served]:
    """A running portal with an empty shelf."""
    running = serve(make_portal(office, tmp_path / "portal"))
    yield running
    end(running)


@dataclass(slots=True)
class Courier:
    """A courier's folder and stick."""

    office: PortalOffice
    folder: Path
    stick: Path

    @property
    def outgoing(self) -> Path:
        return self.stick / "outgoing"

    def run(self, verb: str, *arguments: object) -> Ran:
        """Run one verb with the passphrase of the office."""
        passphrase = ("--passphrase-file", self.office.passphrase_file)
        return underseal("courier", verb, "--dir", self.folder, *arguments, *passphrase)

    def pull(self) -> Ran:
        return self.run("pull", "--to", self.stick)

    def push(self) -> Ran:
        return self.run("push", "--from", self.outgoing)

    def on_stick(self) -> list[str]:
        """Return the names of what lies on the stick."""
        return sorted(path.name for path in self.stick.iterdir() if path.is_file())


def make_courier(office: PortalOffice, served: Served, folder: Path, gate: str, *arguments: object) -> Courier:
    """Make a courier's folder for a portal."""
    (folder / "stick" / "outgoing").mkdir(parents=True)
    ran = underseal(
        *(
            "courier",
            "init",
            "--dir",
            folder / "courier",
            "--portal",
            f"http://127.0.0.1:{served.port}",
            "--gate",
            gate,
        ),
        *("--portal-key", served.folder / "portal.pub", "--office", office.public / "office.json"),
        *("--key", office.secret / "courier.key", *arguments),
    )
    assert ran.code == 0, ran.err
    return Courier(office, folder / "courier", folder / "stick")


@pytest.fixture
def courier(office: PortalOffice, served: Served, tmp_path: Path) -> Courier:
    """A courier of that portal, at its socket."""
    return make_courier(office, served, tmp_path / "staff", f"unix:{served.folder / 'gate.sock'}")
