# SPDX-License-Identifier: AGPL-3.0-or-later
"""A portal for tests: a real ceremony's files, real letters, the program as processes, signed requests."""

import contextlib
import gzip
import http.client
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from http_message_signatures.resolvers import MappingKeyResolver

from crypto.envelope import LETTER_BYTES, seal
from crypto.handedon import Roots
from crypto.keylist import KeyList, read_key_list, write_key_list
from crypto.primitives import digest, random_bytes
from crypto.secret.secretfile import open_secret
from crypto.signature import Namespace, PublicKey, SigningKey, sign
from desk.ceremony import Keeper, Plan, hold_ceremony
from desk.pagefolder import office_page, read_lists
from intake.acknowledgement import Acknowledgement, write_acknowledgement
from intake.office import read_office
from intake.page import SUMS, BuiltPage
from intake.signedpage import SIGNATURE

PASSPHRASE = "a passphrase for tests"
OCTETS = {"Content-Type": "application/octet-stream"}
COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
START_SECONDS = 30


@dataclass(slots=True)
class PortalOffice:
    """The files of a ceremony, and the keys that tests sign with."""

    folder: Path
    root: SigningKey
    desk: SigningKey
    courier: SigningKey
    key_list: KeyList
    page: BuiltPage = field(default_factory=lambda: _page())

    @property
    def public(self) -> Path:
        return self.folder / "public"

    @property
    def secret(self) -> Path:
        return self.folder / "secret"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "passphrase"

    def envelope(self) -> bytes:
        """Return a new letter, sealed to this week."""
        return seal(b"{}".ljust(LETTER_BYTES), self.key_list.weeks[0].recipients)

    def signed_list(self, root: SigningKey | None = None, **changes: Any) -> tuple[bytes, str]:
        """Return a key list with changes, signed by the root or by someone else."""
        facts = {name: getattr(self.key_list, name) for name in KeyList.__slots__}
        text = write_key_list(KeyList(**{**facts, **changes}))
        return text, sign(text, root or self.root, Namespace.KEYS)

    def page_files(self, number: int, signer: SigningKey | None = None, **changes: Any) -> dict[str, bytes]:
        """Return the files of a page with this number, its office data with changes, signed by the root or another."""
        office = replace(read_office((self.public / "office.json").read_bytes()), **changes)
        lists = read_lists(self.public, Roots(self.root.public))
        files = office_page(self.page, office, lists, number)
        return {**files, SIGNATURE: sign(files[SUMS], signer or self.root, Namespace.PAGE).encode("ascii")}

    def page_pushed(self, number: int, signer: SigningKey | None = None, **changes: Any) -> bytes:
        """Return that page in one piece, packed as a courier sends it."""
        return packed(self.page_files(number, signer, **changes))

    def page_with_script(self, number: int, script: bytes, **changes: Any) -> dict[str, bytes]:
        """Return the files of a signed page whose script is another one, and so has another name."""
        files = self.page_files(number, **changes)
        for name in (self.page.script, self.page.script + ".br", SUMS, SIGNATURE):
            del files[name]
        files[f"underseal.{digest(script)[:12]}.js"] = script
        lines = (f"{digest(data)}  {name}\n".encode() for name, data in sorted(files.items()))
        sums = b"# page %d\n" % number + b"".join(lines)
        return {**files, SUMS: sums, SIGNATURE: sign(sums, self.root, Namespace.PAGE).encode("ascii")}

    def acknowledgement(self, pulled: Mapping[str, Any], line_digest: str, **changes: Any) -> bytes:
        """Return what the desk writes for a manifest, with changes; unsigned."""
        facts = {
            "portal": pulled["portal"],
            "desk": pulled["desk"],
            "pull": pulled["pull"],
            "manifest": line_digest,
            "digests": tuple(name for name, _ in pulled["envelopes"]),
        }
        return write_acknowledgement(Acknowledgement(**{**facts, **changes}))


