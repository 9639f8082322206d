# SPDX-License-Identifier: AGPL-3.0-or-later
"""A portal checked from outside: an honest one is right in every row, and each lie is named in its own."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from courierkit import answering
from simulator import free_port

import underseal
from intake.office import read_office, write_office

Headers = dict[str, str]
Lie = Callable[[str, Headers, Headers, bytes], tuple[Headers, bytes]]
CODING = "Accept-Encoding"


@contextmanager
def liar(port: int, lie: Lie) -> Iterator[str]:
    """A portal's face that hands on what the honest one answers, changed: gives its address."""

    class Face(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            line.request("GET", self.path, headers={CODING: self.headers.get(CODING, "identity")})
            answer = line.getresponse()
            headers, body = lie(self.path, dict(self.headers), dict(answer.getheaders()), answer.read())
            line.close()
            self.send_response_only(answer.status)
            for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Face)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def verify(*words: object) -> Result:
    """Run `underseal portal verify` in this process."""
    return CliRunner().invoke(underseal.cli, ["portal", "verify", *map(str, words)])


def code(told: Result) -> int:
    """Return the exit code that the program would end with."""
    assert isinstance(told.exception, underseal.UndersealError), told.output
    return int(told.exception.exit_code)


def office_file(office) -> Path:
    """The office's data, as the union hands it out."""
    path: Path = office.folders.office / "public/office.json"
    return path


def test_honest_portal_is_right(office):
    """Every row is right, with the union's own office data and without; a check leaves nothing on the shelf."""
    before = office.shelf()
    told = verify(office.url, "--office", office_file(office), "--json")
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout)
    assert (0, {True}) == (answer["wrong"], {check["right"] for check in answer["checks"]})
    alone = verify(office.url)
    assert alone.exit_code == 0
    assert "compare it with the card" in alone.stdout
    assert "WRONG" not in alone.stdout
    assert office.shelf() == before


def test_older_page_is_named(office, tmp_path):
    """With the office's data of a later signing, a portal that serves the page from before is found out."""
    now = read_office(office_file(office).read_bytes())
    later = tmp_path / "office.json"
    later.write_bytes(write_office(replace(now, floor=now.floor + 13)))
    told = verify(office.url, "--office", later, "--json")
    rows = {check["what"]: check for check in json.loads(told.stdout)["checks"]}
    assert (4, False, True) == (code(told), rows["office"]["right"], "is older than" in rows["office"]["says"])
    assert [what for what, check in rows.items() if not check["right"]] == ["office"]


def other_page_for(name: str, value: str) -> Lie:
    """Serve another page to whoever sends this header."""

    def lie(path: str, asked: Headers, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        if path == "/" and value in asked.get(name, ""):
            return {**headers, "Content-Encoding": "identity"}, b"<html>another</html>"
        return headers, body

    return lie


def header_more(name: str, value: str, only: str = "/") -> Lie:
    """Add a header to one file."""
    return lambda path, _asked, headers, body: ({**headers, name: value} if path == only else headers, body)


def body_of(only: str, change: Callable[[bytes], bytes]) -> Lie:
    """Change one file, sent without a coding."""

    def lie(path: str, _asked: Headers, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        if path != only:
            return headers, body
        plain = {name: value for name, value in headers.items() if name != "Content-Encoding"}
        return plain, change(body)

    return lie


LIES: dict[str, tuple[Lie, str]] = {
    "page by cookie": (other_page_for("Cookie", "session"), "same for all"),
    "page by language": (other_page_for("Accept-Language", "es"), "files"),
    "page by browser": (other_page_for("User-Agent", "iPhone"), "files"),
    "page by referrer": (other_page_for("Referer", "gov"), "same for all"),
    "cookie": (header_more("Set-Cookie", "a=1"), "headers"),
    "validator": (header_more("ETag", "abc", "/keys.txt"), "headers"),
    "clock": (header_more("Date", "Thu, 01 Jan 2026 00:00:00 GMT"), "headers"),
    "policy": (header_more("Content-Security-Policy", "default-src *"), "headers"),
    "digests": (body_of("/SHA256SUMS", lambda body: body.replace(b"0", b"1", 1)), "digests"),
    "no digests": (body_of("/SHA256SUMS", lambda body: b""), "digests"),
    "kit": (body_of("/kit.html", lambda body: body + b" "), "files"),
    "signature": (body_of("/SHA256SUMS.sig", lambda body: b"no"), "digests"),
    "keys": (body_of("/keys.txt", lambda body: b"<h1>Log in</h1>"), "key list"),
    "keys' signature": (body_of("/keys.txt.sig", lambda body: b""), "key list"),
}


@pytest.mark.parametrize("name", LIES)
def test_lie_is_named(office, name):
    """One thing changed, for all or for one visitor: its row is wrong, and the exit code is 4."""
    lie, row = LIES[name]
    with liar(office.port, lie) as url:
        told = verify(url, "--office", office_file(office), "--json")
    assert code(told) == 4
    assert row in [check["what"] for check in json.loads(told.stdout)["checks"] if not check["right"]]


def test_another_office_is_not_this_one(office, tmp_path):
    """A portal that holds together, of another office: only the union's own data tells."""
    other = json.loads(office_file(office).read_text())
    (tmp_path / "office.json").write_text(json.dumps({**other, "office": "Throwaway Local 0001"}))
    told = verify(office.url, "--office", tmp_path / "office.json")
    assert code(told) == 4
    assert "WRONG  office" in told.stdout


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ftp://example.org", 2),
        ("http://127.0.0.1/path", 2),
        ("reports.example.org", 2),
        (f"http://{'a' * 56}.onion", 2),
    ],
)
def test_no_address_of_a_portal(url, expected):
    """What cannot be asked gets one sentence."""
    assert code(verify(url)) == expected


def test_silent_address():
    """Where nobody listens, it is the network that did not answer."""
    assert code(verify(f"http://127.0.0.1:{free_port()}")) == 6


def test_other_page_is_no_portal(office):
    """An address with some other site, a captive portal's for example, is called so."""
    with liar(office.port, body_of("/", lambda body: b"<h1>Log in</h1>")) as url:
        told = verify(url)
    assert str(told.exception) == "what answers there is no portal's page"


def test_dripping_portal_is_left(monkeypatch):
    """A portal that sends a byte now and then holds nobody who looks."""
    monkeypatch.setattr("courier.line.PATIENCE_SECONDS", 1.0)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    began = time.monotonic()
    with closing(answering(head, drip=100)) as listener:
        told = verify(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert code(told) == 6
    assert time.monotonic() - began < 5


def run_without(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program where a library is not installed."""
    code = f"import sys; sys.modules['{module}'] = None; import underseal; underseal.main()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)


def test_part_that_is_missing_is_named(office):
    """Where only the portal's own part is installed, the verb says which one it needs; the group still has it."""
    done = run_without("httpx", "portal", "verify", office.url)
    assert done.stderr == "portal: verify needs a part that is not installed: pip install 'underseal[courier]'\n"
    assert done.returncode == 3
    assert "verify" in run_without("httpx", "portal", "--help").stdout


def test_portals_own_part_is_not_needed(office):
    """Who looks from outside needs nothing of what a portal runs on."""
    done = run_without("flask", "portal", "verify", office.url)
    assert (0, 6) == (done.returncode, done.stdout.count("right  ")), done.stderr
    assert run_without("flask", "portal", "status", "--dir", "x").returncode == 3
    assert "Usage: underseal portal verify" in run_without("flask", "portal", "verify", "--help").stdout
