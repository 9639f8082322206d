# SPDX-License-Identifier: AGPL-3.0-or-later
"""The officer's side: the page and its files, the key list, and the slot for sealed letters.

There is no session, no cookie and no secret. A request leaves no line in any log.
"""

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, request
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import BaseConverter

from crypto.envelope import LETTER_BYTES, PART_BYTES, check_envelope, envelope_bytes
from crypto.errors import Malformed
from crypto.primitives import sha256
from intake.limits import MIB
from portal.config import Config, SettingRefused
from portal.counter import Counter, NotTaken, Uncertain
from portal.gauge import answers, measured
from portal.headers import HeaderLayer
from portal.publishing import PLAIN_TEXT, Lists, Pages
from portal.room import RETRY_AFTER_SECONDS, Gauge, Word
from portal.shelf import Letter, Shelf

OCTETS = "application/octet-stream"
KIT = "/kit.html"
NOTHING_STORED = "Nothing was stored."
_SENTENCES = {
    400: f"The request could not be understood. {NOTHING_STORED}",
    403: f"Letters are taken from this portal's own page only. {NOTHING_STORED}",
    404: "There is nothing here.",
    405: "This address does not answer that kind of request.",
    411: f"The length of the letter must be said beforehand. {NOTHING_STORED}",
    413: f"That is larger than a letter. {NOTHING_STORED}",
    415: f"Only sealed letters are taken, as application/octet-stream. {NOTHING_STORED}",
    421: "This portal does not answer under that name.",
    422: f"This is not a sealed letter of the exact size and shape. {NOTHING_STORED}",
    500: f"Something failed at the portal. {NOTHING_STORED}",
    503: f"{NOTHING_STORED} The portal cannot take letters at the moment; please send it again later.",
}
_UNCERTAIN = "The portal cannot say yet whether the letter is stored; please send it again."
_NO_LIST = "There is no key list for today."


