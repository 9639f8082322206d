# SPDX-License-Identifier: AGPL-3.0-or-later
"""The age header: one linear pass over untrusted bytes, before any key is tried (C2SP age.md; FORMAT.md 2.2).

The grammar is age's own, so that the age test vectors run through it; what Underseal narrows stands in envelope.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from crypto.base64text import decode_nopad, encode_nopad
from crypto.errors import Malformed

VERSION_LINE = b"age-encryption.org/v1\n"
MAX_HEADER_BYTES = 16_384  # readers of age headers are quadratic elsewhere; ours never sees more than this
_ARGUMENT = re.compile(rb"[\x21-\x7e]+")
_COLUMNS = 64  # base64 columns of a full body line, 48 bytes


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient stanza: `type` and `args` from its first line, `body` decoded."""

    type: str
    args: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header. `signed` is what the MAC covers; `length` counts through the last line's LF."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    signed: bytes
    length: int


def parse_header(data: bytes, check: Callable[[Stanza], None] = lambda stanza: None) -> Header:
    """Return the header at the start of `data`; nothing past MAX_HEADER_BYTES is looked at.

    check  is called with each stanza as it is read, and may refuse it by raising
    Raises Malformed with the fault that is met first.
    """
    if not data.startswith(VERSION_LINE):
        raise Malformed("version", "the file is not an age file of version 1")
    lines = _Lines(data, len(VERSION_LINE))
    stanzas = []
    while True:
        line = lines.next()
        if line.startswith(b"---"):
            break
        stanza = _parse_stanza(line, lines)
        check(stanza)
        stanzas.append(stanza)
    if not stanzas:
        raise Malformed("stanza", "the header has no stanza")
    return Header(tuple(stanzas), _parse_mac(line), data[: lines.at - len(line) + 2], lines.at)


def write_header(stanzas: tuple[Stanza, ...]) -> bytes:
    """Return the header through `---`, the bytes that the MAC covers."""
    out = [VERSION_LINE]
    for stanza in stanzas:
        out.append(" ".join(("->", stanza.type, *stanza.args)).encode("ascii") + b"\n")
        text = encode_nopad(stanza.body).encode("ascii")
        lines = [text[i : i + _COLUMNS] for i in range(0, len(text), _COLUMNS)]
        if not lines or len(lines[-1]) == _COLUMNS:
            lines.append(b"")  # the last line is always a short one
        out += [line + b"\n" for line in lines]
    return b"".join(out) + b"---"


class _Lines:
    """A cursor over LF-ended lines that stops at the header limit."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data[:MAX_HEADER_BYTES]
        self.at = at

    def next(self) -> bytes:
        end = self._data.find(b"\n", self.at)
        if end < 0:
            raise Malformed("header-size", "the header does not end within 16 KiB, or is cut short")
        line, self.at = self._data[self.at : end], end + 1
        return line


def _parse_stanza(line: bytes, lines: _Lines) -> Stanza:
    words = line.split(b" ")
    if words[0] != b"->" or len(words) < 2 or not all(_ARGUMENT.fullmatch(word) for word in words[1:]):
        raise Malformed("stanza", "a stanza's first line is not of the form age writes")
    body = []
    while True:
        text = lines.next()
        if len(text) > _COLUMNS:
            raise Malformed("stanza", "a stanza's line is too long")
        try:
            body.append(decode_nopad(text.decode("ascii")))
        except ValueError as error:
            raise Malformed("stanza", "a stanza's body is not canonical base64") from error
        if len(text) < _COLUMNS:
            break
    kind, *args = (word.decode("ascii") for word in words[1:])
    return Stanza(kind, tuple(args), b"".join(body))


def _parse_mac(line: bytes) -> bytes:
    try:
        mac = decode_nopad(line.removeprefix(b"--- ").decode("ascii")) if line.startswith(b"--- ") else b""
    except ValueError:
        mac = b""
    if len(mac) != 32:
        raise Malformed("mac", "the header's last line is not a MAC")
    return mac
