# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office for the desk's tests: a real ceremony, a portal's key, letters, bundles, and the desk's program."""

import io
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from crypto.envelope import LETTER_BYTES, seal
from crypto.keylist import read_key_list
from crypto.primitives import digest
from crypto.recipient import Recipient
from crypto.secret.receipt import Receipt
from crypto.signature import Namespace, PublicKey, SigningKey, sign
from desk import tables
from desk.ceremony import Keeper, Plan, hold_ceremony
from desk.events import Signed, read_event
from desk.vault import Unlocked
from intake.bundle import Manifest, write_manifest
from intake.office import Contact, Region
from intake.page import BuiltPage

PASSPHRASE = "correct horse battery staple"
CANARY = "the herons counted seven lanterns at the ferry"
NAMES = ("a.js", "a.css", "a.svg")
INDEX, KIT = b'<html data-office="@OFFICE@"></html>', b'<html data-kit="@KIT@" data-office="@OFFICE@"></html>'
PAGE = BuiltPage(INDEX, KIT, *NAMES, dict.fromkeys(NAMES, b""))
REPLY = Receipt.generate()  # one receipt serves all letters of these tests: the desk keeps nothing of it


@dataclass(frozen=True, slots=True)
class Run:
    """What a command did. `left` is what it did not read of standard input."""

    code: int
    out: str
    err: str
    left: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Office:
    """The folders of an office, and what its portal signs with."""

    folder: Path
    recipients: tuple[Recipient, ...]
    desk: PublicKey
    portal: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def public(self) -> Path:
        return self.folder / "public"

    @property
    def secret(self) -> Path:
        return self.folder / "secret"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "passphrase"

    def init_arguments(self, vault: Path) -> list[str]:
        """Return the arguments that make a vault of this office."""
        return [
            "init",
            *("--dir", str(vault)),
            *("--office", str(self.public)),
            *("--portal-key", str(self.folder / "portal.pub")),
            *("--desk-key", str(self.secret / "desk.age")),
            *("--holder", str(self.secret / "holder-custodian.age")),
            *("--reviewer", "Ana Example"),
        ]

    def envelope(self, plaintext: bytes) -> bytes:
        """Return an envelope sealed to this week's recipients."""
        return seal(plaintext, self.recipients)

    def bundle(self, envelopes: Sequence[bytes], pull: int = 1, previous: str | None = None, **changes: Any) -> bytes:
        """Return a bundle of these envelopes, as the portal writes it; `changes` go into its manifest."""
        sealed = {digest(envelope): envelope for envelope in envelopes}
        names = tuple((name, len(sealed[name])) for name in sorted(sealed))
        facts = {"portal": self.portal.public.fingerprint, "desk": self.desk.fingerprint, "pulled": day(), **changes}
        line = write_manifest(Manifest(pull=pull, previous=previous, envelopes=names, **facts))
        signature = sign(line, self.portal, Namespace.BUNDLE).encode()
        return line + signature + b"".join(sealed[name] for name, _ in names)


def make_office(folder: Path, *, throwaway: bool = True, weeks_ago: int = 0) -> Office:
    """Hold a ceremony in `folder`, as if so many weeks ago, and return its office."""
    today = day() - timedelta(weeks=weeks_ago)
    regions = (Region("west", "West"), Region("east", "East"))
    plan = Plan("Local 1", regions, (Contact("OSC", "osc.example"),), 7, 3, throwaway, today)
    made = hold_ceremony(plan, dict.fromkeys(Keeper, PASSPHRASE), PAGE)
    for part, contents in (("public", made.public), ("secret", made.secret)):
        for name, data in contents.items():
            path = folder / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    root = PublicKey.parse(made.public["root.pub"].decode().strip())
    key_list = read_key_list(made.public["keys-000001.txt"], made.public["keys-000001.txt.sig"].decode(), root)
    office = Office(folder, key_list.weeks[0].recipients, key_list.desk)
    (folder / "portal.pub").write_text(office.portal.public.text + "\n")
    office.passphrase_file.write_text(PASSPHRASE + "\n")
    return office


def manifest_digest(bundle: bytes) -> str:
    """Return the digest that the next manifest names as `previous`."""
    return digest(bundle[: bundle.index(b"\n") + 1])


