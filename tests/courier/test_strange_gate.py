# SPDX-License-Identifier: AGPL-3.0-or-later
"""A courier and a gate that is silent, slow, cut off, strange or hostile: nothing is written, lost or repeated."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from courierkit import acknowledgement_line, answering, change_settings, head_of, settings_of
from portalkit import PortalOffice, Served

from crypto.signature import Namespace, sign


@contextmanager
def line_cut_after(target: Path, limit: int) -> Iterator[str]:
    """Give the address of a line to a socket file that breaks after so many bytes of an answer."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry() -> None:
        near, _ = listener.accept()
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(str(target))
            threading.Thread(target=_forward, args=(near, far), daemon=True).start()
            left = limit
            while left and (part := far.recv(min(left, 4_096))):
                near.sendall(part)
                left -= len(part)
            near.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    with closing(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(10)


def _forward(near: socket.socket, far: socket.socket) -> None:
    try:
        while part := near.recv(4_096):
            far.sendall(part)
    except OSError:
        pass


@pytest.mark.parametrize("limit", [1, 100, 1_300, 2_000, 30_000, 60_000])
def test_cut_pull_leaves_nothing(courier: Any, served: Served, office: PortalOffice, limit: int) -> None:
    """A line cut at any place leaves no file; the next pull gets the same manifest, and no gap."""
    for _ in range(3):
        served.post(office.envelope())
    gate = settings_of(courier.folder)["gate"]
    with line_cut_after(served.folder / "gate.sock", limit) as address:
        change_settings(courier.folder, gate=address)
        ran = courier.pull()
    assert 6 == ran.code or "cut short" in ran.err, ran.err
    assert ([], False) == (courier.on_stick(), (courier.folder / "courier.json").exists())
    served.post(office.envelope())
    change_settings(courier.folder, gate=gate)
    assert 0 == courier.pull().code
    assert (1, 3) == tuple(head_of(courier.stick / "pull-000001.bundle")[0][name] for name in ("pull", "count"))


ODD = {
    "text for a number": ("sequence", {"sequence": "\x1b[2J"}),
    "a list for a number": ("sequence", {"sequence": []}),
    "true for a number": ("deleted", {"deleted": True, "unknown": 0}),
    "one missing": ("deleted", {"deleted": 1}),
    "one more": ("deleted", {"deleted": 1, "unknown": 0, "note": "x"}),
    "less than none": ("deleted", {"deleted": -1, "unknown": 0}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_answer_is_refused(courier: Any, office: PortalOffice, name: str) -> None:
    """What a gate answers to a file is counts under known names, or is told to be strange."""
    kind, answer = ODD[name]
    text, signature = office.signed_list(sequence=20)
    line = acknowledgement_line(office)
    file, data = ("keys-000020.txt", text) if kind == "sequence" else ("ack-000001.json", line)
    signature = signature if kind == "sequence" else sign(line, office.desk, Namespace.ACK)
    (courier.outgoing / file).write_bytes(data)
    (courier.outgoing / f"{file}.sig").write_text(signature)
    with closing(answering(_json_answer(answer))) as listener:
        change_settings(courier.folder, gate=f"http://127.0.0.1:{listener.getsockname()[1]}")
        ran = courier.push()
    assert (1, "", STRANGE_ANSWER) == (ran.code, ran.out, ran.err)


STRANGE_ANSWER = "courier: the gate answered in a way that this version does not know\n"
GOOD_STATUS = {
    "waiting": 1,
    "damaged": 0,
    "oldest_day": "2031-05-06",
    "last_pull": None,
    "last_pull_day": None,
    "lists": [{"sequence": 1, "first": "2031-05-05", "last": "2031-05-18"}],
}
ODD_STATUS: dict[str, dict[str, Any]] = {
    "waiting": {"waiting": "\x1b[2J"},
    "damaged": {"damaged": None},
    "day": {"oldest_day": "\x1b]0;title\x07"},
    "week": {"oldest_day": "2031-W19-2"},
    "pull": {"last_pull": {}},
    "pull day": {"last_pull_day": 7},
    "lists": {"lists": {"last": "x"}},
    "row": {"lists": ["last"]},
    "row's day": {"lists": [{"sequence": 1, "first": "2031-05-05", "last": "\x1b"}]},
    "row's number": {"lists": [{"sequence": None, "first": "2031-05-05", "last": "2031-05-18"}]},
}


@pytest.mark.parametrize("name", ODD_STATUS)
def test_odd_status_is_refused(courier: Any, name: str) -> None:
    """A status of which one part is not of its kind is told to be strange, and nothing of it is shown."""
    with closing(answering(_json_answer({**GOOD_STATUS, **ODD_STATUS[name]}))) as listener:
        change_settings(courier.folder, gate=f"http://127.0.0.1:{listener.getsockname()[1]}")
        ran = courier.run("status")
    assert (1, "", STRANGE_ANSWER) == (ran.code, ran.out, ran.err)


def _json_answer(value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


DRIPS = {
    "head": b"HTTP/1.1 200 OK\r\nX-More: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "refusal": b"HTTP/1.1 422 No\r\nContent-Length: 100000\r\n\r\n",
}


@pytest.mark.parametrize("name", DRIPS)
def test_dripping_gate_is_left(courier: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A gate that sends a byte now and then, in the head or after it, is left, and no part stays on the stick."""
    monkeypatch.setattr("courier.line.PATIENCE_SECONDS", 1.0)
    began = time.monotonic()
    with closing(answering(DRIPS[name], drip=100)) as listener:
        change_settings(courier.folder, gate=f"http://127.0.0.1:{listener.getsockname()[1]}")
        ran = courier.pull()
    assert (6, True) == (ran.code, "the gate does not answer, or the line to it was cut" in ran.err)
    assert 5 > time.monotonic() - began
    assert [] == courier.on_stick()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore leaves the socket it tried
def test_silent_gate_is_told(courier: Any, served: Served) -> None:
    """A portal that is down is exit code 6, and the environment's proxy is not asked instead."""
    served.stop()
    ran = courier.pull()
    assert 6 == ran.code
    assert ran.err.startswith("courier: the gate does not answer, or the line to it was cut: ConnectError\n")


STRANGE = {
    "redirect": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "page": b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
    "endless line": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    "not http": b"\x00\x01\x02\x03",
    "escapes": b"HTTP/1.1 422 No\r\nContent-Length: 9\r\n\r\n\x1b[31mred\x07",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_gate_is_harmless(courier: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever answers in the gate's place, the courier follows no redirect, writes nothing, and prints plain text."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with closing(answering(STRANGE[name])) as listener:
        change_settings(courier.folder, gate=f"http://127.0.0.1:{listener.getsockname()[1]}")
        ran = courier.pull()
    assert ran.code in (1, 4, 6)
    assert 1 <= ran.err.count("\n") <= 2
    assert "\x1b" not in ran.err and "Traceback" not in ran.err
    assert [] == courier.on_stick()
