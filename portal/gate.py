# SPDX-License-Identifier: AGPL-3.0-or-later
"""The courier's gate: pulls, acknowledgements, key lists and pages, on a socket of its own (FORMAT.md 10).

Whatever is not signed by a courier gets one refusal, the same bytes for every reason.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError
from crypto.handedon import Roots
from crypto.keylist import MAX_LIST_BYTES
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, SigningKey, sign, verify
from intake import files
from intake.acknowledgement import Acknowledgement, AcknowledgementRefused, read_acknowledgement
from intake.bundle import Manifest, write_manifest
from intake.errors import UndersealError
from intake.limits import ACKNOWLEDGEMENT_MAX_BYTES, BUNDLE_MAX_ENVELOPES, KIB
from intake.packing import gunzipped
from intake.signedpage import MAX_PAGE_BYTES, PageUntrusted, read_page
from intake.statements import MAX_KEPT_BYTES
from intake.strictjson import JsonRefused, read_json
from portal.app import utc_today
from portal.config import Config, load_portal_key
from portal.headers import HeaderLayer
from portal.publishing import (
    PLAIN_TEXT,
    ListRefused,
    Lists,
    StatementRefused,
    roots_of,
    take_list,
    take_page,
    take_statements,
)
from portal.room import Ballast
from portal.shelf import EnvelopeDamaged, MadeManifest, Shelf, Writing
from portal.signed_requests import RequestRefused, check_body, verify_request
from portal.store import CommitUnsettled

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SIGNATURE_START = b"-----BEGIN SSH SIGNATURE-----\n"
_FORBIDDEN = b"The gate opens for a courier of this office only.\n"
_FAILED = b"Something failed at the portal.\n"
_NOT_STORED = b"The portal's storage does not answer; nothing was changed.\n"
_UNSETTLED = b"The portal cannot say yet whether that was stored; please ask again.\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate answers."""

    status: int
    type: str
    length: int
    body: Iterable[bytes]


class Refused(Exception):
    """A courier's request that is well signed and cannot be carried out: one sentence."""


