# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal demo`: a throwaway office on this machine, through the same commands that people type.

It imports no part of the portal, courier or desk: it runs `underseal` for each step, and Node for the page's own code.
"""

import base64
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from intake.console import Voice
from intake.errors import Exit, UndersealError
from intake.files import make_folder, read, write_new
from intake.limits import MIB
from intake.page import officer_program
from intake.samples import QUESTIONNAIRE, REGIONS, letter_of, samples

_VOICE = Voice("demo")
_PASSPHRASE = b"throwaway office, protects nobody\n"
_CONTACTS = {"Office of Special Counsel": "osc.gov (example)", "Inspector General": "oig.dhs.gov (example)"}
_START_SECONDS = 30
_UNDERSEAL = (sys.executable, "-P", "-m", "underseal")


class StepFailed(UndersealError):
    """the step "{}" did not succeed"""


class NotADemo(UndersealError):
    """{} is there, and is not a finished demonstration"""

    hint = "remove it, or choose another folder with --dir"


class PortalEnded(UndersealError):
    """the portal has ended by itself"""

    exit_code = Exit.NETWORK
    hint = "the same command starts it again, with the same office"


class PortalSilent(UndersealError):
    """the portal did not answer within {} seconds"""

    exit_code = Exit.NETWORK


class PortTaken(UndersealError):
    """something else listens on port {}"""

    exit_code = Exit.NETWORK
    hint = "choose another with --port"


class LetterRefusedByPortal(UndersealError):
    """the portal did not keep a sample report: {}"""

    exit_code = Exit.NETWORK


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a demonstration keeps what belongs to whom."""

    base: Path

    @property
    def office(self) -> Path:
        return self.base / "office"

    @property
    def portal(self) -> Path:
        return self.base / "portal"

    @property
    def courier(self) -> Path:
        return self.base / "courier"

    @property
    def desk(self) -> Path:
        return self.base / "desk"

    @property
    def stick(self) -> Path:
        return self.base / "stick"

    @property
    def finished(self) -> Path:
        return self.base / "demo.txt"

    @property
    def passphrase(self) -> Path:
        return self.base / "passphrase.txt"


@click.command()
@click.option(
    "--dir", "base", type=click.Path(path_type=Path), default=Path("demo-office"), help="Folder.", show_default=True
)
@click.option("--port", type=click.IntRange(1, 65_535), default=8640, show_default=True, help="Loopback port.")
@click.option("--once", is_flag=True, help="Do it all, print one JSON line, and stop.")
@click.option("--no-samples", is_flag=True, help="Leave the shelf empty; the portal stays up.")
def demo(base: Path, port: int, once: bool, no_samples: bool) -> None:
    """Run a throwaway office: ceremony, portal, sample reports, courier, desk.

    The keys are weak on purpose and their passphrase lies beside them: nothing here protects anybody.

    \b
    Examples:
      underseal demo
      underseal demo --dir /tmp/try --port 8650 --once
      underseal demo --no-samples
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the portal is ended with us
    _check_free(port)
    folders = Folders(base.absolute())
    fresh = not folders.base.exists()
    if fresh:
        make_office(folders)
    elif not folders.finished.is_file():
        raise NotADemo(str(base))
    else:
        _VOICE.say(f"using the office that is in {base}")
    with _portal(folders, port) as portal:
        sent = received = 0
        if fresh:
            sent = 0 if no_samples else _send_samples(folders, port)
            make_courier_and_desk(folders, port)
            received = carry(folders) if sent else 0
            write_new(folders.finished, b"a throwaway office: it protects nobody\n")
        try:
            if once:
                _VOICE.answer_json(_result(folders, port, sent, received))
            else:
                _show(folders, base, port, bool(sent))
            if no_samples or not once:
                _stay(portal)
        except KeyboardInterrupt:
            _VOICE.say("stopped; nothing was deleted")


def _stay(portal: subprocess.Popen[bytes]) -> NoReturn:
    """Stay until the person, or a supervisor, ends the program by a KeyboardInterrupt.

    Raises PortalEnded if the portal ends first.
    """
    while portal.poll() is None:
        time.sleep(0.5)
    raise PortalEnded


def _check_free(port: int) -> None:
    """Refuse a port on which somebody else's portal could answer in place of ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(port) from error


def make_office(folders: Folders) -> None:
    """Hold a throwaway ceremony and set up its portal."""
    _VOICE.say("THROWAWAY KEYS: this office is for trying things out and protects nobody")
    make_folder(folders.base)
    make_folder(folders.stick)
    write_new(folders.passphrase, _PASSPHRASE)
    regions = [f"--region={name}={label}" for name, label in REGIONS.items()]
    contacts = [f"--contact={label}={text}" for label, text in _CONTACTS.items()]
    name = ["--office", "Throwaway Local 0000", "--throwaway"]
    run(folders, "ceremony", "keys", "ceremony", "--dir", folders.office, *name, *regions, *contacts, secret=True)
    run(folders, "portal", "portal", "init", "--public", folders.office / "public", "--dir", folders.portal)


def make_courier_and_desk(folders: Folders, port: int) -> None:
    """Set up the courier and the desk of the office."""
    public, secret = folders.office / "public", folders.office / "secret"
    portal_key = folders.portal / "portal.pub"
    run(
        folders, "courier", "courier", "init", "--dir", folders.courier,
        "--portal", address(port), "--gate", f"unix:{folders.portal / 'gate.sock'}", "--portal-key", portal_key,
        "--office", public / "office.json", "--key", secret / "courier.key",
    )  # fmt: skip
    run(
        folders, "desk", "desk", "init", "--dir", folders.desk, "--office", public, "--portal-key", portal_key,
        "--desk-key", secret / "desk.age", "--holder", secret / "holder-custodian.age",
        "--identity", secret / "custodian.age", "--reviewer", "Example reviewer", secret=True,
    )  # fmt: skip