def letter_value(text: str = "Three decisions were sent back.", **changes: Any) -> dict[str, Any]:
    """Return a letter as JSON, with `changes` to its fields."""
    value: dict[str, Any] = {
        "v": 1,
        "kind": "report",
        "id": secrets.token_hex(16),
        "questionnaire": {"id": "asylum-officer", "version": "2"},
        "lang": "en",
        "answers": {"kinds": ["REV"], "event_month": "2026-03", "region": "west", "knows": "saw_myself"},
        "text": text,
        "consent": {
            **dict.fromkeys(("counsel", "grievance", "aggregate", "oversight", "litigation", "press"), False),
            **{"record": True, "quote": "none", "min_similar": "0", "not_before": "no_answer", "text_version": "1"},
        },
        "attachments": [],
        "return": {
            "tag_key": REPLY.tag_key.hex(),
            "recipient": REPLY.identity.recipient.text,
            "thread_key": REPLY.thread.public.raw.hex(),
        },
    }
    return {**value, **changes}


def letter(text: str = "Three decisions were sent back.", **changes: Any) -> bytes:
    """Return the plaintext of a letter."""
    return filled(json.dumps(letter_value(text, **changes), ensure_ascii=False))


def filled(text: str) -> bytes:
    """Return a letter's plaintext of this JSON text, lone surrogates and all."""
    return text.encode("utf-8", "surrogatepass").ljust(LETTER_BYTES, b" ")


def command(*arguments: str, typed: str = "") -> Run:
    """Run the program in this process, as its entry point does."""
    import underseal

    out, err, before = io.StringIO(), io.StringIO(), (sys.argv, sys.stdin)
    sys.argv, sys.stdin = ["underseal", *arguments], io.StringIO(typed)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            underseal.main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        left = sys.stdin.read()
        sys.argv, sys.stdin = before
    return Run(code, out.getvalue(), err.getvalue(), left)


@dataclass(slots=True)
class Desk:
    """A desk with a vault. Calling it runs a verb with the vault's folder and passphrase."""

    office: Office
    folder: Path
    stick: Path

    def __call__(self, verb: str, *arguments: str, typed: str = "") -> Run:
        return command(*self.arguments(verb, *arguments), typed=typed)

    def arguments(self, verb: str, *arguments: str) -> list[str]:
        """Return the arguments of a verb with the options that every verb needs."""
        ours = ["--dir", str(self.folder), "--passphrase-file", str(self.office.passphrase_file)]
        return ["desk", verb, *ours, *arguments]

    def init(self) -> Run:
        """Make the vault."""
        arguments = ["desk", *self.office.init_arguments(self.folder)]
        return command(*arguments, "--passphrase-file", str(self.office.passphrase_file))

    def receive(self, bundle: bytes) -> Run:
        """Receive a bundle, with the acknowledgement going to the stick's outgoing folder."""
        path = self.stick / "bundle"
        path.write_bytes(bundle)
        return self("receive", str(path), "--outgoing", str(self.stick / "outgoing"))

    def ids(self) -> list[str]:
        """Return the ids of all reports."""
        return [report["id"] for report in self("list", "--json").json]

    def asides(self) -> list[str]:
        """Return the faults of what was set aside."""
        return [aside["fault"] for aside in self("set-aside", "--json").json]


def day() -> date:
    """Return today, by UTC."""
    return datetime.now(UTC).date()


def read_log(connection: Connection) -> Iterator[Signed]:
    """Yield the log, chain after chain. Raises EventRefused for a line that is no event."""
    for row in connection.execute(select(tables.events).order_by(tables.events.c.reviewer, tables.events.c.number)):
        yield Signed(read_event(row.body), row.body, row.signature, row.digest)


def typed(passphrase: str) -> Unlocked:
    """Return the way into a vault of somebody who types this."""
    return lambda attempt: attempt(passphrase)


def killed_after(seconds: float, desk: Desk, *arguments: str, typed: str = "") -> bool:
    """Run a verb in a child, kill it after so long, and tell whether it had ended before."""
    return killed(seconds, lambda: desk(*arguments, typed=typed))


def killed(seconds: float, run: Callable[[], object]) -> bool:
    """Run something in a child, kill it after so long, and tell whether it had ended before."""
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            run()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)
