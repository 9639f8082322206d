# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk and the network: it refuses to start beside one, and needs none."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, letter, make_office
from terminal import in_terminal

from desk.errors import NetworkUnknown, NetworkUp
from desk.offline import networks_up, refuse_network
from intake.office import read_office, write_office

DENIED = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-r", "-n")
HEAD = "Inter-|   Receive\n face |bytes\n"
ROUTES = "Iface\tDestination\tGateway\n"


def _machine(folder: Path, interfaces: dict[str, tuple[str, str]], present: str, routes: str = "") -> tuple[Path, Path]:
    for name, (kind, state) in interfaces.items():
        (folder / "sys" / name).mkdir(parents=True)
        (folder / "sys" / name / "type").write_text(kind + "\n")
        (folder / "sys" / name / "operstate").write_text(state + "\n")
    (folder / "proc").mkdir()
    (folder / "proc" / "dev").write_text(HEAD + "".join(f"  {name}:  0 0\n" for name in present.split()))
    (folder / "proc" / "route").write_text(ROUTES + routes)
    return folder / "sys", folder / "proc"


LOOPBACK = {"lo": ("772", "unknown")}


@pytest.mark.parametrize(
    ("interfaces", "present", "routes", "found"),
    [
        ({}, "lo", "", ()),
        ({"eth0": ("1", "down")}, "lo eth0", "", ()),
        ({"wlan0": ("1", "dormant"), "eth0": ("1", "lowerlayerdown")}, "lo eth0 wlan0", "", ()),
        ({"eth0": ("1", "up")}, "lo eth0", "", ("eth0",)),
        ({"tun0": ("65534", "unknown")}, "lo tun0", "", ("tun0",)),
        ({"eth0": ("1", "down")}, "lo eth0", "eth0\t00000000\t010200C0\n", ("eth0",)),
        ({"eth0": ("1", "up"), "wlan0": ("1", "up")}, "lo eth0 wlan0", "", ("eth0", "wlan0")),
        ({"eth0": ("1", "up")}, "lo", "", ()),
        ({}, "lo usb0", "", ("usb0",)),
    ],
    ids=[
        "loopback only",
        "cable out",
        "radio off",
        "cable in",
        "tunnel",
        "route without carrier",
        "two",
        "another namespace",
        "says nothing",
    ],
)
def test_networks_up(
    tmp_path: Path, interfaces: dict[str, tuple[str, str]], present: str, routes: str, found: tuple[str, ...]
) -> None:
    """An interface counts when it is not known to be down, or when a route goes through it."""
    assert found == networks_up(*_machine(tmp_path, LOOPBACK | interfaces, present, routes))


def test_network_refused(tmp_path: Path) -> None:
    """The sentence names the interface."""
    with pytest.raises(NetworkUp, match=r"a network is up \(eth0\): the desk works offline only"):
        refuse_network(*_machine(tmp_path, {"eth0": ("1", "up")}, "lo eth0"))


def test_unreadable_tables_refused(tmp_path: Path) -> None:
    """What cannot be known is not taken for offline."""
    with pytest.raises(NetworkUnknown):
        networks_up(tmp_path, tmp_path)


@pytest.fixture(scope="module")
def real_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office that is not marked throwaway."""
    return make_office(tmp_path_factory.mktemp("real"), throwaway=False)


def _card_end(office: Office) -> str:
    return read_office((office.public / "office.json").read_bytes()).root.fingerprint[-8:]


def test_real_office_works_offline_only(real_office: Office, tmp_path: Path) -> None:
    """A real office's vault is made and opened where there is no network, by typed passphrases and the card."""
    desk = Desk(real_office, tmp_path / "desk", tmp_path / "stick")
    arguments = ["desk", *real_office.init_arguments(desk.folder)]
    code, printed = in_terminal(arguments, [_card_end(real_office), *[PASSPHRASE] * 3], DENIED)
    assert 0 == code, printed
    code, printed = in_terminal(["desk", "status", "--dir", str(desk.folder)], [PASSPHRASE], DENIED)
    assert 0 == code, printed
    assert b'"memory_mib": 256' in (desk.folder / "vault.json").read_bytes()
    run = desk("status")
    assert run.err.startswith(("desk: a network is up", "desk: a passphrase file is for throwaway offices only"))


