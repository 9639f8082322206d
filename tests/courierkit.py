# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tests of a courier share: its settings, a bundle's head, and a gate that answers as it is told."""

import json
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from portalkit import PortalOffice

from crypto.primitives import digest


def settings_of(folder: Path) -> dict[str, Any]:
    value = json.loads((folder / "settings.json").read_text())
    assert isinstance(value, dict)
    return value


def change_settings(folder: Path, **changes: Any) -> None:
    """Write other settings, in the form that the program reads."""
    (folder / "settings.json").write_text(json.dumps({**settings_of(folder), **changes}))


def head_of(bundle: Path) -> tuple[dict[str, Any], str]:
    """Return a bundle's manifest and the manifest's digest."""
    line = bundle.read_bytes().partition(b"\n")[0] + b"\n"
    return json.loads(line), digest(line)


def acknowledgement_line(office: PortalOffice) -> bytes:
    fingerprint = office.desk.public.fingerprint
    pulled = {"portal": fingerprint, "desk": fingerprint, "pull": 1, "envelopes": []}
    return office.acknowledgement(pulled, digest(b""))


def answering(answer: bytes, drip: int = 0) -> socket.socket:
    """Return a listener that gives one answer to the first who asks, and then so many bytes, ten a second."""
    listener = socket.create_server(("127.0.0.1", 0))

    def reply() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(65_536)
            line.sendall(answer)
            with suppress(OSError):
                for _ in range(drip):
                    line.sendall(b"x")
                    time.sleep(0.1)

    threading.Thread(target=reply, daemon=True).start()
    return listener
