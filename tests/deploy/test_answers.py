# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the world gets from a host: the portal's answers as they are, and nginx's own under the same headers."""

import re
import socket

import pytest
from hostkit import DOMAIN, NAMES, ONION, SOURCE, Host, answer, request
from portalkit import Answered, PortalOffice

from portal.app import _SENTENCES
from portal.headers import FIXED_HEADERS, TRANSPORT_SECURITY

SIDES = ["onion", "clearnet"]
OTHERS = {"content-type", "content-length", "connection"}
LETTER = {"Content_Type": "application/octet-stream"}
REFUSALS = (SOURCE / "deploy/host/refusals.conf").read_text()


def check(side: str, answered: Answered, *also: tuple[str, str]) -> None:
    """Assert that an answer's headers are exactly ours, and those of its side."""
    expected = [*FIXED_HEADERS, *([TRANSPORT_SECURITY] if side == "clearnet" else []), *also]
    assert sorted(expected) == sorted(pair for pair in answered.headers if pair[0].lower() not in OTHERS)


def plain(side: str, answered: Answered, status: int, *also: tuple[str, str]) -> None:
    """Assert that an answer is one plain sentence or two, under exactly our headers."""
    assert status == answered.status
    assert re.fullmatch(rb"[A-Z][^\n<]*\.\n", answered.body)
    assert "text/plain; charset=utf-8" == dict(answered.headers)["Content-Type"]
    check(side, answered, *also)


@pytest.mark.parametrize("side", SIDES)
def test_page_as_the_portal_sends_it(host: Host, side: str) -> None:
    """The page comes packed as the portal packed it; over https alone it says where the onion is."""
    got = host.request(side, "GET", "/", Accept_Encoding="gzip, br")
    onion = [("Onion-Location", f"http://{ONION}/")] if side == "clearnet" else []
    assert 200 == got.status
    check(side, got, ("Content-Encoding", "br"), ("Vary", "Accept-Encoding"), *onion)


@pytest.mark.parametrize("side", SIDES)
def test_kit_is_whole(host: Host, paper: PortalOffice, side: str) -> None:
    """The largest file comes whole, byte for byte."""
    got = host.request(side, "GET", "/kit.html", Accept_Encoding="identity")
    assert (paper.public / "page/kit.html").read_bytes() == got.body
    assert 300_000 < len(got.body) < 32 * 16_384  # or nginx would not hold it, and a slow reader would hold the portal


@pytest.mark.parametrize("side", SIDES)
def test_letter_is_taken(host: Host, paper: PortalOffice, side: str) -> None:
    """A letter is taken on each side, from the page of that side too."""
    scheme = "https" if side == "clearnet" else "http"
    for more in ({}, {"Origin": f"{scheme}://{NAMES[side]}"}, {"Sec_Fetch_Site": "same-origin"}):
        got = host.request(side, "POST", "/envelopes", paper.envelope(), **LETTER, **more)
        assert 201 == got.status
        check(side, got)


APP = [
    pytest.param(403, "POST", b"x", {"Sec_Fetch_Site": "cross-site", **LETTER}, id="403"),
    pytest.param(403, "POST", b"x", {"Origin": "https://evil.example", **LETTER}, id="403-origin"),
    pytest.param(411, "POST", None, LETTER, id="411"),
    pytest.param(413, "POST", bytes(266_965), LETTER, id="413-part"),
    pytest.param(415, "POST", b"x", {"Content_Type": "text/plain"}, id="415"),
    pytest.param(415, "POST", b"x", {"Content_Encoding": "gzip", **LETTER}, id="415-packed"),
    pytest.param(421, "POST", b"x", {"Host": "elsewhere.example"}, id="421"),
    pytest.param(422, "POST", b"x", LETTER, id="422"),
]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("status", "method", "body", "headers"), APP)
def test_refusal_of_the_portal(
    host: Host, side: str, status: int, method: str, body: bytes | None, headers: dict[str, str]
) -> None:
    """What the portal refuses comes as it refused it."""
    transport = "onion" if headers.get("Host") and side == "onion" else side
    got = host.request(side, method, "/envelopes", body, **headers)
    plain(transport, got, status)
    assert f"{_SENTENCES[status]}\n".encode() == got.body


@pytest.mark.parametrize("side", SIDES)
def test_refusal_with_allow(host: Host, side: str) -> None:
    """A wrong method is told which are right."""
    plain(side, host.request(side, "PUT", "/envelopes", b""), 405, ("Allow", "POST"))