def make_portal_office(folder: Path, page: BuiltPage | None = None) -> PortalOffice:
    """Hold a throwaway ceremony in `folder`, with a page that is quickly made or with the one given."""
    plan = Plan("Local 1", (), (), 7, 3, True, datetime.now(UTC).date())
    made = hold_ceremony(plan, dict.fromkeys(Keeper, PASSPHRASE), page or _page())
    for part, contents in (("public", made.public), ("secret", made.secret)):
        for name, data in contents.items():
            path = folder / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    root = PublicKey.parse(made.public["root.pub"].decode().strip())
    key_list = read_key_list(made.public["keys-000001.txt"], made.public["keys-000001.txt.sig"].decode(), root)
    courier = SigningKey.from_openssh(made.secret["courier.key"], PASSPHRASE)
    keys = _opened(made.secret["root.age"]), _opened(made.secret["desk.age"]), courier
    return PortalOffice(folder, *keys, key_list, page or _page())


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the files of a page in one piece, in the order of their SHA256SUMS, as they come over the gate."""
    names = [line.split("  ")[1] for line in files[SUMS].decode().splitlines() if "  " in line]
    pieces = (b"%d\n%b" % (len(files[name]), files[name]) for name in names)
    return gzip.compress(files[SUMS] + files[SIGNATURE] + b"".join(pieces))


def _opened(secret: bytes) -> SigningKey:
    text = open_secret(secret, PASSPHRASE)
    return SigningKey.from_openssh(text[text.index(b"-----BEGIN") :], None)


def _page() -> BuiltPage:
    files: dict[str, bytes] = {}
    names = []
    for ending, data in (("js", b"// script\n" * 50), ("css", b"p { margin: 0 }\n" * 50), ("svg", b"<svg/>\n" * 50)):
        name = f"underseal.{digest(data)[:12]}.{ending}"
        names.append(name)
        files |= {name: data, name + ".br": b"brotli of " + data}
    page = b'<!doctype html><html data-office="@OFFICE@"></html>\n'
    kit = page.replace(b"<html ", b'<html data-kit="@KIT@" ', 1)
    return BuiltPage(page, kit, names[0], names[1], names[2], files)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


def underseal(*arguments: object) -> Ran:
    """Run the program in this process, as its entry point does."""
    import underseal as program

    out, err, before = io.StringIO(), io.StringIO(), (sys.argv, os.umask(0o077))
    sys.argv = ["underseal", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            program.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv, mask = before
        os.umask(mask)
    return Ran(code, out.getvalue(), err.getvalue())


def make_portal(office: PortalOffice, folder: Path, *options: str) -> Path:
    """Make a portal's folder and return it."""
    ran = underseal("portal", "init", "--public", office.public, "--dir", folder, *options)
    assert ran.code == 0, ran.err
    return folder


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Served:
    """A running portal: its own process group, its address, and all it says."""

    folder: Path
    process: subprocess.Popen[bytes]
    port: int
    errors: Path

    def request(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answered:
        """Return the answer to one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Answered(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def post(self, envelope: bytes) -> Answered:
        """Send a letter as the page does."""
        return self.request("POST", "/envelopes", envelope, OCTETS)

    def raw(self, data: bytes, *, half_close: bool = False) -> bytes:
        """Return all that comes back for these bytes on the officer's side."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            line.sendall(data)
            if half_close:
                line.shutdown(socket.SHUT_WR)
            return _received(line)

    def gate(self, data: bytes) -> bytes:
        """Return all that comes back for these bytes at the gate."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(str(self.folder / "gate.sock"))
            line.sendall(data)
            return _received(line)

    def said(self) -> str:
        """Return what the portal wrote to standard error after it told its address."""
        lines = self.errors.read_text().splitlines()
        return "\n".join(line for line in lines if not line.startswith("portal: letters at "))

    def workers(self, side: int = 0) -> list[int]:
        """Return the two processes that serve the officer's side, or the gate (side 1), once both are there."""
        master = _children(self.process.pid)[side]
        for _ in range(100):
            if len(_children(master)) == 2:
                break
            time.sleep(0.05)
        return _children(master)

    def stop(self) -> int:
        """Tell the portal to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self) -> None:
        """Kill every process of the portal at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def serve(
    folder: Path, port: int = 0, *options: str, through: Sequence[str] = (), errors: Path | None = None
) -> Served:
    """Start a portal and return it once it answers; `through` are the words that lead to where its folder is seen."""
    errors = errors or folder.with_name(folder.name + ".errors")
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*through, sys.executable, "-m", "underseal", "portal", "serve", "--dir", str(folder)]
            + ["--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
        )
    assert process.stdout
    url = process.stdout.readline().decode().strip()
    process.stdout.close()
    assert url.startswith("http://127.0.0.1:"), errors.read_text()
    return Served(folder, process, int(url.rpartition(":")[2]), errors)


def end(served: Served) -> None:
    """End a portal, whatever state it is in."""
    if served.process.poll() is None:
        served.kill()


def _children(pid: int) -> list[int]:
    return sorted(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _received(line: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):  # the portal closes on a sender whose bytes it does not want
        while part := line.recv(65_536):
            parts.append(part)
    return b"".join(parts)


@dataclass(slots=True)
class _Message:
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def signed(
    key: SigningKey,
    path: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    age_seconds: int = 0,
    nonce: str | None = None,
    tag: str | None = "underseal-courier",
    components: Sequence[str] = COMPONENTS,
    host: str = "gate",
    key_id: str | None = None,
    extra: Mapping[str, str] = {},
) -> bytes:
    """Return a request to the gate as bytes, signed as FORMAT.md 10 says, or with one thing changed."""
    message = _Message(method, f"http://{host}{path}", dict(extra))
    name = key_id or key.public.fingerprint
    resolver = MappingKeyResolver(public_keys={}, private_keys={name: key.private})
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=resolver).sign(
        message,
        key_id=name,
        created=datetime.fromtimestamp(time.time() - age_seconds, UTC),
        nonce=random_bytes(16).hex() if nonce is None else nonce or None,
        label="courier",
        tag=tag,
        covered_component_ids=components,
        body=body if "content-digest" in components else None,
    )
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in message.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_of(raw: bytes) -> int:
    """Return the status of a raw answer."""
    return int(raw.split(b" ", 2)[1])


def body_of(raw: bytes) -> bytes:
    """Return the body of a raw answer."""
    return raw.partition(b"\r\n\r\n")[2]
