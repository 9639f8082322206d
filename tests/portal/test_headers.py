# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every answer carries the same headers, each once, whatever its status; no cookie is ever set."""

import gzip
import socket
from collections.abc import Callable
from datetime import date
from typing import Any

import gunicorn.config  # type: ignore[import-untyped]
import pytest
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidRequestLine, InvalidResponseHeader  # type: ignore[import-untyped]
from portalkit import OCTETS, PortalOffice, Served, status_of

from portal.config import Config
from portal.headers import HeaderLayer
from portal.serving import HttpsWorker, PortalWorker, QuietLogger

EXPECTED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; worker-src 'none'; base-uri 'none'; object-src 'none'; "
    "frame-src 'none'; frame-ancestors 'none'; manifest-src 'none'; font-src 'none'; media-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), "
    "encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), "
    "web-share=(), xr-spatial-tracking=()",
    "Cache-Control": "no-store",
    "X-DNS-Prefetch-Control": "off",
    "X-Robots-Tag": "noindex, noarchive",
}
OTHERS = {"content-type", "content-length", "connection"}


def broken_clock() -> date:
    raise RuntimeError("no day")


def check(status: int, answer: list[tuple[str, str]], also: frozenset[str] = frozenset()) -> None:
    """Assert that an answer's headers are exactly ours."""
    ours = [(name, value) for name, value in answer if name.lower() not in OTHERS | also]
    assert sorted(EXPECTED.items()) == sorted(ours)


REFUSALS = [
    pytest.param(404, "GET", "/nothing", None, {}, id="404"),
    pytest.param(404, "GET", "/envelopes/", None, {}, id="404-slash"),
    pytest.param(405, "PUT", "/envelopes", None, {}, id="405"),
    pytest.param(405, "OPTIONS", "/", None, {}, id="405-options"),
    pytest.param(403, "POST", "/envelopes", b"x", {"Sec-Fetch-Site": "cross-site", **OCTETS}, id="403"),
    pytest.param(411, "POST", "/envelopes", None, OCTETS, id="411"),
    pytest.param(413, "POST", "/envelopes", b"x" * 22_000, OCTETS, id="413"),
    pytest.param(415, "POST", "/envelopes", b"x", {"Content-Type": "text/plain"}, id="415"),
    pytest.param(421, "GET", "/", None, {"Host": "elsewhere.example"}, id="421"),
    pytest.param(422, "POST", "/envelopes", b"x", OCTETS, id="422"),
]


@pytest.mark.parametrize(("status", "method", "path", "body", "headers"), REFUSALS)
def test_refusal_headers_exact(
    client: FlaskClient, status: int, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> None:
    """A refusal is one plain sentence under the same headers as the page."""
    answer = client.open(path, method=method, data=body, headers=headers)
    assert status == answer.status_code
    check(status, list(answer.headers), also=frozenset({"allow"}))
    assert "text/plain; charset=utf-8" == answer.headers["Content-Type"]
    assert 1 == answer.data.count(b"\n") and answer.data.endswith(b".\n")


def test_stored_headers_exact(client: FlaskClient, office: PortalOffice) -> None:
    """The 201 carries them too."""
    answer = client.post("/envelopes", data=office.envelope(), headers=OCTETS)
    assert 201 == answer.status_code
    check(201, list(answer.headers))


@pytest.mark.parametrize("path", ["/keys.txt.sig", "/health"])
def test_text_headers_exact(client: FlaskClient, path: str) -> None:
    """So do the texts, which have no compressed form."""
    answer = client.get(path)
    assert 200 == answer.status_code
    check(200, list(answer.headers))


@pytest.mark.parametrize("path", ["/", "/keys.txt", "/SHA256SUMS", "/SHA256SUMS.sig"])
def test_page_headers_exact(client: FlaskClient, path: str) -> None:
    """So do page and keys, whose form depends on what the browser can unpack and on nothing else."""
    answer = client.get(path)
    assert "Accept-Encoding" == answer.headers["Vary"]
    check(200, list(answer.headers), also=frozenset({"vary"}))


def test_keys_packed_are_the_keys(client: FlaskClient) -> None:
    """Whoever takes gzip gets the same list in fewer bytes; whoever does not gets it as it was signed."""
    packed = client.get("/keys.txt", headers={"Accept-Encoding": "gzip, br"})
    assert "gzip" == packed.headers["Content-Encoding"]
    plain = client.get("/keys.txt").data
    assert plain == gzip.decompress(packed.data)
    assert len(packed.data) < len(gzip.compress(plain, 9))


def test_failure_headers_exact(client_of: Callable[..., FlaskClient], capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody foresaw is a 500 with the same headers, and one line that names type and route only."""
    answer = client_of(today=broken_clock).get("/keys.txt", headers={"User-Agent": "canary"})
    assert 500 == answer.status_code
    check(500, list(answer.headers))
    assert "portal: RuntimeError at /keys.txt\n" == capsys.readouterr().err


def test_full_disk_headers_exact(client_of: Callable[..., FlaskClient], office: PortalOffice) -> None:
    """Below the floor of free room a letter is refused with a 503, before it is read."""
    client = client_of(floor_mib=1_048_576)
    answer = client.post("/envelopes", data=office.envelope(), headers=OCTETS)
    assert 503 == answer.status_code
    assert "300" == answer.headers.pop("Retry-After")
    check(503, list(answer.headers))
    assert b"Nothing was stored." in answer.data
    assert b"up\nroom full\n" == client.get("/health").data


def test_https_adds_two_headers(client_of: Callable[..., FlaskClient]) -> None:
    """Only over https are transport security and the onion's address named, the latter with the page only."""
    onion = "a" * 56 + ".onion"
    client = client_of(https=True, onion=onion)
    page, text = client.get("/"), client.get("/keys.txt")
    assert "max-age=63072000; includeSubDomains" == page.headers["Strict-Transport-Security"]
    assert f"http://{onion}/" == page.headers["Onion-Location"]
    assert "Onion-Location" not in text.headers


def test_onion_adds_neither(client_of: Callable[..., FlaskClient]) -> None:
    """The same portal adds neither where it is reached by its onion address, which no browser opens over https."""
    onion = "a" * 56 + ".onion"
    client = client_of(https=True, onion=onion, hosts=(onion,))
    answer = client.get("/", headers={"Host": onion})
    assert 200 == answer.status_code
    check(200, list(answer.headers), also=frozenset({"vary"}))


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("a.example", "https://a.example", 411),
        ("a.example", "http://a.example", 403),
        ("a" * 56 + ".onion", "http://" + "a" * 56 + ".onion", 411),
        ("a" * 56 + ".onion", "https://a.example", 403),
    ],
)
def test_origin_is_the_host_asked(client_of: Callable[..., FlaskClient], host: str, origin: str, status: int) -> None:
    """A letter comes from the page of the name it is sent to: over https by its name, over http by its onion."""
    client = client_of(https=True, hosts=("a.example", "a" * 56 + ".onion"))
    assert status == client.post("/envelopes", headers={**OCTETS, "Host": host, "Origin": origin}).status_code


