# SPDX-License-Identifier: AGPL-3.0-or-later
"""The RUNBOOK, followed command by command on a fresh Debian 12 that boots: every chapter, in its order.

Nothing of the RUNBOOK stands here but the beginnings of its chapters and commands. `make drill` runs it; it wants root,
and the first time a network for Debian's packages. Each test goes on where the one before it ended.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drill import Drill, left_out, make_drill
from drilloffice import Office
from drillsteps import ON_POSTGRESQL, certify, check, make_onions, next_release, printed, renew, waiting
from freshdebian import what_is_missing
from hostkit import DOMAIN, SOURCE
from keyskit import PASSPHRASE as COURIERS
from unitprobe import PROBED, PROBED_WITH_STORE, expected, probe

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_000)]

CACHE = Path(os.environ.get("UNDERSEAL_DRILL", "/var/tmp/underseal-drill"))
PROMISED_SECONDS = 3_600
PASSPHRASE = "six words that nobody else knows"


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Drill]:
    """The drill, and in the end its report."""
    missing = what_is_missing()
    if missing:
        pytest.fail(missing)
    began = time.monotonic()
    made = make_drill(tmp_path_factory.mktemp("drill"), SOURCE, CACHE)
    fetched = time.monotonic() - began
    try:
        yield made
    finally:
        made.end()
        plugins = request.config.pluginmanager
        with plugins.getplugin("capturemanager").global_and_fixture_disabled():
            for line in ["", f"packages: {fetched:.0f} s", *made.report()]:
                plugins.getplugin("terminalreporter").write_line(line)


@pytest.fixture(scope="module")
def office(drill: Drill) -> Iterator[Office]:
    """The office whose portal this is, and the Tor network of this machine."""
    made = Office(drill.folder / "office", drill.network)
    try:
        yield made
    finally:
        made.end()


def test_before_the_host(drill: Drill) -> None:
    """Chapter 1: the wheelhouse is whole."""
    drill.checkout(SOURCE / "dist")
    drill.follow(None, "1. ")
    assert len(list((drill.staff / "wheelhouse").glob("*.whl"))) > 8


def test_bare_host(drill: Drill, office: Office) -> None:
    """Chapter 2: packages are there, and nothing of them runs."""
    host = drill.host("host")
    said = drill.follow(host, "2. ")
    assert "pow: yes" in printed(said, "tor --list-modules")
    assert "" == printed(said, "swapoff")
    assert "inactive\ninactive\n" == host.root("systemctl is-active nginx tor")[1]


def test_configuration(drill: Drill, office: Office) -> None:
    """Chapter 3: the files are written once, and the kernel's settings are named as a kernel names them."""
    host = drill.hosts["host"]
    drill.bring(host, SOURCE / "deploy", drill.staff / "wheelhouse", office.machines.public)
    drill.follow(host, "3. ")
    assert {"same"} == {
        line.split()[0] for line in host.must(f"cd /root && deploy/install --domain {DOMAIN}").splitlines()
    }
    assert "" == host.root("ls -d /var/log/journal 2>/dev/null")[1]
    assert "" == host.must("systemctl --failed --no-legend")


def test_onions(drill: Drill, office: Office) -> None:
    """Chapter 4: both onions have an address as soon as tor has started, with the courier's line in its place."""
    make_onions(drill, office, drill.hosts["host"])


def test_portal(drill: Drill, office: Office) -> None:
    """Chapter 5: the release is installed from the folder alone, and the portal's folder is made."""
    host = drill.hosts["host"]
    drill.follow(host, "5. ")
    office.take(host.tree)


def test_start(drill: Drill) -> None:
    """Chapters 6 and 7: with the first certificate everything starts; the next one is taken over without a stop."""
    host = drill.hosts["host"]
    drill.follow(host, "6. ", 1)
    drill.follow(host, "7. ")
    certify(host)
    drill.follow(host, "6. ", 2)


def test_check(drill: Drill) -> None:
    """Chapter 8, after a reboot: what came back by itself is all there is."""
    host = drill.hosts["host"]
    host.stop()
    host.start()
    check(host, drill.follow(host, "8. "))


def test_officers_way(drill: Drill, office: Office) -> None:
    """Letters sealed by the page's code come in by the socket, by TLS and by Tor; courier and desk get them all."""
    host = drill.hosts["host"]
    office.learn_keys(host)
    digests = [office.post_by_socket(host), office.post_by_tls(host), office.post_by_tor()]
    assert 3 == len(set(digests))
    assert office.carry() == sorted(digests)
    assert 0 == waiting(drill, host)