class Refusal(Exception):
    """Ends a request with a status and its sentence."""

    def __init__(self, status: int, sentence: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after
        self.sentence = sentence or _SENTENCES[status]


class NoSession(SessionInterface):
    """There is no session: anything that wants to write one fails."""

    def open_session(self, app: Flask, request: Any) -> SessionMixin | None:
        """Return None."""
        return None


class PageFile(BaseConverter):
    """What a file of the page can be called. Which of them there are is known once the page is read."""

    regex = r"SHA256SUMS(?:\.sig)?|[A-Za-z0-9][A-Za-z0-9._-]*\.(?:html|js|css|svg)"


@dataclass(frozen=True, slots=True)
class Portal:
    """What the views work with."""

    config: Config
    shelf: Shelf
    counter: Counter
    lists: Lists
    pages: Pages
    gauge: Gauge
    today: Callable[[], date]


def utc_today() -> date:
    """Return the UTC day."""
    return datetime.now(UTC).date()


def create_app(config: Config, today: Callable[[], date] = utc_today) -> Flask:
    """Return the officer's side. Raises SettingRefused for debug switches, PageUntrusted for a page not as signed."""
    shelf = Shelf(config.shelf_url)
    shelf.open()
    pages = Pages(shelf, config.office.root)
    app = Flask("underseal-portal", static_folder=None, template_folder=None)
    app.config.update(
        TRUSTED_HOSTS=list(config.hosts),
        MAX_CONTENT_LENGTH=MIB,  # a second lock: the view compares the length before it reads
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    if app.debug or app.testing or app.config["PROPAGATE_EXCEPTIONS"]:
        raise SettingRefused("debug", "the portal has no debug mode")
    app.session_interface = NoSession()
    app.url_map.merge_slashes = False
    lists = Lists(shelf, config.office.root, config.office.floor)
    counter = Counter(shelf, config.turn_file, today)
    reached = (lambda: True) if config.store is None else (lambda: answers(shelf))
    gauge = Gauge(lambda: measured(config, shelf), answers=reached)
    app.extensions["underseal"] = Portal(config, shelf, counter, lists, pages, gauge, today)
    app.before_request(_check_name)
    app.url_map.converters["page_file"] = PageFile
    app.register_blueprint(officer)
    app.register_error_handler(Exception, refuse)
    app.wsgi_app = HeaderLayer(app.wsgi_app, config)  # type: ignore[method-assign]
    return app


officer = Blueprint("officer", __name__)


@officer.get("/")
@officer.get("/<page_file:name>")
def show_file(name: str = "") -> Response:
    """Answer with a file of the page, the same bytes for everyone, compressed beforehand where the browser takes it."""
    path = f"/{name}"
    file = _portal().pages.find(path)
    if file is None:
        raise Refusal(404)
    accepted = request.accept_encodings
    for coding, body in file.compressed.items():
        if accepted[coding] > 0:
            answer = _answer(body, file.type)
            answer.headers["Content-Encoding"] = coding
            break
    else:
        answer = _answer(file.body, file.type)
    answer.headers["Vary"] = "Accept-Encoding"
    if path == KIT:
        answer.headers["Content-Disposition"] = "attachment"  # a file to keep: this origin's policy lets it do nothing
    return answer


@officer.get("/keys.txt")
def show_list() -> Response:
    """Answer with the key list in force, byte for byte as the root signed it."""
    held = _portal().shelf.list_for(_portal().today())
    if held is None:
        raise Refusal(503, _NO_LIST)
    packed = request.accept_encodings["gzip"] > 0
    answer = _answer(_packed(held.text) if packed else held.text, PLAIN_TEXT)
    answer.headers["Vary"] = "Accept-Encoding"
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


@lru_cache(maxsize=2)
def _packed(text: bytes) -> bytes:
    """Return a key list as gzip: recipients are 32 letters at random: short matches only cost."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31, strategy=zlib.Z_FILTERED)  # 31: with gzip's header
    return packer.compress(text) + packer.flush()


@officer.get("/keys.txt.sig")
def show_list_signature() -> Response:
    """Answer with the root's signature over the key list in force."""
    held = _portal().shelf.list_for(_portal().today())
    if held is None:
        raise Refusal(503, _NO_LIST)
    return _answer(held.signature.encode("ascii"), PLAIN_TEXT)


@officer.get("/health")
def show_health() -> Response:
    """Answer that the portal is up, and how much room there is, as a word."""
    return _answer(f"up\nroom {_portal().gauge.word()}\n".encode("ascii"), PLAIN_TEXT)


@officer.post("/envelopes")
def take_letter() -> Response:
    """Take one sealed letter: 201 and its digest once it is on stable storage, the same for the same bytes again."""
    _check_sender()
    _check_head()
    portal = _portal()
    key_list = portal.lists.in_force(portal.today())
    if key_list is None:
        raise Refusal(503)
    size = envelope_bytes(LETTER_BYTES, key_list.slots)
    _check_length(size, envelope_bytes(PART_BYTES, key_list.slots))
    if portal.gauge.word() >= Word.FULL:
        raise Refusal(503, retry_after=RETRY_AFTER_SECONDS)
    body = request.stream.read(size)
    if len(body) != size:
        raise Refusal(400)
    try:
        check_envelope(body, key_list.slots)
    except Malformed as error:
        raise Refusal(422) from error
    digest = sha256(body)
    try:
        portal.counter.take(Letter(digest, "letter", body))
    except NotTaken as error:
        raise Refusal(503) from error
    except Uncertain as error:
        raise Refusal(503, _UNCERTAIN) from error
    return _answer(f"{digest.hex()}\n".encode("ascii"), PLAIN_TEXT, 201)


def refuse(error: Exception) -> Response:
    """Answer any failure with its sentence. Only what nobody foresaw is logged: its type and the route, no more."""
    allow = after = None
    if isinstance(error, Refusal):
        after = error.retry_after
        status, sentence = error.status, error.sentence
    elif isinstance(error, SQLAlchemyError):
        status, sentence = 503, _SENTENCES[503]
        _log(error)
    elif isinstance(error, HTTPException):
        status = 421 if isinstance(error, SecurityError) else error.code or 500
        status = status if status in _SENTENCES else 400
        sentence = _SENTENCES[status]
        allow = dict(error.get_headers()).get("Allow")
    else:
        status, sentence = 500, _SENTENCES[500]
        _log(error)
    answer = _answer(f"{sentence}\n".encode(), PLAIN_TEXT, status)
    if allow:
        answer.headers["Allow"] = allow
    if after:
        answer.headers["Retry-After"] = str(after)
    return answer


def _check_name() -> None:
    """Refuse a request that names no host, or whose path begins with two slashes, which routing would take for one.

    A request that names another host was refused before.
    """
    if "Host" not in request.headers:
        raise Refusal(421)
    if request.environ["PATH_INFO"].startswith("//"):
        raise Refusal(404)


def _check_sender() -> None:
    """Refuse a letter that another site's page makes a browser send. There is no cookie to abuse, only junk to make."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        allowed = site == "same-origin"
    elif origin is not None:
        schemes = ("https",) if _portal().config.is_https(request.host) else ("http", "https")
        allowed = origin in [f"{scheme}://{request.host}" for scheme in schemes]
    else:
        allowed = True
    if not allowed:
        raise Refusal(403)


def _check_head() -> None:
    if "Transfer-Encoding" in request.headers or "Content-Length" not in request.headers:
        raise Refusal(411)
    if request.headers.get("Content-Type") != OCTETS or "Content-Encoding" in request.headers:
        raise Refusal(415)


def _check_length(letter_bytes: int, part_bytes: int) -> None:
    """Refuse every length but a letter's before a byte is read; parts too, since attachments are off."""
    length = request.headers["Content-Length"]
    if not (length.isascii() and length.isdigit()):
        raise Refusal(400)
    if len(length) > len(str(part_bytes)) or int(length) > letter_bytes:
        raise Refusal(413)
    if int(length) != letter_bytes:
        raise Refusal(422)


def _answer(body: bytes, content_type: str, status: int = 200) -> Response:
    return Response(body, status, content_type=content_type)


def _log(error: Exception) -> None:
    rule = request.url_rule.rule if request.url_rule else "no route"
    sys.stderr.write(f"portal: {type(error).__name__} at {rule}\n")


def _portal() -> Portal:
    return cast(Portal, current_app.extensions["underseal"])
