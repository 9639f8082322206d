# SPDX-License-Identifier: AGPL-3.0-or-later
"""Visits that leave marks wherever a visitor can leave one: good letters, broken, slow and cut ones, and worse."""

import contextlib
import http.client
import json
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hostkit import DOMAIN, NAMES, Host, answer, request
from portalkit import PortalOffice
from tracekit import Marks

from crypto.envelope import LETTER_BYTES, seal

TELLING = ("User-Agent", "Referer", "Cookie", "Accept-Language", "X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")
SIDES = ("onion", "clearnet", "http")


@dataclass(frozen=True, slots=True)
class Visitors:
    """Whoever comes to a host, from marked addresses.

    marks  stand in every header that tells of a visitor, and in the words of letters: what must never reach the portal
    shown  stand in what the portal is asked and sent openly: paths, names, and bodies that are no letters
    """

    host: Host
    office: PortalOffice
    marks: Marks
    shown: Marks = field(default_factory=lambda: Marks(addresses=()))
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def connect(self, side: str) -> socket.socket:
        """Return a line to one side, from a marked address where the side knows addresses."""
        if side == "onion":
            return self.host.connect(side)
        source = (self.chance.choice(self.marks.addresses), 0)
        place = ("127.0.0.1", self.host.https if side == "clearnet" else self.host.http)
        line = socket.create_connection(place, 30, source)
        return self.host.tls.wrap_socket(line, server_hostname=DOMAIN) if side == "clearnet" else line

    def headers(self) -> dict[str, str]:
        """Return every header that tells of a visitor, marked."""
        told = {name: self.marks.word(name.lower().replace("-", "_")) for name in TELLING}
        address = self.chance.choice(self.marks.addresses)
        return {**told, "X-Forwarded-For": f"{address}, {told['X-Forwarded-For']}", "Forwarded": f"for={address}"}

    def letter(self) -> bytes:
        """Return a letter whose words are marked, sealed as the page seals."""
        words = json.dumps({"text": self.marks.word("sealed")}).encode()
        return seal(words.ljust(LETTER_BYTES), self.office.key_list.weeks[0].recipients)

    def send(self, side: str, data: bytes) -> int:
        """Return the status of the answer to these bytes; 0 where none came."""
        with contextlib.suppress(OSError, http.client.HTTPException), self.connect(side) as line:
            line.sendall(data)
            return answer(line).status
        return 0

    def ask(self, side: str, method: str, path: str, body: bytes | None = None, **more: str) -> int:
        """Send one marked request."""
        return self.send(side, request(method, path, body, **{"Host": NAMES[side], **self.headers(), **more}))

    def post(self, side: str, body: bytes, **more: str) -> int:
        """Send a marked letter, or what is none."""
        return self.ask(side, "POST", "/envelopes", body, Content_Type="application/octet-stream", **more)

    def cut(self, side: str, at: float) -> int:
        """Send a letter that ends in the middle, and hang up."""
        whole = request("POST", "/envelopes", self.letter(), Host=NAMES[side], **self.headers())
        with contextlib.suppress(OSError), self.connect(side) as line:
            line.sendall(whole[: int(len(whole) * at)])
        return 0

    def begin(self, side: str) -> socket.socket:
        """Send the first half of a letter, and return the line on which the rest is waited for.

        A host that has just broken may hang up on a first try or two.
        """
        whole = request("POST", "/envelopes", self.letter(), Host=NAMES[side], **self.headers())
        for _ in range(20):
            with contextlib.suppress(OSError):
                line = self.connect(side)
                line.sendall(whole[: len(whole) // 2])
                return line
            time.sleep(0.5)
        raise AssertionError(f"no line to {side}")

    def visit(self, number: int) -> tuple[str, int]:
        """Make one visit of the kind whose turn it is; return kind and status."""
        side = SIDES[number % 2]
        junk = self.shown.word("junk").encode()
        letter_bytes = 21_157
        kinds: dict[str, Callable[[], int]] = {
            "letter": lambda: self.post(side, self.letter()),
            "page": lambda: self.ask(side, "GET", "/", Accept_Encoding="br"),
            "keys": lambda: self.ask(side, "GET", f"/keys.txt?{self.shown.word('query')}"),
            "plaintext": lambda: self.post(side, junk.ljust(letter_bytes)),
            "nearly": lambda: self.post(side, self.letter()[:-200].ljust(letter_bytes, b"x")),
            "short": lambda: self.post(side, junk),
            "oversize": lambda: self.post(side, junk * 9_000),
            "wrong type": lambda: self.ask(side, "POST", "/envelopes", junk, Content_Type="text/plain"),
            "wrong method": lambda: self.ask(side, "PUT", "/envelopes", junk),
            "nothing there": lambda: self.ask(side, "GET", f"/{self.shown.word('path')}?{self.shown.word('query')}"),
            "wrong name": lambda: self.ask(side, "GET", "/", Host=f"{self.shown.word('name').lower()}.example"),
            "other site": lambda: self.post(side, self.letter(), Origin=f"https://{self.shown.word('origin')}.example"),
            "cut": lambda: self.cut(side, self.chance.random()),
            "broken": lambda: self.send(side, junk + b"\r\n\r\n"),
            "long": lambda: self.ask(side, "GET", "/", Cookie=self.marks.word("cookie") * 400),
            "plain http": lambda: self.ask("http", "GET", f"/?{self.shown.word('query')}"),
        }
        name = list(kinds)[number // 2 % len(kinds)]
        return name, kinds[name]()
