# SPDX-License-Identifier: AGPL-3.0-or-later
"""Room that runs out, on real file systems: letters stop in time, couriers go on, and nothing acknowledged is lost."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from diskkit import SmallDisk, small_disk
from hostkit import await_, free_ports
from portalkit import PortalOffice, body_of, end, serve, signed, status_of

from crypto.primitives import digest
from crypto.signature import Namespace, sign
from intake.limits import MIB
from portal.gauge import word_for_database
from portal.room import CLOSED_SECONDS, MEASURE_SECONDS, RETRY_AFTER_SECONDS, Disk, Gauge, Measured, Word, word_for

SETTINGS = {"full_percent": 90, "floor_mib": 2, "ballast_mib": 16}


class SmallPortal:
    """A running portal on a small file system, its operator and its courier."""

    def __init__(self, disk: SmallDisk, office: PortalOffice, empty: Path | None, used_mib: int = 0) -> None:
        self.disk, self._office, self._folder = disk, office, disk.folder / "portal"
        if empty:
            settings = {**json.loads((empty / "config.json").read_text()), **SETTINGS}
            self.run("cp", "-r", empty, self._folder)
            self.run("sh", "-c", 'echo "$1" > "$2"/config.json', "sh", json.dumps(settings), self._folder)
            self.run("sync", "--file-system", self._folder)
        self.run("fallocate", "--length", f"{max(1, used_mib)}MiB", disk.folder / "others")
        self._gate = free_ports(1)[0]
        errors = disk.folder.with_name("errors")
        self.served = serve(self._folder, 0, "--gate-port", str(self._gate), through=disk.through, errors=errors)

    def run(self, *words: object) -> None:
        """Run a command on the file system."""
        ran = self.disk.run(*words)
        assert ran.returncode == 0, ran.stderr

    def operator(self, *words: str) -> tuple[int, str]:
        """Return the exit code of a verb on the portal's folder, and all that it says."""
        ran = self.disk.run(sys.executable, "-m", "underseal", "portal", *words, "--dir", self._folder)
        return ran.returncode, ran.stdout + ran.stderr

    def send(self, count: int) -> set[str]:
        """Send letters; return the digests of those that were acknowledged."""
        letters = [self._office.envelope() for _ in range(count)]
        return {digest(letter) for letter in letters if self.served.post(letter).status == 201}

    def room(self) -> str:
        """Return the word that everybody is told."""
        return self.served.request("GET", "/health").body.decode().removeprefix("up\nroom ").strip()

    def ask_gate(self, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return status and body of the gate's answer to the courier."""
        answer = replace(self.served, port=self._gate).raw(signed(self._office.courier, path, body))
        return status_of(answer), body_of(answer)

    def pull(self) -> tuple[set[str], bytes]:
        """Return the digests in a bundle, and the acknowledgement of it as the desk signs it."""
        status, bundle = self.ask_gate("/pull", b'{"after":null}')
        assert status == 200
        line = bundle[: bundle.index(b"\n") + 1]
        manifest = json.loads(line)
        held = self._office.acknowledgement(manifest, digest(line))
        return {name for name, _ in manifest["envelopes"]}, held + sign(held, self._office.desk, Namespace.ACK).encode()


@pytest.fixture
def on_disk(office: PortalOffice, empty_portal: Path, tmp_path: Path) -> Iterator[Callable[..., SmallPortal]]:
    """Starts a portal on a file system of 64 MiB."""
    with ExitStack() as stack:

        def start(options: str = "size=64m", used_mib: int = 0) -> SmallPortal:
            disk = stack.enter_context(small_disk(tmp_path / "disk", "-t", "tmpfs", "-o", options, "tmpfs"))
            made = SmallPortal(disk, office, empty_portal, used_mib)
            stack.callback(end, made.served)
            return made

        yield start


def test_full_to_the_byte(on_disk: Callable[..., SmallPortal]) -> None:
    """No receipt is given; page, keys, pull and purge go on; with room again letters are taken, with no restart."""
    portal = on_disk()
    acknowledged = portal.send(30)
    assert 30 == len(acknowledged)
    portal.disk.fill()
    assert set() == portal.send(3)
    assert [200] * 3 == [portal.served.request("GET", path).status for path in ("/", "/keys.txt", "/health")]
    pulled, held = portal.pull()
    assert acknowledged == pulled
    assert (200, b'{"deleted": 30, "unknown": 0}\n') == portal.ask_gate("/acknowledge", held)
    assert 0 == portal.operator("nightly")[0]
    portal.run("rm", portal.disk.folder / "filler")
    await_(lambda: portal.send(1) != set(), 2 * MEASURE_SECONDS + 5)
    assert 0 == portal.operator("nightly")[0]
    assert "ballast        whole" in portal.operator("status")[1]


def test_without_ballast_nothing_goes(on_disk: Callable[..., SmallPortal]) -> None:
    """What the ballast is for: a disk full to the byte lets nothing be deleted; that is told, and nothing is lost."""
    portal = on_disk()
    acknowledged = portal.send(3)
    pulled, held = portal.pull()
    portal.run("rm", portal.disk.folder / "portal/ballast")
    portal.disk.fill()
    assert 503 == portal.ask_gate("/acknowledge", held)[0]
    assert "ballast        missing" in portal.operator("status")[1]
    portal.run("rm", portal.disk.folder / "filler")
    assert (200, b'{"deleted": 3, "unknown": 0}\n') == portal.ask_gate("/acknowledge", held)
    assert acknowledged == pulled


def test_inodes_used_up(on_disk: Callable[..., SmallPortal]) -> None:
    """A file system that takes no new file stores, hands over and deletes letters as before."""
    portal = on_disk("size=64m,nr_inodes=80")
    portal.disk.run("sh", "-c", f"cd {portal.disk.folder} && for n in $(seq 80); do : > $n || exit 0; done")
    assert portal.disk.run("touch", portal.disk.folder / "one-more").returncode == 1
    acknowledged = portal.send(5)
    pulled, held = portal.pull()
    assert (5, acknowledged) == (len(acknowledged), pulled)
    assert (200, b'{"deleted": 5, "unknown": 0}\n') == portal.ask_gate("/acknowledge", held)
    assert 0 == portal.operator("nightly")[0]


def test_filling_is_a_word(on_disk: Callable[..., SmallPortal]) -> None:
    """Above 70 % letters are taken; everybody is told a word, the operator figures, and the nightly job warns."""
    portal = on_disk(used_mib=36)  # and 16 of ballast: 81 %
    assert ("filling", 1) == (portal.room(), len(portal.send(1)))
    code, said = portal.operator("status")
    assert re.search(r"^disk used      8[12]\.\d %$", said, re.MULTILINE)
    warning = r"portal: the disk is filling: 8[12] % in use, 1[12] MiB free; letters stop at 90 %, or with 2 MiB free\n"
    assert [0, 0] == [code, portal.operator("nightly")[0]]
    assert re.search(warning, said) and re.search(warning, portal.operator("nightly")[1])


def test_full_at_the_watermark(on_disk: Callable[..., SmallPortal]) -> None:
    """At 90 % letters are refused with a sentence and a time, before they are read; couriers are served."""
    portal = on_disk(used_mib=42)  # and 16 of ballast: 91 %
    assert ("full", set()) == (portal.room(), portal.send(1))
    answer = portal.served.post(bytes(21_157))
    assert (503, str(RETRY_AFTER_SECONDS)) == (answer.status, dict(answer.headers)["Retry-After"])
    assert answer.body.startswith(b"Nothing was stored.")
    assert [200] * 3 == [portal.served.request("GET", path).status for path in ("/", "/keys.txt", "/kit.html")]
    assert set() == portal.pull()[0]
    assert "the disk is full: 9" in portal.operator("nightly")[1]


@pytest.mark.long
def test_locked_by_an_error(office: PortalOffice, empty_portal: Path, tmp_path: Path) -> None:
    """An error locks the file system meanwhile: reading goes on, nothing is acknowledged, and the word says so."""
    image = tmp_path / "image"
    subprocess.run(["truncate", "--size=64M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mount = ("-o", "loop,errors=remount-ro", str(image))
    with small_disk(tmp_path / "disk", *mount) as disk:
        portal = SmallPortal(disk, office, empty_portal)
        acknowledged = portal.send(3)
        device = Path(disk.run("findmnt", "--noheadings", "--output=SOURCE", disk.folder).stdout.strip()).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1\n")
        assert set() == portal.send(3)
        await_(lambda: portal.room() == "closed", 2 * MEASURE_SECONDS + 5)
        assert [200, 200] == [portal.served.request("GET", path).status for path in ("/", "/keys.txt")]
        assert set() == portal.send(1)
        assert portal.ask_gate("/status")[0] == 503
        assert "can only be read" in portal.operator("status")[1]
        assert 0 == portal.served.stop()
    with small_disk(tmp_path / "mended", *mount) as disk:
        portal = SmallPortal(disk, office, None)
        assert acknowledged == portal.pull()[0]
        end(portal.served)


WORDS: dict[str, tuple[Word, Disk]] = {
    "large and empty": (Word.PLENTY, Disk(2_000_000 * MIB, 1_999_000 * MIB, 0.1, False)),
    "large, the percentage holds": (Word.FULL, Disk(2_000_000 * MIB, 200_000 * MIB, 90.0, False)),
    "large, below it": (Word.FILLING, Disk(2_000_000 * MIB, 220_000 * MIB, 89.9, False)),
    "filling begins": (Word.FILLING, Disk(100_000 * MIB, 30_000 * MIB, 70.0, False)),
    "filling has not begun": (Word.PLENTY, Disk(100_000 * MIB, 31_000 * MIB, 69.9, False)),
    "small, the floor holds": (Word.FULL, Disk(1_024 * MIB, 256 * MIB, 75.0, False)),
    "small, above the floor": (Word.FILLING, Disk(2_048 * MIB, 1_000 * MIB, 51.0, False)),
    "smaller than the floor": (Word.FULL, Disk(128 * MIB, 128 * MIB, 0.0, False)),
    "locked": (Word.CLOSED, Disk(100_000 * MIB, 90_000 * MIB, 10.0, True)),
}


@pytest.mark.parametrize("name", WORDS)
def test_word_of_a_disk(name: str) -> None:
    """Whichever is reached first says so: the percentage on large disks, the floor on small ones."""
    word, disk = WORDS[name]
    assert word == word_for(disk, 90, 256)


def disk_of(used: list[float]) -> Measured:
    """Return the words of a disk that a test fills."""
    return partial(word_for, Disk(100_000 * MIB, int((100 - used[-1]) * 1_000) * MIB, used[-1], False), 90, 256)


def database_of(used: list[float]) -> Measured:
    """Return the words of a database that a test fills: as full of its ceiling as the disk is of its watermark."""
    return partial(word_for_database, used[-1] + 10)


@pytest.fixture(params=[disk_of, database_of], ids=["disk", "database"])
def gauge_of(request: pytest.FixtureRequest) -> Callable[..., Gauge]:
    """Makes gauges of what a test fills; `now` is their clock and `used` its percentage, full at 90."""

    def make(now: list[float], used: list[float], chance: Callable[[], float] = lambda: 0.0) -> Gauge:
        return Gauge(lambda: request.param(used), lambda: now[-1], chance)

    return make


def test_word_waits_for_its_moment(gauge_of: Callable[..., Gauge]) -> None:
    """A letter that reaches the level changes no word; the next measure does, and it comes at a moment of chance."""
    now, used = [0.0], [89.9]
    gauge = gauge_of(now, used)
    assert Word.FILLING == gauge.word()
    used.append(90.1)
    now.append(MEASURE_SECONDS - 1)
    assert Word.FILLING == gauge.word()
    now.append(MEASURE_SECONDS)
    assert Word.FULL == gauge.word()


def test_word_does_not_swing(gauge_of: Callable[..., Gauge]) -> None:
    """Once full, it is full until two points more are free: letters that come and go at the level show nothing."""
    now, used = [0.0], [90.0]
    gauge = gauge_of(now, used)
    said = []
    for percent in (90.0, 89.9, 88.1, 90.0, 87.9, 89.9):
        now.append(now[-1] + MEASURE_SECONDS)
        used.append(percent)
        said.append(str(gauge.word()))
    assert ["full", "full", "full", "full", "filling", "filling"] == said


def test_word_is_blurred(gauge_of: Callable[..., Gauge]) -> None:
    """Just below the level the word is a matter of chance, over the room of tens of thousands of letters."""
    chance = random.Random(7).random
    said = [gauge_of([0.0], [89.5], chance).word() for _ in range(400)]
    assert 120 < said.count(Word.FULL) < 280
    assert {Word.FILLING} == {gauge_of([0.0], [88.9], chance).word() for _ in range(100)}


def test_closed_is_told_and_over_soon() -> None:
    """Where nobody answers the word says so within a second, and no longer than that; the room waits for its moment."""
    now, answering, words = [0.0], [True], [Word.PLENTY]
    gauge = Gauge(lambda: lambda _blur: words[-1], lambda: now[-1], lambda: 0.0, lambda: answering[-1])
    said = []
    for there, word in ((True, Word.PLENTY), (False, Word.FULL), (True, Word.FULL), (True, Word.CLOSED)):
        answering.append(there)
        words.append(word)
        said.append(gauge.word())
        now.append(now[-1] + CLOSED_SECONDS)
    assert [Word.PLENTY, Word.CLOSED, Word.PLENTY, Word.PLENTY] == said
    now.append(MEASURE_SECONDS)
    assert Word.CLOSED == gauge.word()
    words.append(Word.FULL)
    now.append(MEASURE_SECONDS + CLOSED_SECONDS)
    assert Word.FULL == gauge.word()
