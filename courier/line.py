# SPDX-License-Identifier: AGPL-3.0-or-later
"""The line to the gate: signed requests (FORMAT.md 10) to the addresses given, and to nothing else.

No redirect is followed, and no proxy or certificate setting of the environment is used.
"""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import httpx
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from http_message_signatures.resolvers import MappingKeyResolver

from courier.settings import Settings
from crypto.primitives import random_bytes
from crypto.signature import SigningKey
from intake.console import one_line
from intake.errors import Exit, UndersealError
from intake.limits import KIB
from intake.strictjson import JsonRefused, read_json

TAG = "underseal-courier"
COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
TIMEOUT_SECONDS = 60.0  # for one step of the network, not for a whole bundle: onions are slow
MAX_ANSWER_BYTES = 64 * KIB
PATIENCE_SECONDS = 120.0  # for what comes before the first byte of an answer, and before its rate counts
LEAST_BYTES_A_SECOND = 4 * KIB  # after that: a full bundle at this rate takes three days, and a dripping gate ends
_GATE_NAME = "http://gate"  # over a unix socket


class Unreachable(UndersealError):
    """the {} does not answer, or the line to it was cut: {}"""

    exit_code = Exit.NETWORK
    hint = "nothing is lost; the same command can be given again"


class GateClosed(UndersealError):
    """the gate refused this courier"""

    hint = "its key must stand in the key list in force, this clock must be right, and the gate must know its own name"


class GateRefused(UndersealError):
    """the portal refused: {}"""


class AnswerStrange(UndersealError):
    """the {} answered in a way that this version does not know"""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as the signing library fills it."""

    url: str
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)


class Line:
    """A courier's connection to one gate; use it in a `with` block."""

    def __init__(self, settings: Settings, key: SigningKey) -> None:
        self._key = key
        socket_path = settings.gate.removeprefix("unix:") if settings.gate.startswith("unix:") else None
        self._base = _GATE_NAME if socket_path else settings.gate
        self._client = open_client(settings.proxy, socket_path)
        self._watch = _Watch()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *reason: object) -> None:
        self._client.close()

    def ask(self, path: str, body: bytes = b"") -> dict[str, Any]:
        """Return the gate's JSON answer. Raises Unreachable, GateClosed, GateRefused, AnswerStrange."""
        with self._sent(path, body) as answer:
            try:
                value = read_json(_whole(answer), max_bytes=MAX_ANSWER_BYTES)
            except JsonRefused as error:
                raise AnswerStrange("gate") from error
        if not isinstance(value, dict):
            raise AnswerStrange("gate")
        return value

    @contextlib.contextmanager
    def stream(self, path: str, body: bytes) -> Iterator[BinaryIO]:
        """Yield the gate's answer as a file that is read while it arrives. Raises as `ask`."""
        with self._sent(path, body) as answer:
            yield cast(BinaryIO, io.BufferedReader(_Arriving(answer), 256 * KIB))

    @contextlib.contextmanager
    def _sent(self, path: str, body: bytes) -> Iterator[httpx.Response]:
        request = self._signed(path, body)
        extensions = {"trace": self._watch.note}
        try:
            with (
                self._watch.until_begun(len(body)) as begun,
                self._client.stream(
                    "POST", request.url, headers=request.headers, content=body, extensions=extensions
                ) as answer,
            ):
                begun()
                if answer.status_code == 403:
                    raise GateClosed
                if answer.status_code != 200:
                    raise GateRefused(one_line(_whole(answer).decode("utf-8", "replace").strip()))
                yield answer
        except httpx.HTTPError as error:
            raise Unreachable("gate", type(error).__name__) from error

    def _signed(self, path: str, body: bytes) -> _Request:
        request = _Request(self._base + path)
        name = self._key.public.fingerprint
        keys = MappingKeyResolver(public_keys={}, private_keys={name: self._key.private})
        HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
            request,
            key_id=name,
            nonce=random_bytes(16).hex(),
            label="courier",
            tag=TAG,
            covered_component_ids=COMPONENTS,
            body=body,
        )
        return request


class _Arriving(io.RawIOBase):
    """The bytes of an answer, as a file."""

    def __init__(self, answer: httpx.Response) -> None:
        self._parts = _timely(answer, "gate")
        self._rest = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as what has arrived reaches; 0 at the end."""
        if not self._rest:
            self._rest = next(self._parts, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def portal_health(settings: Settings) -> str:
    """Return the portal's word about its room. Raises Unreachable."""
    with open_client(settings.proxy, None) as client:
        answer, body = fetch(client, settings.portal + "/health", {}, MAX_ANSWER_BYTES)
    up, _, room = body.decode("utf-8", "replace").strip().partition("\nroom ")
    if answer.status_code != 200 or up != "up" or room not in ("plenty", "filling", "full", "closed"):
        raise AnswerStrange("portal")
    return room


def fetch(
    client: httpx.Client, address: str, headers: Mapping[str, str], max_bytes: int
) -> tuple[httpx.Response, bytes]:
    """Return a portal's answer to a GET, and its body as it came. Raises Unreachable, AnswerStrange for a longer."""
    watch = _Watch()
    extensions = {"trace": watch.note}
    try:
        with (
            watch.until_begun(0) as begun,
            client.stream("GET", address, headers=dict(headers), extensions=extensions) as answer,
        ):
            begun()
            return answer, _whole(answer, "portal", max_bytes)
    except httpx.HTTPError as error:
        raise Unreachable("portal", type(error).__name__) from error


def open_client(proxy: str | None, socket_path: str | None) -> httpx.Client:
    """Return a client that follows no redirect and takes nothing from the environment."""
    transport = httpx.HTTPTransport(uds=socket_path, trust_env=False) if socket_path else None
    return httpx.Client(
        transport=transport,
        proxy=None if socket_path else proxy,
        trust_env=False,
        follow_redirects=False,
        timeout=TIMEOUT_SECONDS,
        headers={"User-Agent": "underseal", "Accept-Encoding": "identity"},
    )


class _Watch:
    """Ends a connection whose answer has not begun in time: httpx limits one step only, and a drip is many steps."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    @contextlib.contextmanager
    def until_begun(self, body_bytes: int) -> Iterator[Callable[[], None]]:
        """Yield what is to be called once the answer to a body of that length has begun."""
        timer = threading.Timer(PATIENCE_SECONDS + body_bytes / LEAST_BYTES_A_SECOND, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield timer.cancel
        finally:
            timer.cancel()

    def note(self, event: str, facts: dict[str, Any]) -> None:
        """Remember the newest socket, of which httpx tells when it is connected."""
        tell = getattr(facts.get("return_value"), "get_extra_info", None)
        if tell is not None and event.endswith(
            ("connect_tcp.complete", "connect_unix_socket.complete", "tls.complete")
        ):
            self._socket = tell("socket")

    def _end(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _timely(answer: httpx.Response, whose: str) -> Iterator[bytes]:
    """Yield an answer's bytes as they arrive. Raises Unreachable for a line that drips."""
    began, count = time.monotonic(), 0
    for part in answer.iter_raw():
        count += len(part)
        if time.monotonic() - began > PATIENCE_SECONDS + count / LEAST_BYTES_A_SECOND:
            raise Unreachable(whose, "it is too slow")
        yield part


def _whole(answer: httpx.Response, whose: str = "gate", max_bytes: int = MAX_ANSWER_BYTES) -> bytes:
    body = b""
    for part in _timely(answer, whose):
        body += part
        if len(body) > max_bytes:
            raise AnswerStrange(whose)
    return body
