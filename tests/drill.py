# SPDX-License-Identifier: AGPL-3.0-or-later
"""Following deploy/RUNBOOK.md command by command on booted hosts, and saying of each one what became of it."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootedhost import BootedHost, Network, Terminal
from freshdebian import Debian
from runbook import Command, read_runbook

# Commands that cannot run in a container as they stand: what runs instead (nothing, if it is empty), and why.
INSTEAD: dict[str, tuple[str, str]] = {
    "make dev": ("", "checked before: make does it before the drill"),
    "apparmor_parser -r ": ("apparmor_parser -QTK ", "compiled only: the kernel is that of this machine"),
    "certbot certonly ": ("", "cannot run: there is no network, so no authority answers"),
}
_KERNEL = "its last part cannot run: the kernel's settings are those of this machine"


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one command."""

    command: Command
    became: str
    seconds: float
    printed: str


def left_out(commands: Sequence[Command], said: Sequence[Said]) -> list[str]:
    """Return the rows and words of the commands that nobody followed."""
    followed = {one.command for one in said}
    return [f"{command.row}: {command.shown}" for command in commands if command not in followed]


def packages_of(commands: Sequence[Command]) -> list[list[str]]:
    """Return the words of every `apt-get` that fetches something, without its options.

    What a command purges is fetched too: an archive knows it, whether it is installed or not.
    """
    parts = [part.split() for command in commands if command.on_host for part in command.shown.split(" && ")]
    kept = [[word for word in words if not word.startswith("-")] for words in parts if words[:1] == ["apt-get"]]
    asked = [["install" if word == "purge" else word for word in words[1:]] for words in kept]
    return [words for words in asked if words[0] in ("install", "upgrade")]


@dataclass(slots=True)
class Drill:
    """One following of the RUNBOOK in a folder, with what it said so far."""

    folder: Path
    source: Path
    debian: Debian
    commands: list[Command]
    network: Network = field(default_factory=Network)
    hosts: dict[str, BootedHost] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    _staff: Terminal | None = None

    def host(self, name: str) -> BootedHost:
        """Return a fresh host that runs, with what staff brings to it, and an empty stick."""
        made = BootedHost(self.folder / name, self.network)
        self.debian.unpack(made.tree)
        (made.tree / "media/stick").mkdir()
        self.hosts[name] = made
        made.start()
        return made

    def bring(self, host: BootedHost, *folders: Path) -> None:
        """Lay folders into root's home, in place of those that are there under the same names."""
        for folder in folders:
            target = host.tree / "root" / folder.name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target)

    @property
    def staff(self) -> Path:
        """The folder in which staff works elsewhere, with the checkout's parts in it."""
        return self.folder / "staff"

    def checkout(self, dist: Path) -> None:
        """Give staff a checkout whose wheel lies in `dist`."""
        shutil.rmtree(self.staff / "wheelhouse", ignore_errors=True)
        self.staff.mkdir(exist_ok=True)
        for name, target in (("deploy", self.source / "deploy"), (".venv", self.source / ".venv"), ("dist", dist)):
            (self.staff / name).unlink(missing_ok=True)
            (self.staff / name).symlink_to(target)

    def follow(
        self,
        host: BootedHost | None,
        chapter: str,
        block: int = 0,
        *,
        replaced: Mapping[str, str] | None = None,
        answers: Sequence[str] = (),
        without: str = "",
    ) -> list[Said]:
        """Run the commands of a chapter, or of one block of it, and return what became of each.

        replaced  the words of the RUNBOOK that stand for others
        answers   typed where a command asks
        without   a command that begins so is left out this time
        """
        chosen = [
            command
            for command in self.commands
            if command.chapter.startswith(chapter) and block in (0, command.block) and command.on_host is bool(host)
        ]
        assert chosen, f"the RUNBOOK has no such block: {chapter} {block}"
        done = []
        for command in chosen:
            if not (without and command.shown.startswith(without)):
                done.append(self._one(host, command, replaced or {}, answers))
        return done

    def _one(
        self, host: BootedHost | None, command: Command, replaced: Mapping[str, str], answers: Sequence[str]
    ) -> Said:
        text, became = command.text, "ran"
        for begin, (other, why) in INSTEAD.items():
            if text.startswith(begin):
                text, became = text.replace(begin, other, 1) if other else "", why
        for word, other in replaced.items():
            text = text.replace(word, other)
        if self._staff is None:
            self._staff = Terminal(folder=self.staff)
        began = time.monotonic()
        code, printed = (host.root if host else self._staff.run)(text, answers) if text else (0, "")
        if code and "sysctl: permission denied" in printed and command.shown.endswith("sysctl --system >/dev/null"):
            code, became = 0, f"ran; {_KERNEL}"
        said = Said(command, became, time.monotonic() - began, printed)
        self.said.append(said)
        assert code == 0, f"row {command.row} ends with {code}: {text}\n{printed[-4000:]}"
        return said

    def report(self) -> list[str]:
        """Return a line for each command: its row, what became of it, its seconds, its words."""
        total = f"from the bare host to the running portal the commands take {self.seconds_to_portal():.0f} s"
        rows = [
            f"{one.command.row:4} {one.seconds:6.1f} s  {one.became}: {one.command.shown[:90]}" for one in self.said
        ]
        return [*rows, total]

    def seconds_to_portal(self) -> float:
        """Return how long the commands of chapters 2 to 8 took, each as it was first run."""
        first = {one.command: one for one in reversed(self.said) if one.command.chapter[0] in "2345678"}
        return sum(one.seconds for one in first.values())

    def end(self) -> None:
        """End everything that runs."""
        if self._staff:
            self._staff.end()
        for host in self.hosts.values():
            host.stop()
        self.network.end()


def make_drill(folder: Path, source: Path, cache: Path) -> Drill:
    """Return a drill whose packages are there; the first time in a cache they are fetched."""
    commands = read_runbook(source / "deploy/RUNBOOK.md")
    debian = Debian(cache)
    cache.mkdir(parents=True, exist_ok=True)
    debian.fetch(packages_of(commands))
    return Drill(folder, source, debian, commands)