ROUTES = ["/", "/keys.txt", "/keys.txt.sig", "/SHA256SUMS", "/SHA256SUMS.sig", "/health", "/envelopes", "/nothing"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("cookie", [{}, {"Cookie": "session=abc; other=1"}], ids=["without", "with"])
@pytest.mark.parametrize("path", ROUTES)
def test_no_cookie_anywhere(client: FlaskClient, path: str, method: str, cookie: dict[str, str]) -> None:
    """No route sets a cookie, and no answer depends on one."""
    answer = client.open(path, method=method, headers=cookie)
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_wire_shows_no_server(served: Served) -> None:
    """On the wire there is neither `Server` nor `Date`, also when what came never became a request."""
    for raw in (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"broken\r\n\r\n", b"X" * 3000):
        head = served.raw(raw).partition(b"\r\n\r\n")[0].decode()
        lines = [tuple(line.split(": ", 1)) for line in head.split("\r\n")[1:]]
        check(0, lines, also=frozenset({"vary"}))  # type: ignore[arg-type]


@pytest.mark.parametrize(("version", "status"), [("1.0", 200), ("1.1", 200), ("1.2", 400), ("1.9", 400), ("2.0", 400)])
def test_two_versions_of_http(served: Served, version: str, status: int) -> None:
    """HTTP/1.0 and 1.1 are answered; what names another version is not understood."""
    raw = served.raw(f"GET / HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert status == status_of(raw)


def test_two_slashes_on_the_wire(served: Served) -> None:
    """No page has an address with two slashes before it."""
    assert [404, 404] == [served.request("GET", path).status for path in ("//", "//health")]


ERRORS = [
    (RuntimeError("canary"), b"500", "portal: RuntimeError while answering\n"),
    (InvalidResponseHeader("canary"), b"500", "portal: InvalidResponseHeader while answering\n"),
    (InvalidRequestLine("canary"), b"400", ""),
]


@pytest.mark.parametrize(("error", "status", "said"), ERRORS)
@pytest.mark.parametrize("worker", [PortalWorker, HttpsWorker])
def test_broken_answers_say_a_type(
    capfd: pytest.CaptureFixture[str], worker: Any, error: Exception, status: bytes, said: str
) -> None:
    """What fails below the apps: a fault of ours is logged by its type, a broken request is not; https stays https."""
    settings = gunicorn.config.Config()
    near, far = socket.socketpair()
    with near, far:
        made = worker(0, 0, [], None, 30, settings, QuietLogger(settings))
        made.handle_error(None, far, ("203.0.113.5", 1), error)
        made.tmp.close()
        answer = near.recv(65_536)
    assert (status, said) == (answer[9:12], capfd.readouterr().err)
    assert (worker is HttpsWorker) == (b"\r\nStrict-Transport-Security: max-age=63072000;" in answer)
    assert b"canary" not in answer


def test_head_has_no_body(served: Served) -> None:
    """HEAD gives the headers of GET, and nothing after them."""
    got, head = served.request("GET", "/"), served.request("HEAD", "/")
    assert (200, b"") == (head.status, head.body)
    assert got.headers == head.headers


def test_layer_lets_nothing_else_through(config: Config) -> None:
    """Even a view that sets a cookie, a validator or a version cannot send it."""

    def careless(environ: Any, start_response: Any) -> list[bytes]:
        fields = ["Set-Cookie", "ETag", "Last-Modified", "Server", "X-Powered-By", "Date", "Vary"]
        start_response("200 OK", [("Content-Type", "text/plain"), *((field, "Cookie") for field in fields)])
        return [b""]

    answers: list[list[tuple[str, str]]] = []
    layer: Any = HeaderLayer(careless, config)
    layer({"PATH_INFO": "/"}, lambda status, headers, exc_info=None: answers.append(headers))
    check(200, answers[0])
