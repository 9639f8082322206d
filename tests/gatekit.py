# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate of a portal in this process, asked with signed requests."""

import io
import json
from collections.abc import Mapping
from typing import Any

from portalkit import PortalOffice, signed

from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign


class Gate:
    """The gate of one portal, asked by its courier."""

    def __init__(self, app: Any, office: PortalOffice) -> None:
        self._app = app
        self._office = office

    def ask(self, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return status and body of the answer to a signed request."""
        raw = signed(self._office.courier, path, body)
        lines = raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        environ = {
            "REQUEST_METHOD": "POST",
            "RAW_URI": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        said: list[str] = []
        answer = b"".join(self._app(environ, lambda status, headers, exc_info=None: said.append(status)))
        return int(said[0].split()[0]), answer

    def pull(self, after: str | None = None) -> tuple[Mapping[str, Any], str, bytes]:
        """Return manifest, its digest, and the whole bundle."""
        status, bundle = self.ask("/pull", json.dumps({"after": after}).encode())
        assert 200 == status, bundle
        line = bundle[: bundle.index(b"\n") + 1]
        return json.loads(line), digest(line), bundle

    def acknowledge(
        self, line: bytes, key: SigningKey | None = None, namespace: Namespace = Namespace.ACK
    ) -> tuple[int, bytes]:
        """Send an acknowledgement, signed by the desk or by someone else."""
        return self.ask("/acknowledge", line + sign(line, key or self._office.desk, namespace).encode())
