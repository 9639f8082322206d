# SPDX-License-Identifier: AGPL-3.0-or-later
"""Measure and print: see README.md of this folder.

.venv/bin/python bench/run.py [--letters 2000] [--receive 10000]
"""

import argparse
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from officer import Officer, b64  # noqa: E402
from simulator import SAMPLE, Simulator, free_port  # noqa: E402

from crypto.envelope import seal  # noqa: E402
from crypto.keylist import KeyList, read_key_list  # noqa: E402
from crypto.primitives import random_bytes  # noqa: E402
from crypto.secret.receipt import Receipt  # noqa: E402
from crypto.signature import PublicKey  # noqa: E402
from intake.letter import Letter, Return, write_letter  # noqa: E402
from intake.questionnaire import load_questionnaire  # noqa: E402
from underseal_demo import letter_of, request  # noqa: E402

CLIENTS = 64
_RECEIPT = Receipt.generate()
_RETURN = Return(_RECEIPT.tag_key.hex(), _RECEIPT.identity.recipient, _RECEIPT.thread.public.raw.hex())


def main() -> None:
    """Run every measurement and print its line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=2_000, help="letters to send")
    parser.add_argument("--receive", type=int, default=10_000, help="letters to receive")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        office = Simulator(Path(folder) / "office")
        try:
            envelopes = letters(office, max(options.letters, options.receive))
            measure_portal(office, envelopes[: options.letters])
            measure_receive(office, envelopes[options.letters : options.receive], options.receive)
        finally:
            office.stop()
    measure_sealing()


def letters(office: Simulator, count: int) -> list[bytes]:
    """Return so many invented reports, sealed to this week's recipients."""
    recipients = key_list(office).weeks[0].recipients
    asked = load_questionnaire("asylum-officer")
    fields = letter_of({**SAMPLE, "text": "An invented report, for measuring. " * 20})
    out = []
    for _ in range(count):
        letter = Letter(
            id=random_bytes(16).hex(),
            questionnaire_id=asked.id,
            questionnaire_version=asked.version,
            lang="en",
            answers=fields["answers"],
            text=fields["text"],
            consent=fields["consent"],
            return_=_RETURN,
        )
        out.append(seal(write_letter(letter), recipients))
    return out


def key_list(office: Simulator) -> KeyList:
    """Return the list that the portal serves."""
    text, signature = (request(office.port, "GET", path)[1] for path in ("/keys.txt", "/keys.txt.sig"))
    root = (office.folders.office / "public" / "root.pub").read_text("ascii").strip()
    return read_key_list(text, signature.decode(), PublicKey.parse(root))


def measure_portal(office: Simulator, envelopes: list[bytes]) -> None:
    """Durable letters a second, and the same load on an empty view."""
    with empty_view() as port:
        empty = rate(port, envelopes)
    kept = rate(office.port, envelopes)
    print(f"durable letters, {CLIENTS} clients: {kept:.0f}/s; empty view {empty:.0f}/s; ratio {kept / empty:.2f}")
    for pid in office.portal_processes():
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        print(f"portal process: {resident / 1024:.0f} MiB resident")


def rate(port: int, envelopes: list[bytes]) -> float:
    """Return how many envelopes a second are answered with 201."""
    shares = [envelopes[number::CLIENTS] for number in range(CLIENTS)]
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        answered = sum(clients.map(lambda share: send_all(port, share), shares))
    if answered != len(envelopes):
        raise SystemExit(f"only {answered} of {len(envelopes)} were kept")
    return answered / (time.monotonic() - started)


def send_all(port: int, envelopes: list[bytes]) -> int:
    """Send a share over one connection after the other; return how many were kept."""
    kept = 0
    for envelope in envelopes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/envelopes", envelope, {"Content-Type": "application/octet-stream"})
        response = connection.getresponse()
        response.read()
        kept += response.status == 201
        connection.close()
    return kept


@contextmanager
def empty_view() -> Iterator[int]:
    """Run the empty view under gunicorn with the portal's numbers of workers and threads."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "--threads", "16", "-b", f"127.0.0.1:{port}", "empty:app"]
    process = subprocess.Popen([*command, "--log-level", "error"], cwd=HERE)
    try:
        for _ in range(100):
            try:
                request(port, "GET", "/")
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def measure_receive(office: Simulator, more: list[bytes], total: int) -> None:
    """Seconds for the desk to receive everything that is on the shelf."""
    rate(office.port, more)
    started = time.monotonic()
    bundle = office.pull()
    pulled = time.monotonic()
    office.receive(bundle)
    received = time.monotonic()
    office.push()
    pushed = time.monotonic()
    office.desk("list", "--json")
    listed = time.monotonic()
    print(
        f"{total} letters: pull {pulled - started:.1f} s, receive {received - pulled:.1f} s, "
        f"push and delete {pushed - received:.1f} s, list with start of the program {listed - pushed:.1f} s"
    )


def measure_sealing() -> None:
    """Milliseconds for the page's self-test and seal, with and without a compiler."""
    times = {}
    # Node's own HTTP client wants WebAssembly, which --jitless removes; nothing here uses that client.
    for name, options in (("with JIT", ()), ("without JIT", ("--jitless", "--unhandled-rejections=none"))):
        officer = Officer(*options)
        officer.ask(do="selftest")
        recipients = [officer.ask(do="identity")["recipient"] for _ in range(3)]
        letter = b64(b" " * 16_384)
        started = time.monotonic()
        for _ in range(5):
            officer.ask(do="seal_bytes", plaintext=letter, recipients=recipients)
        times[name] = (time.monotonic() - started) / 5 * 1_000
        officer.close()
    print(", ".join(f"seal {name}: {ms:.0f} ms" for name, ms in times.items()))


if __name__ == "__main__":
    main()
