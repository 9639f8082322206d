# SPDX-License-Identifier: AGPL-3.0-or-later
"""A portal as everyone sees it, checked from outside: is it what the office's root has signed, and the same for all?

Nothing is sent but requests for public files. A portal that serves one person something else cannot be found out by
another (deploy/THREATS.md): the more people check, from the more places, the less it can dare.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import brotli
import httpx

from courier.line import fetch, open_client
from crypto.keylist import KeyList, read_key_list
from crypto.primitives import digest
from crypto.signature import Namespace, verify
from intake.checks import Check, Wrong, run_checks
from intake.errors import Exit, UndersealError
from intake.office import Office, office_of_page
from intake.packing import gunzipped
from intake.page import INDEX, SUMS, page_number, read_sums
from intake.signedpage import MAX_FILE_BYTES, MAX_FILES, SIGNATURE

_KEYS, _KEYS_SIGNATURE = "keys.txt", "keys.txt.sig"
# Not alike in anything that a request can say of its sender. Each asks for every file.
VISITORS: tuple[Mapping[str, str], ...] = (
    {"User-Agent": "underseal", "Accept-Encoding": "identity"},
    {
        "User-Agent": "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Accept-Language": "en-US,en;q=0.5",
        "Accept-Encoding": "gzip, deflate, br",
    },
    {
        "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
        "Accept-Language": "es-US,es;q=0.9",
        "Accept-Encoding": "gzip",
        "Cookie": "session=1",
    },
    {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/109.0 Safari/537.36",
        "Accept-Language": "fr",
        "Accept-Encoding": "br",
        "Referer": "https://example.gov/",
        "X-Forwarded-For": "203.0.113.7",
        "If-None-Match": "*",
        "If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT",
    },
)
_NEVER = ("set-cookie", "etag", "last-modified", "date", "server", "age", "via", "x-powered-by", "report-to", "nel")
_CODED = ("content-encoding", "content-length", "connection", "keep-alive", "transfer-encoding")
_POLICY = ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "trusted-types 'none'", "worker-src 'none'")


class NotAPortal(UndersealError):
    """what answers there is no portal's page"""

    exit_code = Exit.NETWORK


class PortalDiffers(UndersealError):
    """{} of {} checks failed: tell the union, and write nothing there"""

    exit_code = Exit.UNTRUSTED