def test_addresses_differ(drill: Drill, office: Office) -> None:
    """Over https there are transport security and the onion's address, at the onion neither; the gate is hidden."""
    host = drill.hosts["host"]
    by_tls, by_tor = office.headers_by_tls(host), office.headers_by_tor()
    for name in ("strict-transport-security:", "onion-location:"):
        assert name in by_tls.lower()
        assert name not in by_tor.lower()
    assert "200" in by_tls.split("\n")[0]
    assert "200" in by_tor.split("\n")[0]
    assert (97, b"") == office.stranger_at_gate()
    office.verify_by_tor()


def test_nightly(drill: Drill) -> None:
    """The nightly job ends well as its unit runs it, and its next hour is known."""
    host = drill.hosts["host"]
    host.must("systemctl start underseal-nightly.service")
    assert "success" in host.must("systemctl show -p Result underseal-nightly.service")
    assert "underseal-nightly.timer" in host.must("systemctl list-timers --no-pager")
    assert "" == host.must("systemctl --failed --no-legend")


@pytest.mark.parametrize("unit", PROBED)
def test_inside_unit(drill: Drill, unit: str) -> None:
    """From inside a unit there is no network, no home, no other's file, and nothing outside its own folder."""
    assert probe(drill.hosts["host"], unit) == expected(unit)


def test_new_page(drill: Drill, office: Office) -> None:
    """The courier pushes a page of the next signing, and it is served; on the host the same is harmless."""
    host = drill.hosts["host"]
    public, old = office.next_quarter(), office.fetch_by_tls(host, "/SHA256SUMS")
    drill.bring(host, public)
    with office.visitors(host) as visited:
        said = drill.follow(None, "After a signing", replaced=office.at_courier(public), answers=(COURIERS,))
        assert "page: number 2 is served" in printed(said, "underseal courier push")
        new = office.fetch_by_tls(host, "/SHA256SUMS")
        assert (public / "page/SHA256SUMS").read_text() == new != old
        assert "page 2 is served" in printed(drill.follow(host, "After a signing"), "(cd / && runuser")
        assert office.fetch_by_tls(host, "/SHA256SUMS") == new
    assert visited() == {"200"}
    office.verify_by_tor()


def test_new_release(drill: Drill, office: Office) -> None:
    """The next release changes the tables, and the way back leads to the old ones; what waits is there each time."""
    host = drill.hosts["host"]
    letters = [office.post_by_tls(host)]
    drill.checkout(next_release(drill.folder / "next"))
    drill.follow(None, "1. ")
    renew(drill, office, host, letters)
    assert office.carry() == sorted(letters)


def test_copies_and_restore(drill: Drill, office: Office) -> None:
    """From a stick and the public folder a new host has the old addresses and key, and no letter; the desk goes on."""
    host = drill.hosts["host"]
    drill.follow(host, "Copies", 1, answers=(PASSPHRASE, PASSPHRASE))
    stick = (host.tree / "media/stick/portal-host.age").read_bytes()
    assert stick.startswith(b"age-encryption.org/v1\n-> scrypt ")
    office.post_by_tls(host)
    key = (host.tree / "var/lib/underseal/portal/portal.pub").read_bytes()
    host.stop()
    drill.checkout(SOURCE / "dist")
    drill.follow(None, "1. ")
    new = drill.host("restored")
    drill.bring(new, SOURCE / "deploy", drill.staff / "wheelhouse", office.public)
    (new.tree / "media/stick/portal-host.age").write_bytes(stick)
    drill.follow(new, "2. ")
    drill.follow(new, "3. ")
    office.settle(new.tree)
    drill.follow(new, "Copies", 2, answers=(PASSPHRASE,))
    names = printed(drill.follow(new, "4. ", 3), "cat /var/lib/tor/").split()
    assert names == [office.onion, office.gate]
    drill.follow(new, "5. ")
    drill.follow(new, "Copies", 3)
    assert key == (new.tree / "var/lib/underseal/portal/portal.pub").read_bytes()
    drill.follow(new, "6. ", 1)
    drill.follow(new, "7. ")
    check(new, drill.follow(new, "8. "))
    letters = [office.post_by_tls(new), office.post_by_tor()]
    office.push_outgoing()  # "What a lost host costs": the desk goes on with the bundles of the new host
    assert office.carry() == sorted(letters)
    drill.follow(None, "After a signing", replaced=office.at_courier(office.latest), answers=(COURIERS,))
    assert (office.latest / "page/SHA256SUMS").read_text() == office.fetch_by_tls(new, "/SHA256SUMS")


