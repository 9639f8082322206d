# SPDX-License-Identifier: AGPL-3.0-or-later
"""The line to the gate: signed requests (FORMAT.md 10) to the addresses given, and to nothing else.

No redirect is followed, and no proxy or certificate setting of the environment is used.
"""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import httpx
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from http_message_signatures.resolvers import MappingKeyResolver

from courier.settings import Settings
from crypto.primitives import random_bytes
from crypto.signature import SigningKey
from intake.errors import Exit, UndersealError
from intake.limits import KIB
from intake.strictjson import JsonRefused, read_json

TAG = "underseal-courier"
COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
TIMEOUT_SECONDS = 60.0  # for one step of the network, not for a whole bundle: onions are slow
MAX_ANSWER_BYTES = 64 * KIB
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
    """the gate answered in a way that this version does not know"""


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
        self._client = _client(settings.proxy, socket_path)

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
                raise AnswerStrange from error
        if not isinstance(value, dict):
            raise AnswerStrange
        return value

    @contextlib.contextmanager
    def stream(self, path: str, body: bytes) -> Iterator[BinaryIO]:
        """Yield the gate's answer as a file that is read while it arrives. Raises as `ask`."""
        with self._sent(path, body) as answer:
            yield cast(BinaryIO, io.BufferedReader(_Arriving(answer), 256 * KIB))

    @contextlib.contextmanager
    def _sent(self, path: str, body: bytes) -> Iterator[httpx.Response]:
        request = self._signed(path, body)
        try:
            with self._client.stream("POST", request.url, headers=request.headers, content=body) as answer:
                if answer.status_code == 403:
                    raise GateClosed
                if answer.status_code != 200:
                    raise GateRefused(_whole(answer).decode("utf-8", "replace").strip())
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
        self._parts = answer.iter_raw()
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
    try:
        with _client(settings.proxy, None) as client, client.stream("GET", settings.portal + "/health") as answer:
            text = _whole(answer).decode("utf-8", "replace")
    except httpx.HTTPError as error:
        raise Unreachable("portal", type(error).__name__) from error
    up, _, room = text.strip().partition("\nroom ")
    if answer.status_code != 200 or up != "up" or room not in ("plenty", "low", "none"):
        raise AnswerStrange
    return room


def _client(proxy: str | None, socket_path: str | None) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=socket_path, trust_env=False) if socket_path else None
    return httpx.Client(
        transport=transport,
        proxy=None if socket_path else proxy,
        trust_env=False,
        follow_redirects=False,
        timeout=TIMEOUT_SECONDS,
        headers={"User-Agent": "underseal", "Accept-Encoding": "identity"},
    )


def _whole(answer: httpx.Response) -> bytes:
    body = b""
    for part in answer.iter_raw():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerStrange
    return body
