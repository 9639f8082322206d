# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit of a simulated office, as the file that an officer would have saved."""

import html
import json
import os
import sys
from pathlib import Path

from simulator import Simulator

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(SOURCE / "portal/page"))
import render  # noqa: E402

BUILT = SOURCE / "intake/built"


def write_kit(office: Simulator, path: Path) -> str:
    """Write the kit with every list of the office's ceremony; return its address."""
    public = office.folders.office / "public"
    names = sorted(public.glob("keys-*.txt"))
    lists = [[name.read_text("utf-8"), name.with_name(name.name + ".sig").read_text("ascii")] for name in names]
    data = json.dumps(json.loads((public / "office.json").read_bytes()))
    page = render.kit(BUILT, (BUILT / "page.html").read_text("utf-8"))
    filled = page.replace("@OFFICE@", html.escape(data)).replace("@KIT@", html.escape(json.dumps(lists)))
    path.write_text(filled, "utf-8")
    return path.as_uri()
