# SPDX-License-Identifier: AGPL-3.0-or-later
"""A desk with many invented letters: how long receiving takes, and how long lists and searches take then.

From a checkout:  PYTHONPATH=.:tests python bench/desk_scale.py 10000 100000
Receives bundles of 10,000 until each of these numbers is reached, and prints one JSON line for each: seconds of the
last bundle, and milliseconds of each question to the open vault (the median of seven; a real vault takes about one
second more to open). The letters are made of invented words, answers and months, with a detector's finding in one of
ten; sealing them is not counted.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deskkit import PASSPHRASE, Desk, Office, day, letter, letter_value, make_office, manifest_digest, typed

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


def receive(desk: Desk, office: Office, chance: random.Random, pull: int, previous: str | None) -> tuple[float, str]:
    """Receive one bundle, and return how long it took and its digest."""
    bundle = office.bundle([office.envelope(invented(chance)) for _ in range(STEP)], pull, previous)
    started = time.monotonic()
    run = desk.receive(bundle)
    assert run.code == 0, run.err
    return time.monotonic() - started, manifest_digest(bundle)


def main(targets: list[int]) -> None:
    """Print a line for each number of letters."""
    with tempfile.TemporaryDirectory() as name:
        folder, chance = Path(name), random.Random(1)
        office = make_office(folder / "office")
        desk = Desk(office, folder / "desk", folder / "stick")
        desk.stick.mkdir()
        desk.init()
        previous, total = None, 0.0
        for pull in range(1, max(targets) // STEP + 1):
            seconds, previous = receive(desk, office, chance, pull, previous)
            total += seconds
            if pull * STEP in targets:
                with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault:
                    asked = questions(vault)
                size = (desk.folder / "vault.sqlite").stat().st_size
                line = {"letters": pull * STEP, "receive_s": round(total, 1), "last_bundle_s": round(seconds, 1)}
                print(json.dumps({**line, "vault_mib": size >> 20, "ms": asked}), flush=True)


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [STEP])
