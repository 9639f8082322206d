# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole throwaway office for tests: real portal processes, real courier, real desk, through the real commands."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from intake.samples import letter_of
from underseal_demo import (
    Folders,
    await_portal,
    make_courier_and_desk,
    make_office,
    request,
    run,
    start_portal,
    stop_portal,
)

SAMPLE = {
    "facts": {"event_month": "2026-10", "region": "border_west", "role_band": "officer", "knows": "saw_myself"},
    "kinds": ["REV.OVER"],
    "lang": "en",
    "consent": {
        **dict.fromkeys(("record", "counsel", "aggregate"), True),
        **dict.fromkeys(("grievance", "oversight", "litigation", "press"), False),
        "quote": "none",
        "min_similar": 0,
        "not_before": None,
    },
}


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Simulator:
    """One office in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folders = Folders(folder)
        self.port = free_port()
        make_office(self.folders)
        self.start()
        make_courier_and_desk(self.folders, self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def kit(self) -> Path:
        """The page as one file, as it was signed."""
        return self.folders.office / "public/page/kit.html"

    def start(self) -> None:
        """Start the portal and wait until it answers."""
        self._process = start_portal(self.folders, self.port)
        await_portal(self._process, self.port)

    def stop(self) -> None:
        """End the portal as a supervisor would."""
        stop_portal(self._process)

    def portal_processes(self) -> list[int]:
        """Return the portal's process ids: the one that serves, its masters and their workers."""
        found, queue = [], [self._process.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
            queue += [int(child) for child in children.split()]
        return found

    def kill(self) -> None:
        """Kill every process of the portal at once, as a power cut would end them."""
        for pid in self.portal_processes():
            with contextlib.suppress(ProcessLookupError):  # the kernel ends the children of one that is gone
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)

    def pause(self) -> None:
        """Freeze every process of the portal."""
        for pid in self.portal_processes():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let the portal go on."""
        for pid in self.portal_processes():
            os.kill(pid, signal.SIGCONT)

    def post(self, envelope: bytes) -> tuple[int, str]:
        """Return (status, body) of sending an envelope."""
        status, body = request(self.port, "POST", "/envelopes", envelope)
        return status, body.decode("utf-8")

    def seal_command(self, text: str) -> dict[str, Any]:
        """Return the command with which tests/officer.py seals a report for this office."""
        office = json.loads((self.folders.office / "public" / "office.json").read_text("utf-8"))
        return {
            "do": "seal",
            "letter": letter_of({**SAMPLE, "text": text}),
            "questionnaire": "asylum-officer",
            "keys": request(self.port, "GET", "/keys.txt")[1].decode(),
            "signature": request(self.port, "GET", "/keys.txt.sig")[1].decode(),
            "office": office,
            "today": today(),
        }

    def shelf(self) -> set[str]:
        """Return the digests on the portal's shelf."""
        with sqlite3.connect(self.folders.portal / "shelf.sqlite") as shelf:
            return {bytes(row[0]).hex() for row in shelf.execute("SELECT digest FROM envelopes")}

    def pull(self) -> Path:
        """Let the courier pull; return the new bundle."""
        run(
            self.folders,
            "pull",
            "courier",
            "pull",
            "--dir",
            self.folders.courier,
            "--to",
            self.folders.stick,
            secret=True,
        )
        return sorted(self.folders.stick.glob("*.bundle"))[-1]

    def receive(self, bundle: Path) -> None:
        """Let the desk receive a bundle."""
        outgoing = self.folders.stick / "outgoing"
        self.desk("receive", str(bundle), "--outgoing", str(outgoing))

    def push(self) -> None:
        """Let the courier bring back what the desk has signed."""
        outgoing = self.folders.stick / "outgoing"
        run(self.folders, "push", "courier", "push", "--dir", self.folders.courier, "--from", outgoing, secret=True)

    def carry(self) -> None:
        """Pull, receive and push."""
        self.receive(self.pull())
        self.push()

    def desk(self, *words: str) -> str:
        """Return what a desk command answers."""
        return run(self.folders, words[0], "desk", *words, "--dir", self.folders.desk, secret=True)

    def reports(self) -> list[dict[str, Any]]:
        """Return the desk's list of reports."""
        listed: list[dict[str, Any]] = json.loads(self.desk("list", "--json"))
        return listed

    def report(self, report_id: str) -> dict[str, Any]:
        """Return one report, with its words."""
        shown: dict[str, Any] = json.loads(self.desk("show", report_id, "--words", "--json"))
        return shown


def today() -> str:
    """Return the UTC day."""
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()


def underseal(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program and return what it said."""
    return subprocess.run([sys.executable, "-P", "-m", "underseal", *words], capture_output=True, text=True)