def test_store(drill: Drill, office: Office) -> None:
    """PostgreSQL: a third host, with its own onions, whose portal has its shelf in a database on it."""
    for running_host in drill.hosts.values():
        running_host.stop()
    drill.checkout(SOURCE / "dist")
    drill.follow(None, "1. ", replaced=ON_POSTGRESQL)
    host = drill.host("store")
    drill.bring(host, SOURCE / "deploy", drill.staff / "wheelhouse", office.public)
    drill.follow(host, "2. ")
    drill.follow(host, "3. ")
    make_onions(drill, office, host)
    drill.follow(host, "5. ", 1, replaced=ON_POSTGRESQL)
    for block in (1, 2, 3):
        drill.follow(host, "PostgreSQL", block)
    office.take(host.tree)
    drill.follow(host, "6. ", 1)
    drill.follow(host, "7. ")
    check(host, drill.follow(host, "8. "))
    assert "" == host.must("find /var/lib/underseal/portal -name 'shelf*'")


def test_front_ends(drill: Drill, office: Office) -> None:
    """Letters go through each of two front ends alone, and through both while they are renewed; one gate has all."""
    host = drill.hosts["store"]
    said = drill.follow(host, "PostgreSQL", 4)
    assert "active\n" * 3 == printed(said, "systemctl is-active")
    exposures = [float(text) for text in re.findall(r": (\d\.\d) ", printed(said, "for unit in"))]
    assert (2, True) == (len(exposures), max(exposures) <= 0.5)
    office.learn_keys(host)
    letters = [office.post_by_tls(host)]
    for alone, other in (
        ("underseal-front@second", "underseal-portal"),
        ("underseal-portal", "underseal-front@second"),
    ):
        host.must(f"systemctl stop {other}")
        letters.append(office.post_by_tls(host))
        assert "active\ninactive\n" == host.root(f"systemctl is-active {alone} {other}")[1]
        host.must(f"systemctl start {other}")
    with office.visitors(host) as visited:
        drill.follow(host, "PostgreSQL", 5)
        letters += [office.post_by_socket(host), office.post_by_tor()]
    assert visited() == {"200"}
    host.must("systemctl start underseal-nightly.service")
    assert office.carry() == sorted(letters)
    assert 0 == waiting(drill, host)
    assert "" == host.must("systemctl --failed --no-legend")


def test_front_ends_after_reboot(drill: Drill) -> None:
    """Server and front ends come back by themselves."""
    host = drill.hosts["store"]
    host.stop()
    host.start()
    check(host, drill.follow(host, "8. "))
    units = "underseal-store underseal-portal underseal-front@second"
    assert "active\n" * 3 == host.must(f"systemctl is-active {units}")


@pytest.mark.parametrize("unit", PROBED_WITH_STORE)
def test_inside_unit_with_store(drill: Drill, unit: str) -> None:
    """The same of the database's server and of one more front end."""
    assert probe(drill.hosts["store"], unit) == expected(unit)


def test_new_page_of_front_ends(drill: Drill, office: Office) -> None:
    """The courier brings the new page to the gate, and every front end serves it."""
    host, public = drill.hosts["store"], office.latest
    drill.follow(None, "After a signing", replaced=office.at_courier(public), answers=(COURIERS,))
    new = (public / "page/SHA256SUMS").read_text()
    assert {new} == {office.fetch_by_tls(host, "/SHA256SUMS") for _ in range(20)}


def test_new_release_of_front_ends(drill: Drill, office: Office) -> None:
    """A release that changes the tables, and the way back, with a second front end; then the way back to one."""
    host = drill.hosts["store"]
    drill.checkout(next_release(drill.folder / "next"))
    drill.follow(None, "1. ", replaced=ON_POSTGRESQL)
    letters = [office.post_by_tls(host)]
    renew(drill, office, host, letters, "/var/lib/underseal-store")
    assert "active\n" == host.must("systemctl is-active underseal-front@second")
    with office.visitors(host) as visited:
        drill.follow(host, "PostgreSQL", 6)
        letters.append(office.post_by_tls(host))
    assert visited() == {"200"}
    assert office.carry() == sorted(letters)


def test_whole(drill: Drill) -> None:
    """Every command of the RUNBOOK has been followed, and the machine's own share of the first host fits the hour."""
    assert left_out(drill.commands, drill.said) == []
    assert PROMISED_SECONDS > drill.seconds_to_portal()
