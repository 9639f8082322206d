# SPDX-License-Identifier: AGPL-3.0-or-later
"""A desk with reports of three fates and a junk envelope, and a second person."""

from pathlib import Path

import pytest
from deskkit import Desk, Office, letter, letter_value
from keepkit import OPEN, OUT, RECORD


@pytest.fixture
def kept(desk: Desk, office: Office) -> Desk:
    """A desk with a report for the record only, one with more consent, one out of scope, and one junk envelope."""
    more = letter_value()["consent"] | {"counsel": True}
    letters = [
        letter("for the record", id=RECORD),
        letter("more than that", id=OPEN, consent=more),
        letter("buy my lamps", id=OUT, consent=more),
    ]
    desk.receive(office.bundle([*(office.envelope(each) for each in letters), bytes(21_157)]))
    desk("tag", "0303", "OTH.OUT")
    desk("note", "0303", typed="an advertisement")
    return desk


@pytest.fixture
def second_person(kept: Desk, tmp_path: Path) -> str:
    """The passphrase of an approver who has joined."""
    secret = tmp_path / "approver"
    secret.write_text("nine bells at the harbour\n")
    assert 0 == kept("join", "Ben Example", "--role", "approver", "--new-passphrase-file", str(secret)).code
    return "nine bells at the harbour"
