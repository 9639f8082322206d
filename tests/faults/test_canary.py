# SPDX-License-Identifier: AGPL-3.0-or-later
"""A sentence sent a hundred times is nowhere on the online side: not on disk, in memory, in a log or in the bundle."""

import base64
import http.client
import os
import re
from pathlib import Path

CANARY = "the cormorant signs no form it has not read"
SPELLINGS = [
    CANARY.encode(),
    CANARY.encode("utf-16-le"),
    CANARY.encode().hex().encode(),
    *(base64.b64encode(b"-" * shift + CANARY.encode())[4:-4] for shift in range(3)),
]
MARKED = {
    "User-Agent": "MarkedAgent/77.1",
    "Referer": "http://marked-referrer.example/",
    "Cookie": "marked=cookie771",
    "X-Forwarded-For": "203.0.113.77",
    "Accept-Language": "marked-LANG",
}


def found_in(data: bytes, needles: list[bytes]) -> list[bytes]:
    return [needle for needle in needles if needle in data]


def memory_of(pid: int) -> bytes:
    """Return everything readable in a process's memory."""
    held = []
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if match is None or "[v" in line:  # vvar and vsyscall cannot be read
                continue
            start, end = (int(text, 16) for text in match.groups())
            try:
                memory.seek(start)
                held.append(memory.read(end - start))
            except OSError:  # a mapping that has gone meanwhile, or that no one may read
                continue
    return b"".join(held)


def send(office, envelope: bytes) -> int:
    """Post an envelope with every header marked, as a browser that gives itself away would."""
    connection = http.client.HTTPConnection("127.0.0.1", office.port, timeout=30)
    connection.request("POST", "/envelopes", envelope, {"Content-Type": "application/octet-stream", **MARKED})
    status = connection.getresponse().status
    connection.close()
    return status


def files_of(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_canary_is_nowhere(office, officer, capfd):
    """No byte of the sentence on the online side, and none of the sender's marks on its disk or in its logs."""
    for number in range(100):
        answer = officer.ask(**office.seal_command(f"{CANARY}. Report {number}."))
        assert send(office, base64.b64decode(answer["envelope"])) == 201
    for pid in office.portal_processes():
        memory = memory_of(pid)
        assert len(memory) > 1_000_000
        assert found_in(memory, SPELLINGS) == []
    bundle = office.pull()
    temporary = [path for path in Path(os.environ.get("TMPDIR", "/tmp")).iterdir() if path.is_file()]
    needles = [*SPELLINGS, *(mark.encode() for mark in MARKED.values())]
    for path in [*files_of(office.folders.portal, office.folders.courier), *temporary, bundle]:
        assert found_in(path.read_bytes(), needles) == [], path.name
    out, err = capfd.readouterr()
    assert found_in((out + err).encode(), needles) == []
    office.receive(bundle)
    office.push()
    reports = office.reports()
    assert len(reports) == 100
    assert CANARY in office.report(reports[0]["id"])["text"]
    for path in files_of(office.folders.desk, office.folders.stick, office.folders.portal):
        assert found_in(path.read_bytes(), needles) == [], path.name
    assert capfd.readouterr().err.count(CANARY) == 0


def test_memory_reader_would_find_it():
    """The reader of memory finds a sentence that is there."""
    held = CANARY[::-1].encode() * 2
    assert held in memory_of(os.getpid())