@dataclass(frozen=True, slots=True)
class Answer:
    """What one visitor got. `sent` is the body as it came, `body` without its coding."""

    status: int
    headers: tuple[tuple[str, str], ...]
    sent: bytes
    body: bytes

    @property
    def common(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """What every visitor should get alike, whatever coding was asked for."""
        return self.status, tuple(each for each in self.headers if each[0] not in _CODED), self.body


@dataclass(frozen=True, slots=True)
class Portal:
    """Everything public of one portal, fetched once for each visitor. `seen` has the answers by file name."""

    office: Office
    seen: Mapping[str, list[Answer]]

    def file(self, name: str) -> bytes:
        """Return a file as the first visitor got it. Raises Wrong."""
        answer = self.seen[name][0]
        if answer.status != 200:
            raise Wrong(f"{name} is answered with {answer.status}")
        return answer.body


def fetch_portal(url: str, proxy: str | None, told: Callable[[str], None]) -> Portal:
    """Return everything public at an address. Raises NotAPortal for something else there, Unreachable, AnswerStrange.

    told  is called with the name of each file before it is fetched
    """
    with open_client(proxy, None) as client:

        def visit(name: str) -> list[Answer]:
            told(name)
            path = "/" if name == INDEX else f"/{name}"
            return [_fetch(client, url + path, visitor) for visitor in VISITORS]

        index = visit(INDEX)
        try:
            office = office_of_page(index[0].body)
        except UndersealError as error:
            raise NotAPortal from error
        seen = {INDEX: index, **{name: visit(name) for name in (SUMS, SIGNATURE, _KEYS, _KEYS_SIGNATURE)}}
        return Portal(office, seen | {name: visit(name) for name in _named(seen[SUMS][0].body)})


def check_portal(portal: Portal, office: Office | None, today: date) -> list[Check]:
    """Return one check for each thing that is right or wrong. `office` is the ceremony's, from the union's own hand."""
    return run_checks(
        [
            ("office", lambda: _office(portal, office)),
            ("digests", lambda: _digests(portal)),
            ("files", lambda: _files(portal)),
            ("same for all", lambda: _same(portal)),
            ("key list", lambda: _keys(portal, today)),
            ("headers", lambda: _headers(portal)),
        ]
    )


def _office(portal: Portal, office: Office | None) -> str:
    if office is None:
        return "the page names its own root; compare it with the card"
    if portal.office.floor < office.floor:
        raise Wrong("the page is older than the office given: it takes key lists that were replaced")
    if replace(portal.office, floor=office.floor) != office:
        raise Wrong("the page carries other data than the office given, or another root")
    return f"the page carries the data and the root of the office given, and takes lists from {portal.office.floor} on"


def _digests(portal: Portal) -> str:
    signature = portal.file(SIGNATURE).decode("ascii", "replace")
    verify(portal.file(SUMS), signature, portal.office.root, Namespace.PAGE)
    names = read_sums(portal.file(SUMS))
    return f"{SUMS} is signed by the page's root: page {page_number(portal.file(SUMS))}, {len(names)} files"


def _files(portal: Portal) -> str:
    sums = read_sums(portal.file(SUMS))
    if len(sums) > MAX_FILES:
        raise Wrong(f"{SUMS} names more than {MAX_FILES} files")
    for name in sums:
        for answer in portal.seen[name.removesuffix(".br")]:
            packed = name.endswith(".br")
            if packed and dict(answer.headers).get("content-encoding") != "br":
                continue
            if answer.status != 200 or digest(answer.sent if packed else answer.body) != sums[name]:
                raise Wrong(f"{name} is not as it was signed")
    return f"each has its signed digest, for {len(VISITORS)} different visitors"


def _same(portal: Portal) -> str:
    for name, answers in portal.seen.items():
        if len({answer.common for answer in answers}) != 1:
            raise Wrong(f"{name} is not the same for all visitors")
    return f"{len(portal.seen)} files, the same bytes and headers whoever asks"


def _keys(portal: Portal, today: date) -> str:
    signature = portal.file(_KEYS_SIGNATURE).decode("ascii", "replace")
    keys = read_key_list(portal.file(_KEYS), signature, portal.office.root, floor=portal.office.floor)
    first, last = keys.weeks[0].first, keys.weeks[-1].last
    if keys.office != portal.office.office:
        raise Wrong("the list names another office")
    if not _covers(keys, today):
        raise Wrong(f"no week covers today, {today}: the list is of {first} to {last}")
    return f"number {keys.sequence}, signed, {first} to {last}, {keys.slots} places in every week"


def _covers(keys: KeyList, day: date) -> bool:
    return any(week.first <= day <= week.last for week in keys.weeks)


def _headers(portal: Portal) -> str:
    for name, answers in portal.seen.items():
        for answer in answers:
            found = [header for header, _ in answer.headers if header in _NEVER]
            if found:
                raise Wrong(f"{name} comes with {found[0]}, which can tell visitors or hours apart")
            policy = dict(answer.headers).get("content-security-policy", "").split("; ")
            missing = [rule for rule in _POLICY if rule not in policy]
            if missing:
                raise Wrong(f"the policy of {name} lacks {missing[0]}")
    return "no cookie, no validator, no clock; a policy that lets the page talk to this portal alone"


def _named(sums: bytes) -> list[str]:
    try:
        return [name for name in read_sums(sums) if name != INDEX and not name.endswith(".br")][:MAX_FILES]
    except UndersealError:
        return []


def _fetch(client: httpx.Client, address: str, visitor: Mapping[str, str]) -> Answer:
    answer, sent = fetch(client, address, visitor, MAX_FILE_BYTES)
    headers = tuple(sorted((name.lower(), value) for name, value in answer.headers.items()))
    return Answer(answer.status_code, headers, sent, _decoded(sent, answer.headers.get("content-encoding")))


def _decoded(sent: bytes, coding: str | None) -> bytes:
    """Return a body without its coding, at most MAX_FILE_BYTES of it; empty for a damaged one."""
    if coding == "gzip":
        return gunzipped(sent, MAX_FILE_BYTES) or b""
    if coding == "br":
        with contextlib.suppress(brotli.error):
            return bytes(brotli.Decompressor().process(sent, output_buffer_limit=MAX_FILE_BYTES))
        return b""
    return sent