HEAD = b"Host: " + DOMAIN.encode() + b"\r\n"
OWN: dict[str, tuple[int, bytes]] = {
    "no request": (400, b"\x16\x03\x01 nothing\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\n" + HEAD + HEAD + b"\r\n"),
    "zero byte": (400, b"GET / HTTP/1.1\r\n" + HEAD + b"A: \0\r\n\r\n"),
    "inside": (404, b"GET /.refused/400 HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "trace": (405, b"TRACE / HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "connect": (405, b"CONNECT / HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "connect elsewhere": (400, b"CONNECT a.example:443 HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "chunked": (411, b"POST /envelopes HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "other coding": (411, b"POST /envelopes HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: gzip\r\n\r\n"),
    "too large": (413, b"POST /envelopes HTTP/1.1\r\n" + HEAD + b"Content-Length: 294913\r\n\r\n"),
    "far too large": (413, b"POST /envelopes HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999999\r\n\r\n"),
    "long address": (414, b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "long header": (431, b"GET / HTTP/1.1\r\n" + HEAD + b"A: " + b"a" * 5_000 + b"\r\n\r\n"),
    "many headers": (431, b"GET / HTTP/1.1\r\n" + HEAD + b"A: aaaaaaaaaaaaaaaaaaaa\r\n" * 1_000 + b"\r\n"),
    "version 2": (505, b"GET / HTTP/2.0\r\n" + HEAD + b"\r\n"),
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", OWN)
def test_refusal_of_nginx(host: Host, side: str, name: str) -> None:
    """What never reaches the portal is refused in a sentence, under the same headers; no server is named."""
    status, data = OWN[name]
    also = [("Allow", "GET, HEAD, POST")] if status == 405 else []
    plain(side, host.ask(side, data), status, *also)


def test_http_at_the_tls_port(host: Host) -> None:
    """Who speaks plainly to the TLS port is told so."""
    with socket.create_connection(("127.0.0.1", host.https), 30) as line:
        line.sendall(request("GET", "/", Host=DOMAIN))
        plain("http", answer(line), 400)


@pytest.mark.parametrize("side", SIDES)
def test_portal_is_down(bare: Host, side: str) -> None:
    """While the portal does not run, a letter is said to be neither stored nor lost."""
    bare.start_nginx()
    got = bare.post(side, bytes(21_157))
    plain(side, got, 502)
    assert b"cannot say whether a letter is stored" in got.body


@pytest.mark.long
def test_portal_is_stuck(bare: Host) -> None:
    """A portal that takes a letter and answers nothing for a minute is given up: the same is said."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(bare.run / "officer.sock"))
        silent.listen()
        bare.start_nginx()
        with bare.connect("onion", 90) as line:
            line.sendall(request("POST", "/envelopes", bytes(21_157), Host=ONION, **LETTER))
            plain("onion", answer(line), 504)


@pytest.mark.parametrize("path", ["/", "/index.html", "/kit.html?a=b"])
def test_http_leads_to_https(host: Host, path: str) -> None:
    """Plain http leads to the page over https, whatever was asked."""
    got = host.request("http", "GET", path)
    assert 301 == got.status
    check("http", got, ("Location", f"https://{DOMAIN}/"))


def test_certificate_authority_is_answered(host: Host) -> None:
    """A certificate authority finds its challenge over plain http, and nobody finds a folder."""
    challenge = host.folder / "acme/.well-known/acme-challenge/token"
    challenge.parent.mkdir(parents=True)
    challenge.write_bytes(b"token.key")
    got = host.request("http", "GET", "/.well-known/acme-challenge/token")
    assert (200, b"token.key") == (got.status, got.body)
    check("http", got)
    for path in ("/.well-known/acme-challenge/", "/.well-known/acme-challenge/none"):
        plain("http", host.request("http", "GET", path), 404)


def test_headers_file_is_the_portals() -> None:
    """nginx's list of headers is that of portal/headers.py, in its order."""
    text = (SOURCE / "deploy/host/headers.conf").read_text()
    ours = [*FIXED_HEADERS, (TRANSPORT_SECURITY[0], "$transport_security")]
    found = re.findall(r'^add_header ([\w-]+) (?:"([^"]*)"|(\S+)) always;$', text, re.MULTILINE)
    assert ours == [(name, quoted or word) for name, quoted, word in found]
    assert f'on "{TRANSPORT_SECURITY[1]}";' in (SOURCE / "deploy/host/nginx.conf").read_text()


def test_sentences_are_the_portals() -> None:
    """A status that the portal knows has the portal's sentence; each place has the headers."""
    found = re.findall(r"location = /\.refused/(\d+) \{\n(.*?)\n\}", REFUSALS, re.DOTALL)
    for name, block in found:
        assert "internal;" in block and "include @ETC@/nginx/headers.conf;" in block
        status, sentence = re.findall(r'return (\d+) "(.*)\\n";', block)[0]
        assert name in (status, "497")
        assert sentence == _SENTENCES.get(int(name), sentence)
    assert {name for name, _ in found} == set(re.findall(r"error_page .*/\.refused/(\d+);", REFUSALS))
    handled = set(map(int, re.findall(r"error_page (\d+)", REFUSALS)))
    assert handled >= {400, 405, 408, 411, 413, 414, 494, 495, 496, 497, 500, 502, 503, 504}
