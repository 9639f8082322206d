# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks for a word in everything that a browser left on its disk."""

import gzip
import http.server
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOZLZ4 = b"mozLz40\0"  # Firefox's session files: this, four bytes of length, one LZ4 block
# A page that takes none of our precautions: what a browser writes down of it shows that the search can find it.
CARELESS = b"<!doctype html><title>careless</title><textarea id=text></textarea>"


def traces(folder: Path, word: str) -> list[str]:
    """Return the files below a folder whose name or content holds the word: as UTF-8, as UTF-16, or packed."""
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if word in p.name or p.is_file() and holds(p, word)
    )


def holds(path: Path, word: str) -> bool:
    """Return whether a file holds the word."""
    needles = word.encode("utf-8"), word.encode("utf-16-le")
    return any(needle in data for data in forms(path.read_bytes()) for needle in needles)


def forms(data: bytes) -> Iterator[bytes]:
    """Yield the bytes, and what they are when unpacked."""
    yield data
    if data.startswith(MOZLZ4):
        yield unpack_lz4(data[len(MOZLZ4) + 4 :])
    if data.startswith(b"\x1f\x8b"):
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return


def unpack_lz4(block: bytes) -> bytes:
    """Return what an LZ4 block holds."""
    out, at = bytearray(), 0
    while at < len(block):
        token, at = block[at], at + 1
        count, at = length(block, at, token >> 4)
        out += block[at : at + count]
        at += count
        if at >= len(block):
            break
        back, at = int.from_bytes(block[at : at + 2], "little"), at + 2
        count, at = length(block, at, token & 15)
        for _ in range(count + 4):
            out.append(out[-back])
    return bytes(out)


def length(block: bytes, at: int, count: int) -> tuple[int, int]:
    """Return an LZ4 length that begins in a token and goes on at an offset, and the offset after it."""
    more = 255 if count == 15 else 0
    while more == 255:
        more, at = block[at], at + 1
        count += more
    return count, at


class _Careless(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(CARELESS)))
        self.end_headers()
        self.wfile.write(CARELESS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def careless_page() -> Iterator[str]:
    """Serve a page without precautions; yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Careless)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
