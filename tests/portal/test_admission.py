# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who the courier's gate opens for: requests well signed, fresh and new; all others get one refusal, the same bytes."""

import concurrent.futures
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from portalkit import COMPONENTS, PortalOffice, Served, body_of, signed, status_of

from crypto.signature import SigningKey

FIRST_PULL = b'{"after":null}'
STRANGER = SigningKey.generate()


def changed(request: bytes, before: bytes, after: bytes) -> bytes:
    """Return a request with one place exchanged after it was signed."""
    assert before in request
    return request.replace(before, after, 1)


def signature_twice(request: bytes) -> bytes:
    """Return a request whose signature stands there under two labels."""
    lines = request.split(b"\r\n")
    doubled = [
        line + b", two=" + line.partition(b"=")[2] if line.lower().startswith(b"signature") else line for line in lines
    ]
    return b"\r\n".join(doubled)


REFUSED: dict[str, Callable[[SigningKey], bytes]] = {
    "no signature": lambda key: (
        b"POST /status HTTP/1.1\r\nHost: gate\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ),
    "another key": lambda key: signed(STRANGER, "/status"),
    "another key under our name": lambda key: signed(STRANGER, "/status", key_id=key.public.fingerprint),
    "too old": lambda key: signed(key, "/status", age_seconds=302),
    "from the future": lambda key: signed(key, "/status", age_seconds=-302),
    "no nonce": lambda key: signed(key, "/status", nonce=""),
    "short nonce": lambda key: signed(key, "/status", nonce="ab" * 15),
    "nonce in capitals": lambda key: signed(key, "/status", nonce="AB" * 16),
    "another tag": lambda key: signed(key, "/status", tag="underseal-desk"),
    "no tag": lambda key: signed(key, "/status", tag=None),
    "without digest": lambda key: signed(key, "/status", components=COMPONENTS[:4]),
    "without method": lambda key: signed(key, "/status", components=COMPONENTS[1:]),
    "without authority": lambda key: signed(key, "/status", components=(COMPONENTS[0], *COMPONENTS[2:])),
    "without path": lambda key: signed(key, "/status", components=(*COMPONENTS[:2], *COMPONENTS[3:])),
    "without query": lambda key: signed(key, "/status", components=(*COMPONENTS[:3], COMPONENTS[4])),
    "widened": lambda key: signed(key, "/status", components=(*COMPONENTS, "x-more"), extra={"x-more": "1"}),
    "two signatures": lambda key: signature_twice(signed(key, "/status")),
    "another path": lambda key: changed(signed(key, "/status"), b"POST /status", b"POST /pull"),
    "another method": lambda key: changed(signed(key, "/status"), b"POST", b"PUT"),
    "signed for GET": lambda key: signed(key, "/status", method="GET"),
    "a query added": lambda key: changed(signed(key, "/status"), b"POST /status", b"POST /status?a=1"),
    "a query signed": lambda key: signed(key, "/status?a=1"),
    "another name": lambda key: changed(signed(key, "/status"), b"Host: gate", b"Host: localhost"),
    "a name not ours": lambda key: signed(key, "/status", host="gate.example"),
    "another host behind our name": lambda key: changed(
        signed(key, "/status", host="evil.example"), b"Host: evil.example", b"Host: gate:x@evil.example"
    ),
    "our name as a user": lambda key: signed(key, "/status", host="gate:80@evil.example"),
    "our name and no port": lambda key: changed(signed(key, "/status"), b"Host: gate", b"Host: gate:x"),
    "our name and a long port": lambda key: signed(key, "/status", host="gate:123456"),
    "our name in capitals": lambda key: signed(key, "/status", host="GATE"),
    "unknown path": lambda key: signed(key, "/envelopes"),
    "the page": lambda key: signed(key, "/"),
    "body changed": lambda key: changed(signed(key, "/pull", FIRST_PULL), b"null}", b"true}"),
    "body longer than allowed": lambda key: signed(key, "/pull", b" " * 1_025),
    "body where none belongs": lambda key: signed(key, "/status", b"x"),
    "signature damaged": lambda key: changed(
        signed(key, "/status"), b"ignature: courier=:", b"ignature: courier=:AAAA"
    ),
    "parameters damaged": lambda key: changed(signed(key, "/status"), b";created=", b";created=1"),
}


@pytest.fixture(scope="module")
def gate_served(empty_portal: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A running portal that only refuses."""
    import shutil

    from portalkit import end, serve

    running = serve(Path(shutil.copytree(empty_portal, tmp_path_factory.mktemp("gate") / "portal")))
    yield running
    end(running)


@pytest.mark.parametrize("name", REFUSED)
def test_stranger_refused_uniformly(gate_served: Served, office: PortalOffice, name: str) -> None:
    """Whatever is wrong, the answer is the same, byte for byte, headers and all."""
    expected = gate_served.gate(REFUSED["no signature"](office.courier))
    assert 403 == status_of(expected)
    assert expected == gate_served.gate(REFUSED[name](office.courier))


@pytest.mark.parametrize("age_seconds", [0, 295, -295])
def test_courier_admitted(gate_served: Served, office: PortalOffice, age_seconds: int) -> None:
    """A request signed as it should be opens the gate, five minutes either way."""
    answer = gate_served.gate(signed(office.courier, "/status", age_seconds=age_seconds))
    assert 200 == status_of(answer)
    status = json.loads(body_of(answer))
    assert (0, None, None, None) == tuple(
        status[name] for name in ("waiting", "oldest_day", "last_pull", "last_pull_day")
    )
    assert 13 == len(status["lists"])


def test_replay_opens_once(gate_served: Served, office: PortalOffice) -> None:
    """The same request sent forty times at once, to two processes, is answered once."""
    request = signed(office.courier, "/status")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = [status_of(answer) for answer in pool.map(gate_served.gate, [request] * 40)]
    assert [200] + [403] * 39 == sorted(statuses)


def test_spoiled_request_uses_no_nonce(gate_served: Served, office: PortalOffice) -> None:
    """A stranger who changes a courier's request on its way does not use up its nonce."""
    request = signed(office.courier, "/pull", b'{"after":"?"}')
    for before, after in ((b"?", b"!"), (b"POST /pull", b"POST /keys"), (b";created=", b";created=1")):
        assert 403 == status_of(gate_served.gate(changed(request, before, after)))
    assert 200 == status_of(gate_served.gate(request))