def test_root_not_on_the_card_refused(real_office: Office, tmp_path: Path) -> None:
    """A folder whose root is not the card's makes no vault."""
    arguments = ["desk", *real_office.init_arguments(tmp_path / "desk")]
    code, printed = in_terminal(arguments, ["AAAAAAAA"], DENIED)
    assert (4, False) == (code, (tmp_path / "desk").exists()), printed


def test_throwaway_flag_cannot_be_turned(real_office: Office, tmp_path: Path) -> None:
    """An office.json that says throwaway where the root did not is not taken: no weak vault, no passphrase file."""
    other = tmp_path / "copy"
    shutil.copytree(real_office.folder, other)
    path = other / "public" / "office.json"
    path.write_bytes(write_office(replace(read_office(path.read_bytes()), throwaway=True)))
    copy = replace(real_office, folder=other)
    run = Desk(copy, tmp_path / "desk", tmp_path / "stick").init()
    assert (4, False) == (run.code, (tmp_path / "desk").exists())
    assert "office.json does not belong to this office" in run.err


def test_recipients_cannot_be_exchanged(office: Office, tmp_path: Path) -> None:
    """Raw words are sealed again only to those whom the root has signed for."""
    other = tmp_path / "copy"
    shutil.copytree(office.folder, other)
    stranger = make_office(tmp_path / "stranger")
    path = other / "public" / "recipients.txt"
    path.write_bytes((stranger.public / "recipients.txt").read_bytes())
    run = Desk(replace(office, folder=other), tmp_path / "desk", tmp_path / "stick").init()
    assert (4, False) == (run.code, (tmp_path / "desk").exists())
    assert "recipients.txt does not belong to this office: the root has not signed it" in run.err


def test_real_office_takes_no_passphrase_file(real_office: Office, tmp_path: Path) -> None:
    """--passphrase-file is refused before anything is made."""
    arguments = real_office.init_arguments(tmp_path / "desk")
    program = [*DENIED, sys.executable, "-m", "underseal", "desk"]
    file = ["--passphrase-file", str(real_office.passphrase_file)]
    run = subprocess.run([*program, *arguments, *file], capture_output=True, timeout=60)
    assert (2, False) == (run.returncode, (tmp_path / "desk").exists())
    assert b"desk: a passphrase file is for throwaway offices only, and this office is not one\n" == run.stderr


def test_all_verbs_without_network(office: Office, tmp_path: Path) -> None:
    """From init to verify, in a network namespace with nothing in it but a dead loopback."""
    desk = Desk(office, tmp_path / "desk", tmp_path / "stick")
    (desk.stick / "outgoing").mkdir(parents=True)
    (desk.stick / "b").write_bytes(office.bundle([office.envelope(letter(id="00" * 16))]))
    key = ["--passphrase-file", str(office.passphrase_file)]
    steps = [
        ["desk", *office.init_arguments(desk.folder), *key],
        desk.arguments("receive", str(desk.stick / "b"), "--outgoing", str(desk.stick / "outgoing")),
        desk.arguments("list"),
        desk.arguments("show", "0000", "--words"),
        desk.arguments("tag", "0000", "REV.OVER"),
        desk.arguments("untag", "0000", "REV.OVER"),
        desk.arguments("note", "0000", "-"),
        desk.arguments("summarize", "0000", "-"),
        desk.arguments("status", "0000", "reviewing"),
        desk.arguments("status"),
        desk.arguments("set-aside"),
        desk.arguments("verify"),
    ]
    assert [(0, False)] * len(steps) == [_denied(step) for step in steps]


WATCHED = """
import os, sys
asked = []
sys.addaudithook(lambda event, _: asked.append(event) if event.startswith("socket.") else None)
import underseal
sys.argv = ["underseal", *sys.argv[2:]]
code = 0
try:
    underseal.main()
except SystemExit as ended:
    code = ended.code or 0
os.write(int(os.environ["ANSWER"]), f"{code} {bool(asked)}".encode())
"""


def _denied(arguments: list[str]) -> tuple[int, bool]:
    """Run the program without a network; tell its exit code, and whether it asked the kernel for a socket."""
    reader, writer = os.pipe()
    run = subprocess.run(
        [*DENIED, sys.executable, "-c", WATCHED, "underseal", *arguments],
        input=b"typed",
        capture_output=True,
        pass_fds=(writer,),
        env={**os.environ, "ANSWER": str(writer)},
        timeout=60,
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        words = answer.read().split()
    assert 2 == len(words), run.stderr
    return int(words[0]), words[1] == "True"
