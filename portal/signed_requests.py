# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who asks at the gate: HTTP Message Signatures (RFC 9421) by a courier key, as FORMAT.md 10 wants them.

Exactly one signature, over exactly the named components, with exactly the named parameters: more is refused like less.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from http_message_signatures import HTTPMessageVerifier, InvalidSignature
from http_message_signatures.algorithms import ED25519
from http_message_signatures.digests import ContentDigest
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_message_signatures.resolvers import MappingKeyResolver

from crypto.signature import PublicKey
from intake.limits import REQUEST_FRESH_SECONDS

TAG = "underseal-courier"
COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
_COVERED = {f'"{component}"' for component in (*COMPONENTS, "@signature-params")}
_PARAMETERS = {"created", "keyid", "alg", "nonce", "tag"}
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)


class RequestRefused(Exception):
    """The request is not one a courier of this office signed, for this gate, now."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a courier signed: a nonce, when, and the digest of a body still to be read."""

    nonce: str
    created: int
    content_digest: str


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as the library looks at it."""

    method: str
    url: str
    headers: Mapping[str, str]


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = timedelta(seconds=REQUEST_FRESH_SECONDS)  # both ways, with a max_age of nothing


def verify_request(environ: Mapping[str, Any], couriers: Iterable[PublicKey], hosts: Iterable[str]) -> Signed:
    """Return what was signed. The body is not read: compare it with `check_body`. Raises RequestRefused."""
    keys = {courier.fingerprint: courier.public for courier in couriers}
    verifier = _Verifier(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={})
    )
    try:
        results = verifier.verify(_message(environ, hosts), max_age=timedelta(0), require_components=COMPONENTS)
    except (HTTPMessageSignaturesException, ValueError, KeyError) as error:
        raise RequestRefused from error
    if len(results) != 1:
        raise RequestRefused
    covered, parameters = results[0].covered_components, results[0].parameters
    if set(covered) != _COVERED or set(parameters) != _PARAMETERS or parameters["tag"] != TAG:
        raise RequestRefused
    nonce, created = parameters["nonce"], parameters["created"]
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce) or not isinstance(created, int):
        raise RequestRefused
    return Signed(nonce, created, covered['"content-digest"'])


def check_body(signed: Signed, body: bytes) -> None:
    """Return if the body is the one that was signed. Raises RequestRefused."""
    try:
        ContentDigest.verify(signed.content_digest, body)
    except InvalidSignature as error:
        raise RequestRefused from error


def _message(environ: Mapping[str, Any], hosts: Iterable[str]) -> _Message:
    """Return the request as it came over the wire, if it came for this gate."""
    host, target = str(environ.get("HTTP_HOST", "")), str(environ.get("RAW_URI", ""))
    named = _HOST.fullmatch(host)  # nothing else: in `gate:x@other` a reader of URLs sees the host `other`
    if named is None or named[1] not in hosts or not target.startswith("/"):
        raise RequestRefused
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return _Message(str(environ["REQUEST_METHOD"]), f"http://{host}{target}", headers)
