# SPDX-License-Identifier: AGPL-3.0-or-later
"""A desk with many invented letters: how long receiving takes, and how long lists and searches take then.

From a checkout:  PYTHONPATH=.:tests python bench/desk_scale.py 100000
Receives a bundle of 10,000, then files more as receive does until there are so many, and prints a JSON line for each:
seconds of the bundle, and milliseconds of each question to the open vault (the median of seven; a real vault takes
about one second more to open). The letters are made of invented words, answers and months, with a detector's finding
in one of twenty; sealing them is not counted.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deskkit import PASSPHRASE, Desk, Office, day, letter, letter_value, make_office, typed

from crypto.envelope import seal
from desk import index, reading
from desk.filing import Judge, Opener, file_envelope
from desk.reading import Filter
from desk.receive import BATCH
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


def receive(folder: Path, office: Office, chance: random.Random) -> tuple[float, Desk]:
    """Make a desk, let it receive one bundle, and return how long that took."""
    desk = Desk(office, folder / "desk", folder / "stick")
    desk.stick.mkdir()
    desk.init()
    bundle = office.bundle([office.envelope(invented(chance)) for _ in range(STEP)])
    started = time.monotonic()
    run = desk.receive(bundle)
    assert run.code == 0, run.err
    return time.monotonic() - started, desk


def fill(vault: Vault, chance: random.Random, count: int) -> None:
    """File so many more letters as `receive` does once they are open: what follows the opening is what fills tables."""
    sealed = seal(letter(), vault.settings.long_lived)
    judge = Judge(Opener([], vault.settings.slots), vault.settings)
    for _ in range(0, count, BATCH):
        with vault.writing() as writer:
            for _ in range(BATCH):
                plaintext = invented(chance)
                judged = judge.read(plaintext, sealed)
                file_envelope(writer, f"{chance.getrandbits(256):064x}", b"", judged)


def main(count: int) -> None:
    """Print a line after one bundle, and one after the desk has `count` reports."""
    with tempfile.TemporaryDirectory() as name:
        folder, chance = Path(name), random.Random(1)
        seconds, desk = receive(folder, make_office(folder / "office"), chance)
        with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault:
            print(json.dumps({"letters": STEP, "receive_s": round(seconds, 1), "ms": questions(vault)}), flush=True)
            fill(vault, chance, count - STEP)
            print(json.dumps({"letters": count, "ms": questions(vault)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
