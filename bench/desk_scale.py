# SPDX-License-Identifier: AGPL-3.0-or-later
"""A desk with many invented letters: how long receiving takes, and how long lists and searches take then.

From a checkout:  PYTHONPATH=.:tests python bench/desk_scale.py 100000
Receives one bundle of 10,000 after the other, and prints a JSON line for each: seconds of the bundle, seconds of all so
far, and milliseconds of each question to the open vault (the median of seven; a real vault takes about one second more
to open). The letters are made of invented words, answers and months, with a detector's finding in one of twenty;
making and sealing them is not counted.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deskkit import PASSPHRASE, Desk, day, letter, letter_value, make_office, manifest_digest, typed

from desk import index, reading
from desk.reading import Filter
from desk.vault import Vault, open_vault, read_header

STEP = 10_000
TEXT = (
    "the decision was sent back from above with one line and no reasons; the officer signed it all the same and kept "
    "a note of the week; training came late and nobody answered questions about the standard or the form in use"
)
KINDS = ("REV", "STD", "DEC", "TRN", "REF", "INT", "CNS", "REC", "HRM", "RET", "WRK", "LAB")


def invented(chance: random.Random) -> bytes:
    """Return the plaintext of an invented letter."""
    text = " ".join(chance.choices(TEXT.split(), k=chance.randrange(40, 250)))
    text += " her A-number is A-123456789" if chance.random() < 0.05 else ""
    text += f" lantern{chance.randrange(10**6)}"
    month = f"20{chance.randrange(24, 27)}-{chance.randrange(1, 13):02}"
    answers = letter_value()["answers"] | {
        "kinds": chance.sample(KINDS, chance.randrange(1, 3)),
        "event_month": month,
        "region": chance.choice(("west", "east")),
    }
    return letter(text, id=f"{chance.getrandbits(128):032x}", answers=answers)


def milliseconds(ask: Callable[[], object]) -> float:
    """Return the median time of seven askings."""
    times = []
    for _ in range(7):
        started = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - started))
    return round(statistics.median(times), 1)


def questions(vault: Vault) -> dict[str, float]:
    """Return how long each question takes."""
    with vault.reading() as connection:
        some = index.page(connection, ["kind:REV"], limit=1)[0]["report"]
    month = Filter(kind="REV", month="2025-03", status="new")
    asked: dict[str, Callable[[], object]] = {
        "list": lambda: (reading.list_reports(vault, Filter(), limit=50), reading.count_reports(vault, Filter())),
        "filter": lambda: (reading.list_reports(vault, month, limit=50), reading.count_reports(vault, month)),
        "search_rare": lambda: reading.search_reports(vault, "lantern7*", 50),
        "search_common": lambda: reading.search_reports(vault, "signed training", 50),
        "show": lambda: reading.read_report(vault, some),
        "overview": lambda: reading.overview(vault, day()),
    }
    return {name: milliseconds(ask) for name, ask in asked.items()}


def receive(desk: Desk, bundle: bytes) -> float:
    """Let the desk receive a bundle, and return how many seconds that took."""
    started = time.monotonic()
    run = desk.receive(bundle)
    assert run.code == 0, run.err
    return time.monotonic() - started


def main(count: int) -> None:
    """Print a line after each bundle, until the desk has `count` reports."""
    with tempfile.TemporaryDirectory() as name:
        folder, chance = Path(name), random.Random(1)
        office = make_office(folder / "office")
        desk, whole, previous = Desk(office, folder / "desk", folder / "stick"), 0.0, None
        desk.stick.mkdir()
        desk.init()
        for pull in range(1, count // STEP + 1):
            bundle = office.bundle([office.envelope(invented(chance)) for _ in range(STEP)], pull, previous)
            seconds, previous = receive(desk, bundle), manifest_digest(bundle)
            whole += seconds
            line = {"letters": pull * STEP, "bundle_s": round(seconds, 1), "receive_s": round(whole, 1)}
            with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault:
                print(json.dumps({**line, "ms": questions(vault)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
