# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many officers at once, and a portal that is killed under them: what was acknowledged is at the desk."""

import base64
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from crypto.primitives import digest
from intake.acknowledgement import read_acknowledgement

CLIENTS = 8


def sealed(office, officer, count: int) -> list[bytes]:
    """Return so many reports, each sealed by the page's own code."""
    commands = [office.seal_command(f"report number {number}") for number in range(count)]
    return [base64.b64decode(officer.ask(**command)["envelope"]) for command in commands]


def test_thirty_officers_at_once(office, officer):
    """Thirty officers behind one address send at the same moment; all thirty are kept."""
    envelopes = sealed(office, officer, 30)
    gate = threading.Barrier(30)

    def send(envelope: bytes) -> tuple[int, str]:
        gate.wait(30)
        return office.post(envelope)

    with ThreadPoolExecutor(30) as crowd:
        answers = list(crowd.map(send, envelopes))
    assert answers == [(201, digest(envelope) + "\n") for envelope in envelopes]
    assert {digest(envelope) for envelope in envelopes} <= office.shelf()
    office.carry()
    assert len(office.reports()) == 30


class Client(threading.Thread):
    """An officer's browser that sends its letters one after the other and remembers what was acknowledged."""

    def __init__(self, office, envelopes: list[bytes]) -> None:
        super().__init__()
        self._office, self._envelopes = office, envelopes
        self.acknowledged: set[str] = set()
        self.refused: list[bytes] = []

    def run(self) -> None:
        for envelope in self._envelopes:
            try:
                status, body = self._office.post(envelope)
            except (OSError, HTTPException):  # refused, or killed between the head of its answer and the body
                status, body = 0, ""
            if status == 201:
                assert body.strip() == digest(envelope)
                self.acknowledged.add(digest(envelope))
            else:
                self.refused.append(envelope)


def kill_cycles(office, officer, cycles: int) -> None:
    """Kill the portal `cycles` times under eight clients, then let courier and desk prove what was kept."""
    acknowledged: set[str] = set()
    chance = random.Random(7)
    for _ in range(cycles):
        envelopes = sealed(office, officer, CLIENTS * 3)
        clients = [Client(office, envelopes[number::CLIENTS]) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.0, 0.12))
        office.kill()
        for client in clients:
            client.join(60)
        acknowledged |= set().union(*(client.acknowledged for client in clients))
        office.start()
        for envelope in (envelope for client in clients for envelope in client.refused):
            assert office.post(envelope) == (201, digest(envelope) + "\n")
            acknowledged.add(digest(envelope))
    assert acknowledged <= office.shelf()
    bundle = office.pull()
    office.receive(bundle)
    office.push()
    assert len(acknowledged) == cycles * CLIENTS * 3
    at_desk = read_acknowledgement(max((office.folders.stick / "outgoing").glob("ack-*.json")).read_bytes()).digests
    assert acknowledged <= set(at_desk)  # the desk compares every byte with these digests before it signs for them
    assert len(office.reports()) >= len(acknowledged)
    assert office.shelf() == set()
    office.desk("verify")
    packed = bundle.read_bytes()
    assert all(name.encode() in packed for name in acknowledged)


def test_killed_portal_loses_nothing(office, officer):
    """Eight clients, five kills: every acknowledged letter is at the desk, and retries store one each."""
    kill_cycles(office, officer, 5)


@pytest.mark.long
def test_killed_portal_fifty_times(office, officer):
    """The same, fifty times."""
    kill_cycles(office, officer, 50)
