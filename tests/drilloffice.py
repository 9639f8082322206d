# SPDX-License-Identifier: AGPL-3.0-or-later
"""The people around a drill's host: a ceremony's machines, an officer, a courier behind Tor, a desk."""

import base64
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bootedhost import BootedHost, Network
from freshdebian import run
from hostkit import DOMAIN
from keyskit import MACHINES, hold
from officer import Officer
from simulator import SAMPLE
from tornet import TorNetwork, await_onion, fetch

from intake.samples import letter_of

COURIER, STRANGER = 9050, 9150
_ONION_SECONDS = 600
HOLDERS = MACHINES[:3]
_PROGRAM = [sys.executable, "-P", "-m", "underseal"]
OCTETS = ["-H", "Content-Type: application/octet-stream"]


class Office:
    """One throwaway office whose first quarter is signed, beside a Tor network on loopback."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.machines = hold(folder)
        signed = self.machines.sign()
        assert signed.code == 0, signed.err
        self.public = self.latest = self.machines.public
        (folder / "tor").mkdir()
        self.tor = TorNetwork(folder / "tor", inside=network.inside)
        self.tor.start()
        self._sealed = 0
        self._gates = 0

    def settle(self, tree: Path) -> None:
        """Let the tor of a host belong to this network, by its defaults: its own file stays as it is."""
        (tree / "etc/tor/torrc-defaults").write_text("\n".join([*self.tor.common, ""]))

    def names(self, addresses: list[str]) -> None:
        """Take down the portal's onion and the gate's."""
        self.onion, self.gate = addresses

    def gate_key(self, secret: str) -> None:
        """Let the courier's tor have the key for the gate; a stranger's tor has none."""
        keys = self.folder / "onion-keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        self._gates += 1
        line = f"{self.gate.removesuffix('.onion')}:descriptor:x25519:{secret}\n"
        (keys / f"gate-{self._gates}.auth_private").write_text(line)
        if self._gates > 1:
            self._courier.send_signal(signal.SIGHUP)
            return
        self.tor.run("courier", [f"SocksPort 127.0.0.1:{COURIER}", f"ClientOnionAuthDir {keys}"])
        self._courier = self.tor.processes[-1]
        self.tor.run("stranger", [f"SocksPort 127.0.0.1:{STRANGER}"])

    def take(self, tree: Path) -> None:
        """Set up a courier and a desk for this portal, with its key, carried by hand, and an empty stick."""
        self.place, self._received = self.folder / f"for-{tree.name}", 0
        (self.place / "stick").mkdir(parents=True)
        key = self.place / "portal.pub"
        key.write_bytes((tree / "var/lib/underseal/portal/portal.pub").read_bytes())
        self.underseal(
            "courier", "init", "--portal", f"http://{self.onion}", "--gate", f"http://{self.gate}",
            "--proxy", f"socks5h://127.0.0.1:{COURIER}", "--portal-key", key,
            "--office", self.machines.root / "office.json", "--key", self.machines.folder("courier") / "courier.key",
        )  # fmt: skip
        self.underseal(
            "desk", "init", "--office", self.public, "--portal-key", key, "--reviewer", "Ana Example",
            "--desk-key", self.machines.folder("desk") / "desk.age",
            "--holder", self.machines.folder("custodian") / "holder-custodian.age", secret=True,
        )  # fmt: skip

    def underseal(self, group: str, verb: str, *words: object, secret: bool | None = None) -> str:
        """Run a verb of the courier or the desk on the office's side of Tor."""
        given = ["--passphrase-file", self.folder / "passphrase"] if secret else []
        words = (*self.network.inside, *_PROGRAM, group, verb, "--dir", self.place / group, *words, *given)
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def learn_keys(self, host: BootedHost) -> None:
        """Let the officer's page load the keys, as it does at the moment of sealing."""
        self.keys, self.signature = (self.fetch_by_tls(host, f"/keys.txt{end}") for end in ("", ".sig"))

    def letter(self) -> Path:
        """Return a file with a new letter, sealed by the page's own code."""
        self._sealed += 1
        sample = {**SAMPLE, "facts": {**SAMPLE["facts"], "region": "west"}, "text": f"Letter {self._sealed}."}
        officer = Officer()
        answer = officer.ask(
            do="seal", letter=letter_of(sample), questionnaire="asylum-officer", keys=self.keys,
            signature=self.signature, office=json.loads((self.machines.root / "office.json").read_text()),
            today=datetime.now(UTC).date().isoformat(),
        )  # fmt: skip
        officer.close()
        assert "envelope" in answer, answer
        path = self.folder / f"letter-{self._sealed}.age"
        path.write_bytes(base64.b64decode(answer["envelope"]))
        return path

    def post_by_socket(self, host: BootedHost) -> str:
        """Send a letter where tor hands it to nginx, and return the digest that the portal answers."""
        (host.tree / "root/letter.age").write_bytes(self.letter().read_bytes())
        post = "curl -sf --unix-socket /run/underseal/onion.sock -H 'Content-Type: application/octet-stream'"
        return host.must(f"{post} --data-binary @/root/letter.age http://{self.onion}/envelopes").strip()

    def post_by_tls(self, host: BootedHost) -> str:
        """Send a letter to the clearnet name."""
        return self._tls(host, "/envelopes", *OCTETS, "--data-binary", f"@{self.letter()}").strip()

    def post_by_tor(self) -> str:
        """Send a letter to the onion from the other side of the network."""
        self.reachable_by_tor()
        words = [*self._curl(STRANGER), *OCTETS, "--data-binary", f"@{self.letter()}"]
        return run(*words, f"http://{self.onion}/envelopes").strip()

    def reachable_by_tor(self) -> bytes:
        """Return what the onion says of its health, once the network has found it."""
        return await_onion(STRANGER, self.onion, "/health", self.network.inside, seconds=_ONION_SECONDS)

    def _curl(self, port: int) -> list[str]:
        return [*self.network.inside, "curl", "-sf", "-m", "120", "--socks5-hostname", f"127.0.0.1:{port}"]

    def _tls(self, host: BootedHost, path: str, *words: str) -> str:
        curl = [*self.network.inside, "curl", "-sf", "--cacert", str(host.tree / "etc/underseal/tls/cert.pem")]
        return run(*curl, "--resolve", f"{DOMAIN}:443:127.0.0.1", *words, f"https://{DOMAIN}{path}")

    def fetch_by_tls(self, host: BootedHost, path: str) -> str:
        """Return what the clearnet name answers."""
        return self._tls(host, path)

    def headers_by_tls(self, host: BootedHost) -> str:
        """Return the head of the page at the clearnet name."""
        return self._tls(host, "/", "-I")

    def headers_by_tor(self) -> str:
        """Return the head of the page at the onion."""
        return run(*self._curl(STRANGER), "-I", f"http://{self.onion}/")

    def stranger_at_gate(self) -> tuple[int, bytes]:
        """Return what becomes of somebody without the courier's key who knows the gate's address."""
        return fetch(STRANGER, self.gate, "/status", 60, self.network.inside)

    def verify_by_tor(self) -> None:
        """Check every public file at the onion, as anyone can."""
        office = ["--office", self.machines.root / "office.json"]
        words = [*_PROGRAM, "portal", "verify", f"http://{self.onion}"]
        run(*self.network.inside, *words, *office, "--socks", f"socks5h://127.0.0.1:{STRANGER}")

    def carry(self) -> list[str]:
        """Pull through the gate's onion, receive, push; return the digests of the bundle's letters, sorted."""
        self._gate_is_reached()
        stick = self.place / "stick"
        self.underseal("courier", "pull", "--to", stick, secret=True)
        bundle = sorted(stick.glob("*.bundle"))[-1]
        self.underseal("desk", "receive", bundle, "--outgoing", stick / "outgoing", secret=True)
        self.push_outgoing()
        listed = json.loads(self.underseal("desk", "list", "--json", secret=True))
        manifest = json.loads(bundle.read_bytes().partition(b"\n")[0])
        self._received += len(manifest["envelopes"])
        assert self._received == len(listed)
        return sorted(name for name, _ in manifest["envelopes"])

    def push_outgoing(self) -> None:
        """Push what the desk has signed, the newest acknowledgement with it."""
        self._gate_is_reached()
        self.underseal("courier", "push", "--from", self.place / "stick/outgoing", secret=True)

    def at_courier(self, public: Path) -> dict[str, str]:
        """Return what stands for the RUNBOOK's words on this courier's computer, with a signing on its stick."""
        self._gate_is_reached()
        shutil.copytree(public, self.place / "stick/public", dirs_exist_ok=True)
        return {
            "underseal courier ": f"{shlex.join([*self.network.inside, *_PROGRAM, 'courier'])} ",
            "--dir courier": f"--dir {self.place / 'courier'}",
            "/media/stick": str(self.place / "stick"),
        }

    def _gate_is_reached(self) -> None:
        await_onion(COURIER, self.gate, "/status", self.network.inside, seconds=_ONION_SECONDS)

    def next_quarter(self) -> Path:
        """Hold the next signing, and return its public folder."""
        for name in HOLDERS:
            made = self.machines.make_holder(name, f"{name}-2", "--after", self.machines.half(name))
            assert made.code == 0, made.err
        last = self.public / "keys-000013.txt"
        signed = self.machines.sign(tuple(f"{name}-2" for name in HOLDERS), "--after", last)
        assert signed.code == 0, signed.err
        self.latest = self.machines.root / "signed-000014/public"
        return self.latest

    @contextlib.contextmanager
    def visitors(self, host: BootedHost) -> Iterator[Callable[[], set[str]]]:
        """Let somebody ask for the page without a pause; what is called afterwards returns the statuses they got."""
        answers: set[str] = set()
        ask = f"curl -s -m 60 -o /dev/null -w '%{{http_code}}\\n' --unix-socket /run/underseal/onion.sock http://{self.onion}/"
        words = [*host.inside, "sh", "-c", f"while :; do {ask}; done"]
        visitor = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            yield lambda: answers
        finally:
            os.killpg(visitor.pid, 15)
            answers |= set(visitor.communicate(timeout=10)[0].split())

    def end(self) -> None:
        """End the Tor network."""
        self.tor.end()
