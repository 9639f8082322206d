# SPDX-License-Identifier: AGPL-3.0-or-later
"""A proxy that leads nowhere: it notes what a browser asks of the world, and refuses it."""

import socketserver
import threading


class _Refuse(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline(4096)
        if line:
            self.server.asked.append(line.decode("latin-1").strip())  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Nowhere:
    """A loopback port; `asked` holds the first line of each request."""

    def __init__(self) -> None:
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refuse)
        self._server.daemon_threads = True
        self.asked: list[str] = []
        self._server.asked = self.asked  # type: ignore[attr-defined]
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
