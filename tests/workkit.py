# SPDX-License-Identifier: AGPL-3.0-or-later
"""A desk with six reports to work on, and a second person who works on them."""

from dataclasses import replace
from pathlib import Path

from deskkit import Desk, Office, letter

IDS = [f"{number:02}" * 16 for number in range(6)]


def file_six(desk: Desk, office: Office) -> Desk:
    """Return the desk with six reports, the last of which speaks of distress, and one letter that is none."""
    texts = [f"Report {name[:2]} about a decision." for name in IDS[:5]] + ["I want to end my life over this."]
    kinds = ("REV", "REV", "REV", "STD", "STD", "REV")
    letters = [
        letter(text, id=name, answers={"kinds": [kind], "event_month": "2026-03"})
        for name, text, kind in zip(IDS, texts, kinds, strict=True)
    ]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in (*letters, letter(kind="lost"))]))
    return desk


def join(desk: Desk, folder: Path) -> Desk:
    """Return the same desk as a coder opens it who has joined."""
    secret = folder / "other"
    secret.write_text("seven lamps over the water\n")
    assert 0 == desk("join", "Ben Example", "--role", "coder", "--new-passphrase-file", str(secret)).code
    other = folder / "office"
    other.mkdir()
    (other / "passphrase").write_text(secret.read_text())
    return replace(desk, office=replace(desk.office, folder=other))