class Gate:
    """The WSGI app behind the header layer."""

    def __init__(self, config: Config, today: Callable[[], date]) -> None:
        self._config = config
        self._today = today
        self._key: SigningKey = load_portal_key(config.directory)
        os.environ["SQLITE_TMPDIR"] = str(config.directory)  # what waits is copied beside the shelf and nowhere else
        self._shelf = Shelf(config.shelf_url)
        self._shelf.open()
        self._ballast = Ballast(config)
        self._lists = Lists(self._shelf, config.office.root, config.office.floor)
        self._routes: dict[str, tuple[int, Callable[[bytes], Answer]]] = {
            "/status": (0, self._status),
            "/pull": (KIB, self._pull),
            "/acknowledge": (ACKNOWLEDGEMENT_MAX_BYTES + SIGNATURE_CHARACTERS, self._acknowledge),
            "/keys": (MAX_LIST_BYTES + SIGNATURE_CHARACTERS, self._keys),
            "/page": (MAX_PAGE_BYTES, self._page),
            "/handed-on": (MAX_KEPT_BYTES, self._handed_on),
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer = self._answer(environ)
        status = HTTPStatus(answer.status)
        headers = [("Content-Type", answer.type), ("Content-Length", str(answer.length))]
        start_response(f"{status.value} {status.phrase}", headers)
        return answer.body

    def _answer(self, environ: "WSGIEnvironment") -> Answer:
        try:
            return self._serve(environ)
        except RequestRefused:
            return _whole(403, PLAIN_TEXT, _FORBIDDEN)
        except Refused as error:
            return _whole(422, PLAIN_TEXT, f"{error}\n".encode())
        except (SQLAlchemyError, files.NotStored) as error:
            _log(error)
            return _whole(503, PLAIN_TEXT, _NOT_STORED)
        except CommitUnsettled as error:
            _log(error)
            return _whole(503, PLAIN_TEXT, _UNSETTLED)
        except Exception as error:
            _log(error)
            return _whole(500, PLAIN_TEXT, _FAILED)

    def _serve(self, environ: "WSGIEnvironment") -> Answer:
        """Answer a request that is signed, fresh, whole and new. Raises RequestRefused.

        The order matters: no body is read for a stranger, and no nonce is used up by a request that was not signed.
        """
        key_list = self._lists.trusted(self._today())
        if key_list is None:
            raise RequestRefused
        signed = verify_request(environ, key_list.couriers, self._config.gate_hosts)
        max_bytes, act = self._routes.get(environ["RAW_URI"], (0, None))
        if act is None or environ["REQUEST_METHOD"] != "POST":
            raise RequestRefused
        body = _read_body(environ, max_bytes)
        check_body(signed, body)
        with self._ballast.lent():  # a full disk does not even take the nonce
            if not self._shelf.use_nonce(signed.nonce, self._today()):
                raise RequestRefused
            return act(body)

    def _status(self, _body: bytes) -> Answer:
        waiting, oldest = self._shelf.waiting()
        last = self._shelf.last_manifest()
        return _json(
            {
                "waiting": waiting,
                "damaged": self._shelf.damaged(),
                "oldest_day": None if oldest is None else str(oldest),
                "last_pull": None if last is None else last.pull,
                "last_pull_day": None if last is None else str(last.day),
                "lists": [
                    {"sequence": sequence, "first": str(first), "last": str(end)}
                    for sequence, first, end in self._shelf.list_days()
                ],
            }
        )

    def _pull(self, body: bytes) -> Answer:
        after = _after(body)
        with self._shelf.begin() as writing:
            again = _unseen(writing, after)
        if again is None:
            self._tidy()
        made = again or self._manifest(after)
        line, signature = made.line or b"", (made.signature or "").encode("ascii")
        envelopes = _envelopes(line)
        length = len(line) + len(signature) + sum(size for _, size in envelopes)
        return Answer(200, "application/octet-stream", length, self._bundle(line, signature, envelopes))

    def _bundle(self, line: bytes, signature: bytes, envelopes: list[tuple[str, int]]) -> Iterable[bytes]:
        yield line
        yield signature
        try:
            yield from self._shelf.bodies([name for name, _ in envelopes])
        except EnvelopeDamaged as error:
            sys.stderr.write(f"portal: the envelope {error.digest} is damaged and was set aside\n")
            raise

    def _manifest(self, after: str | None) -> MadeManifest:
        """Return a new manifest of what waits, or one that another pull has made since the shelf was tidied."""
        desk, today = self._desk_fingerprint(), self._today()
        with self._shelf.begin() as writing:
            if (again := _unseen(writing, after)) is not None:
                return again
            last, waiting = writing.last_manifest(), writing.digests()
            manifest = Manifest(
                portal=self._key.public.fingerprint,
                desk=desk,
                pull=1 if last is None else last.pull + 1,
                previous=None if last is None else last.digest,
                pulled=today,
                envelopes=tuple(waiting[:BUNDLE_MAX_ENVELOPES]),
            )
            line = write_manifest(manifest)
            signature = sign(line, self._key, Namespace.BUNDLE)
            made = MadeManifest(manifest.pull, digest(line), manifest.previous, today, line, signature)
            writing.keep_manifest(made)
        return made

    def _acknowledge(self, body: bytes) -> Answer:
        line, signature = _split(body)
        key_list = self._lists.trusted(self._today())
        try:
            if key_list is None:
                raise Refused("the portal holds no key list")
            verify(line, signature, key_list.desk, Namespace.ACK)
            held = read_acknowledgement(line)
        except CryptoError as error:
            raise Refused("the acknowledgement is not signed by this office's desk; nothing was deleted") from error
        except AcknowledgementRefused as error:
            raise Refused("the acknowledgement is not written as this version reads it; nothing was deleted") from error
        if held.portal != self._key.public.fingerprint or held.desk != key_list.desk.fingerprint:
            raise Refused("the acknowledgement is for another portal or desk; nothing was deleted")
        if self._shelf.made(held.pull, held.manifest):
            self._shelf.note_acknowledged(held.pull)
        elif not self._go_on_from(held):
            raise Refused("the acknowledgement names a bundle that this portal did not make; nothing was deleted")
        deleted = self._shelf.remove(held.digests)
        if deleted or self._shelf.has_gaps():
            self._tidy()
        return _json({"deleted": deleted, "unknown": len(held.digests) - deleted})

    def _go_on_from(self, held: Acknowledgement) -> bool:
        """Let a shelf that begins anew go on from what the desk holds, so that its chain of bundles is not a fork.

        Only while the desk holds no bundle of this shelf, and never backwards. The desk's signature says where its
        chain ends. Bundles that the shelf has made meanwhile are made anew after it: their letters are all still here.
        """
        with self._shelf.begin() as writing:
            last = writing.last_manifest()
            if last is not None and (last.pull >= held.pull or writing.any_acknowledged()):
                return False
            if writing.knows(held.manifest):
                return False
            writing.keep_manifest(MadeManifest(held.pull, held.manifest, None, self._today(), None, None))
        return True

    def _tidy(self) -> None:
        """Give up what deletions left, and with it the order in which the letters came since the last time.

        While letters wait for their turn. Where it fails, as on a full disk, the next occasion does it: what was
        deleted is overwritten already.
        """
        try:
            with files.locked(self._config.turn_file, wait=True):
                self._shelf.vacuum()
        except (SQLAlchemyError, sqlite3.Error, CommitUnsettled, UndersealError) as error:
            _log(error)

    def _keys(self, body: bytes) -> Answer:
        text, signature = _split(body)
        try:
            key_list = take_list(self._shelf, text, signature, self._roots(), self._config.office.floor)
        except ListRefused as error:
            raise Refused(str(error)) from error
        return _json({"sequence": key_list.sequence})

    def _page(self, body: bytes) -> Answer:
        try:
            page = read_page(gunzipped(body, MAX_PAGE_BYTES) or b"", self._roots().now)
            take_page(self._shelf, self._config.office, page, self._today())
        except PageUntrusted as error:
            raise Refused(str(error)) from error
        return _json({"page": page.number})

    def _handed_on(self, body: bytes) -> Answer:
        try:
            roots = take_statements(self._shelf, self._config.office, body)
        except StatementRefused as error:
            raise Refused(str(error)) from error
        return _json({"root": roots.now.fingerprint})

    def _roots(self) -> Roots:
        return roots_of(self._shelf, self._config.office.root)

    def _desk_fingerprint(self) -> str:
        key_list = self._lists.trusted(self._today())
        if key_list is None:
            raise Refused("the portal holds no key list")
        return key_list.desk.fingerprint


def create_gate(config: Config, today: Callable[[], date] = utc_today) -> "WSGIApplication":
    """Return the gate. Raises SettingRefused if the portal's key cannot be used."""
    return HeaderLayer(Gate(config, today), config)


def _unseen(writing: Writing, after: str | None) -> MadeManifest | None:
    """Return the last manifest if the courier does not hold it yet: a pull cut by the network leaves no gap.

    Only while the desk has not acknowledged it and all its envelopes are on the shelf.
    """
    last = writing.last_manifest()
    if last is None or last.line is None or last.signature is None or after != last.previous:
        return None
    return last if set(_envelopes(last.line)) <= set(writing.digests()) else None


def _read_body(environ: "WSGIEnvironment", max_bytes: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdigit() and len(length) <= 9):
        raise RequestRefused
    if int(length) > max_bytes:
        raise RequestRefused
    body: bytes = environ["wsgi.input"].read(int(length))
    if len(body) != int(length):
        raise RequestRefused
    return body


def _after(body: bytes) -> str | None:
    try:
        value = read_json(body, max_bytes=KIB)
    except JsonRefused as error:
        raise Refused("the pull does not say which manifest the courier holds") from error
    if not isinstance(value, dict) or value.keys() != {"after"} or not isinstance(value["after"], str | None):
        raise Refused("the pull does not say which manifest the courier holds")
    after: str | None = value["after"]
    return after


def _split(body: bytes) -> tuple[bytes, str]:
    """Return what was signed, and the armored signature that follows it."""
    start = body.rfind(_SIGNATURE_START)
    if start < 0:
        raise Refused("there is no signature")
    return body[:start], body[start:].decode("latin-1")


def _envelopes(line: bytes) -> list[tuple[str, int]]:
    return [(name, size) for name, size in json.loads(line)["envelopes"]]


def _json(value: object) -> Answer:
    return _whole(200, "application/json", (json.dumps(value) + "\n").encode("ascii"))


def _whole(status: int, content_type: str, body: bytes) -> Answer:
    return Answer(status, content_type, len(body), [body])


def _log(error: Exception) -> None:
    sys.stderr.write(f"portal: {type(error).__name__} at the gate\n")