def carry(folders: Folders) -> int:
    """Pull, receive and push, as a courier and a custodian would; return how many letters the desk has opened."""
    run(folders, "pull", "courier", "pull", "--dir", folders.courier, "--to", folders.stick, secret=True)
    bundle = sorted(folders.stick.glob("*.bundle"))[-1]
    outgoing = folders.stick / "outgoing"
    run(folders, "receive", "desk", "receive", bundle, "--dir", folders.desk, "--outgoing", outgoing, secret=True)
    run(folders, "push", "courier", "push", "--dir", folders.courier, "--from", outgoing, secret=True)
    listed = run(folders, "list", "desk", "list", "--dir", folders.desk, "--json", secret=True)
    return len(json.loads(listed))


def run(folders: Folders, step: str, *words: object, secret: bool = False) -> str:
    """Run one `underseal` command and return its answer. What it says is repeated only when it fails: StepFailed."""
    command = [*_UNDERSEAL, *(str(word) for word in words)]
    if secret:
        command += ["--passphrase-file", str(folders.passphrase)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        for line in done.stderr.splitlines():
            _VOICE.say(line)
        raise StepFailed(step)
    return done.stdout


@contextmanager
def _portal(folders: Folders, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = start_portal(folders, port)
    try:
        await_portal(process, port)
        yield process
    finally:
        stop_portal(process)


def start_portal(folders: Folders, port: int) -> subprocess.Popen[bytes]:
    """Start the portal of an office; `await_portal` waits until it answers."""
    command = [*_UNDERSEAL, "portal", "serve", "--dir", str(folders.portal), "--port", str(port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def stop_portal(process: subprocess.Popen[bytes]) -> None:
    """End the portal as a supervisor would."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def await_portal(process: subprocess.Popen[bytes], port: int) -> None:
    """Return once the portal answers. Raises PortalSilent."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if request(port, "GET", "/health", seconds=2)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise PortalSilent(_START_SECONDS)


def _send_samples(folders: Folders, port: int) -> int:
    """Seal the sample reports with the page's own code, and post them one by one."""
    week = request(port, "GET", "/keys.txt")[1].decode("utf-8")
    signature = request(port, "GET", "/keys.txt.sig")[1].decode("ascii")
    office = json.loads(read(folders.office / "public" / "office.json", MIB))
    today = time.strftime("%Y-%m-%d", time.gmtime())
    commands = [
        {"do": "seal", "letter": letter_of(sample), "questionnaire": QUESTIONNAIRE, "keys": week,
         "signature": signature, "office": office, "today": today}
        for sample in samples()
    ]  # fmt: skip
    for answer in _VOICE.counted(sealed(commands), len(commands), "reports"):
        envelope = base64.b64decode(answer["envelope"])
        status, body = request(port, "POST", "/envelopes", envelope)
        if status != 201 or body.decode("ascii", "replace").strip() != answer["digest"]:
            raise LetterRefusedByPortal(body.decode("utf-8", "replace").strip())
    _VOICE.say(f"{len(commands)} invented sample reports sealed by the page's own code, sent and kept by the portal")
    return len(commands)


def sealed(commands: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the answers of the page's code, run by Node, to a list of commands."""
    try:
        with subprocess.Popen(
            ["node", str(officer_program())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as node:
            assert node.stdin and node.stdout
            for command in commands:
                node.stdin.write(json.dumps(command) + "\n")
                node.stdin.flush()
                answer = json.loads(node.stdout.readline())
                if "envelope" not in answer:
                    raise StepFailed(f"seal: {answer.get('error', 'no answer')}")
                yield answer
    except FileNotFoundError as error:
        raise StepFailed("seal", hint="install Node 20 or newer") from error


def request(port: int, method: str, path: str, body: bytes | None = None, *, seconds: int = 60) -> tuple[int, bytes]:
    """Return (status, body) of one request to the portal."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        headers = {"Content-Type": "application/octet-stream"} if body is not None else {}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _result(folders: Folders, port: int, sent: int, received: int) -> dict[str, object]:
    paths = {name: str(getattr(folders, name)) for name in ("office", "courier", "desk", "stick", "passphrase")}
    return {"portal": address(port), "portal_dir": str(folders.portal), **paths, "sent": sent, "received": received}


def _show(folders: Folders, base: Path, port: int, opened: bool) -> None:
    if opened:
        _VOICE.say("pulled by the courier, opened and filed at the desk, acknowledged, and deleted at the portal")
        _VOICE.answer(run(folders, "list", "desk", "list", "--dir", folders.desk, secret=True))
    key = f"--passphrase-file {base / 'passphrase.txt'}"
    stick, outgoing = base / "stick", base / "stick" / "outgoing"
    _VOICE.answer(f"The portal is at {address(port)} until you press Ctrl-C.")
    _VOICE.answer("Write a report there in a browser, then type in another terminal:")
    if not base.is_absolute():
        _VOICE.answer(f"  cd {Path.cwd()}")
    for line in (
        f"PATH={Path(sys.executable).parent}:$PATH; export UNDERSEAL_DESK={base / 'desk'}",
        f"underseal courier pull --dir {base / 'courier'} --to {stick} {key}",
        f"underseal desk receive {stick}/*.bundle --outgoing {outgoing} {key}",
        f"underseal courier push --dir {base / 'courier'} --from {outgoing} {key}",
        f"underseal desk list {key}",
    ):
        _VOICE.answer(f"  {line}")


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"
