# SPDX-License-Identifier: AGPL-3.0-or-later
"""A Tor network of its own on loopback: three authorities, two relays, one host with the shipped torrc, clients."""

import re
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hostkit import await_, free_ports

_FAST = ["TestingV3AuthInitialVotingInterval 20", "TestingV3AuthInitialVoteDelay 4", "TestingV3AuthInitialDistDelay 4"]
_FAST += ["V3AuthVotingInterval 20", "V3AuthVoteDelay 4", "V3AuthDistDelay 4", "V3AuthNIntervalsValid 2"]
_VOTES = ["TestingDirAuthVoteExit *", "TestingDirAuthVoteHSDir *", "TestingDirAuthVoteGuard *"]
_AUTHORITY = ["AuthoritativeDirectory 1", "V3AuthoritativeDirectory 1", *_FAST, *_VOTES]
_RELAY = ["AssumeReachable 1", "SocksPort 0", "ContactInfo none", "ExitPolicy reject *:*", "Address 127.0.0.1"]
_NOBODY = f"x orport=1 127.0.0.1:1 {'F' * 40}"


@dataclass(slots=True)
class TorNetwork:
    """What runs, and the lines by which each part knows the network."""

    folder: Path
    common: list[str] = field(default_factory=lambda: ["TestingTorNetwork 1", "PathsNeededToBuildCircuits 0.25"])
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    inside: Sequence[str] = ()  # what runs a program in another network namespace

    def start(self) -> None:
        """Start authorities and relays."""
        ports = free_ports(8)
        places = [(f"relay{number}", ports[number], ports[5 + number] if number < 3 else 0) for number in range(5)]
        for name, port, directory in places:
            (self.folder / name).mkdir(mode=0o700)
            if directory:
                self.common.append(self._authority(name, port, directory))
        for name, port, directory in places:
            lines = [*_RELAY, f"Nickname {name}", f"ORPort 127.0.0.1:{port}"]
            self.run(name, [*lines, *([f"DirPort 127.0.0.1:{directory}", *_AUTHORITY] if directory else [])])

    def _authority(self, name: str, port: int, directory: int) -> str:
        """Make an authority's keys and return the line that names it."""
        keys = self.folder / name / "keys"
        keys.mkdir(mode=0o700)
        files = ["-i", "authority_identity_key", "-s", "authority_signing_key", "-c", "authority_certificate"]
        words = ["tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-a", f"127.0.0.1:{directory}"]
        subprocess.run([*words, *files, "-m", "12"], cwd=keys, input=b"x\n", capture_output=True, check=True)
        identity = re.findall(r"^fingerprint (\w+)$", (keys / "authority_certificate").read_text(), re.MULTILINE)[0]
        who = ["--DataDirectory", keys.parent, "--Nickname", name, "--Address", "127.0.0.1", "--DirAuthority", _NOBODY]
        words = ["tor", "--quiet", "--list-fingerprint", "--ORPort", "1", *map(str, who)]
        shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        mark = "".join(shown.split()[1:])
        return f"DirAuthority {name} orport={port} no-v2 v3ident={identity} 127.0.0.1:{directory} {mark}"

    def run(self, name: str, lines: Sequence[str]) -> None:
        """Start one tor in a folder of its own."""
        (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        torrc = self.folder / f"{name}.torrc"
        torrc.write_text("\n".join([*lines, f"DataDirectory {self.folder / name}", *self.common, ""]))
        self.run_file(torrc)

    def run_file(self, torrc: Path, *extra: Path) -> None:
        """Start one tor with a file, after the defaults in another."""
        defaults = [word for path in extra for word in ("--defaults-torrc", str(path))]
        silent = subprocess.DEVNULL
        words = [*self.inside, "tor", *defaults, "-f", str(torrc)]
        self.processes.append(subprocess.Popen(words, stdout=silent, stderr=silent))

    def end(self) -> None:
        """End all of it."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait(10)


def fetch(socks: int, address: str, path: str, seconds: int = 20, inside: Sequence[str] = ()) -> tuple[int, bytes]:
    """Return curl's exit code and what it got from an onion."""
    words = [
        *inside,
        "curl",
        "-s",
        "-m",
        str(seconds),
        "--socks5-hostname",
        f"127.0.0.1:{socks}",
        f"http://{address}{path}",
    ]
    ran = subprocess.run(words, capture_output=True)
    return ran.returncode, ran.stdout


def await_onion(socks: int, address: str, path: str, inside: Sequence[str] = (), *, seconds: int = 180) -> bytes:
    """Return what an onion answers, once the network has found it."""
    got: list[bytes] = []

    def answers() -> bool:
        got.append(fetch(socks, address, path, inside=inside)[1])
        return got[-1] != b""

    await_(answers, seconds)
    return got[-1]
