# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long the desk takes to receive letters, and to list, show and verify them.

From a checkout:  PYTHONPATH=.:tests python bench/desk_receive.py 2000
Seals that many letters, receives them into a throwaway vault in a temporary folder, and prints one JSON line.
A real vault takes about one second more for each command (Argon2id with 256 MiB), and one for each secret file.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deskkit import Desk, Run, letter, make_office


def _seconds(run: Callable[[], Run]) -> tuple[float, float]:
    """Return wall and processor seconds of a command that must end well."""
    wall, processor = time.monotonic(), time.process_time()
    done = run()
    assert done.code == 0, done.err
    return round(time.monotonic() - wall, 3), round(time.process_time() - processor, 3)


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        office = make_office(folder / "office")
        desk = Desk(office, folder / "desk", folder / "stick")
        desk.stick.mkdir()
        desk.init()
        bundle = office.bundle([office.envelope(letter("word " * 300)) for _ in range(count)])
        wall, processor = _seconds(lambda: desk.receive(bundle))
        first = desk.ids()[0]
        verbs = {"list": ("list",), "filter": ("list", "--kind", "REV"), "show": ("show", first), "verify": ("verify",)}
        measured = {name: _seconds(lambda verb=verb: desk(*verb)) for name, verb in verbs.items()}
    per_letter = {"wall_ms": round(wall * 1000 / count, 2), "processor_ms": round(processor * 1000 / count, 2)}
    print(json.dumps({"letters": count, "receive": [wall, processor], "per_letter": per_letter, **measured}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
