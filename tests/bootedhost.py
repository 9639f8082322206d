# SPDX-License-Identifier: AGPL-3.0-or-later
"""A booted Debian: systemd as its first process, no network but loopback, and root's terminal in it."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

_BOOT_SECONDS = 120
_LINE_SECONDS = 300
# Each line is read whole, run where the last one left the shell, and its exit code told on a line of its own.
_LOOP = """
set +e
while IFS= read -r -d '' line <&%(orders)d; do
  eval "$line"
  printf '%%s\\0' $? >&%(codes)d
done
"""
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
}


class Terminal:
    """A shell in a terminal, of the host's root or of somebody elsewhere."""

    def __init__(self, prefix: Sequence[str] = (), folder: Path | None = None) -> None:
        self._main, side = pty.openpty()
        modes = termios.tcgetattr(side)
        modes[1] &= ~termios.OPOST
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(side, termios.TCSANOW, modes)
        orders, self._orders = os.pipe()
        self._codes, codes = os.pipe()
        loop = _LOOP % {"orders": orders, "codes": codes}
        environment = _ENVIRONMENT if prefix else {**os.environ, **_ENVIRONMENT, "PATH": os.environ["PATH"]}
        self._process = subprocess.Popen(
            [*prefix, "bash", "--norc", "-c", loop],
            stdin=side, stdout=side, stderr=side, pass_fds=(orders, codes), cwd=folder, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(side, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        for end in (side, orders, codes):
            os.close(end)

    def run(self, line: str, answers: Sequence[str] = ()) -> tuple[int, str]:
        """Run one line and return its exit code and all it printed; `answers` are typed at prompts that end in ": "."""
        os.write(self._orders, line.encode() + b"\0")
        printed, asked, left, end = b"", 0, list(answers), time.monotonic() + _LINE_SECONDS
        while time.monotonic() < end:
            ready, _, _ = select.select([self._main, self._codes], [], [], 1)
            if self._main in ready:
                printed += os.read(self._main, 65_536)
                if left and printed[asked:].endswith(b": "):
                    asked = len(printed)
                    time.sleep(0.1)  # the prompt comes before the echo is off
                    os.write(self._main, left.pop(0).encode() + b"\n")
            elif self._codes in ready:
                code = os.read(self._codes, 16)
                assert code.endswith(b"\0"), f"the shell ended in {line}: {printed!r}"
                return int(code[:-1]), printed.decode("utf-8", "replace").replace("\r", "")
        raise TimeoutError(f"{line}\n{printed.decode('utf-8', 'replace')}")

    def end(self) -> None:
        """End the shell and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        for end in (self._main, self._orders, self._codes):
            os.close(end)


class Network:
    """A network of its own, with loopback and nothing else."""

    def __init__(self) -> None:
        words = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]
        self._holder = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert self._holder.stdout and self._holder.stdout.readline() == b"up\n"

    @property
    def path(self) -> str:
        """The file that names it."""
        return f"/proc/{self._holder.pid}/ns/net"

    @property
    def inside(self) -> list[str]:
        """The words that run a program of this machine in it."""
        return ["nsenter", f"--net={self.path}"]

    def end(self) -> None:
        """Give it up."""
        self._holder.kill()
        self._holder.wait(10)
        assert self._holder.stdout
        self._holder.stdout.close()


class BootedHost:
    """A tree that runs as a machine."""

    def __init__(self, tree: Path, network: Network) -> None:
        self.tree, self.network = tree, network
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._terminal: Terminal | None = None

    def start(self) -> None:
        """Boot, and return once systemd says that it has done what it will do."""
        words = ["systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit", "--console=pipe"]
        given = [f"--network-namespace-path={self.network.path}", f"--machine={self.tree.name}", "-D", str(self.tree)]
        with (self.tree.parent / f"{self.tree.name}.boot").open("ab") as said:
            self._nspawn = subprocess.Popen(
                [*words, *given],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < end and self._nspawn.poll() is None:
            state = self._ask("systemctl", "is-system-running").strip()
            if state in ("running", "degraded"):
                self._terminal = Terminal(self.inside, None)
                self._terminal.run("cd /root")
                return
            time.sleep(0.5)
        raise TimeoutError(f"systemd did not boot: {Path(said.name).read_text('utf-8', 'replace')}")

    @property
    def inside(self) -> list[str]:
        """The words that run a program of the tree as root of the running host."""
        assert self._nspawn
        found = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        first = next(pid for pid in found if Path(f"/proc/{pid}/comm").read_text() == "systemd\n")
        return ["nsenter", "--target", first, "--all"]

    def _ask(self, *words: str) -> str:
        try:
            return subprocess.run([*self.inside, *words], env=_ENVIRONMENT, capture_output=True, text=True).stdout
        except StopIteration:
            return ""

    def root(self, line: str, answers: Sequence[str] = ()) -> tuple[int, str]:
        """Run one line in root's terminal, where the one before left it."""
        assert self._terminal
        return self._terminal.run(line, answers)

    def must(self, line: str) -> str:
        """Run one line that has to succeed, away from root's terminal, and return what it prints."""
        words = [*self.inside, "bash", "-c", line]
        done = subprocess.run(
            words,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    def stop(self) -> None:
        """Shut it down as `poweroff` does."""
        if self._terminal:
            self._terminal.end()
            self._terminal = None
        if self._nspawn:
            self._nspawn.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(60)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._nspawn.pid, signal.SIGKILL)
            self._nspawn.wait(10)
            self._nspawn = None
