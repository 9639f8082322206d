# SPDX-License-Identifier: AGPL-3.0-or-later
"""The key list: one spelling, one signer, and no list that was tampered with."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from crypto.errors import Untrusted
from crypto.keylist import KeyList, Week, read_key_list, write_key_list
from crypto.secret.identity import HybridIdentity
from crypto.signature import Namespace, SigningKey, sign

ROOT = SigningKey.generate()
RECIPIENTS = tuple(HybridIdentity.generate().recipient for _ in range(6))
MONDAY = date(2031, 5, 5)
LIST = KeyList(
    office="Hall 9 of Sueño",
    sequence=7,
    issued=MONDAY,
    expires=date(2031, 5, 18),
    slots=3,
    desk=SigningKey.generate().public,
    couriers=(SigningKey.generate().public,),
    counsel=HybridIdentity.generate().recipient,
    weeks=(
        Week(MONDAY, date(2031, 5, 11), RECIPIENTS[:3]),
        Week(date(2031, 5, 12), date(2031, 5, 18), RECIPIENTS[3:]),
    ),
)
TEXT = write_key_list(LIST).decode()


def signed(text: str, key: SigningKey = ROOT, namespace: Namespace = Namespace.KEYS) -> str:
    return sign(text.encode(), key, namespace)


def page_fault(officer, text: str, signature: str, *, floor: int = 1, today: str = "2031-05-06") -> str | None:
    answer = officer.ask(do="keylist", keys=text, signature=signature, root=ROOT.public.text, floor=floor, today=today)
    return answer.get("fault")


def test_list_reads_back(officer):
    """What is written is read, by Python and by the page."""
    assert read_key_list(TEXT.encode(), signed(TEXT), ROOT.public) == LIST
    assert page_fault(officer, TEXT, signed(TEXT)) is None


def test_other_root_refused(officer):
    """A list signed by another root is not this office's."""
    signature = signed(TEXT, SigningKey.generate())
    with pytest.raises(Untrusted) as refusal:
        read_key_list(TEXT.encode(), signature, ROOT.public)
    assert refusal.value.fault == "keys-signature"
    assert page_fault(officer, TEXT, signature) == "keys-signature"


def test_one_recipient_changed_refused(officer):
    """A recipient swapped under the old signature is refused before the text is read."""
    changed = TEXT.replace(RECIPIENTS[0].text, HybridIdentity.generate().recipient.text)
    with pytest.raises(Untrusted) as refusal:
        read_key_list(changed.encode(), signed(TEXT), ROOT.public)
    assert refusal.value.fault == "keys-signature"
    assert page_fault(officer, changed, signed(TEXT)) == "keys-signature"


def test_lower_sequence_refused(officer):
    """A well-signed list below the floor is an old one played again."""
    with pytest.raises(Untrusted) as refusal:
        read_key_list(TEXT.encode(), signed(TEXT), ROOT.public, floor=8)
    assert refusal.value.fault == "keys-sequence"
    assert page_fault(officer, TEXT, signed(TEXT), floor=8) == "keys-sequence"


def test_signature_for_another_purpose_refused(officer):
    """The root's signature on the page's digests does not sign a list."""
    signature = signed(TEXT, namespace=Namespace.PAGE)
    with pytest.raises(Untrusted):
        read_key_list(TEXT.encode(), signature, ROOT.public)
    assert page_fault(officer, TEXT, signature) == "keys-signature"


@pytest.mark.parametrize(("today", "fault"), [("2031-05-19", "keys-expired"), ("2031-05-04", "keys-week")])
def test_day_outside_refused(today, fault, officer):
    """A day before or after the list's weeks has no recipients."""
    with pytest.raises(Untrusted) as refusal:
        LIST.check_today(date.fromisoformat(today))
    assert fault == refusal.value.fault
    assert fault == page_fault(officer, TEXT, signed(TEXT), today=today)


@pytest.mark.parametrize(("offset", "week"), [(0, 0), (6, 0), (7, 1), (13, 1)])
def test_week_of_a_day(offset, week):
    """Mondays and Sundays belong to their own week."""
    assert LIST.weeks[week] == LIST.check_today(MONDAY + timedelta(days=offset))


FIRST, SECOND = RECIPIENTS[0].text, RECIPIENTS[1].text
WEEK_1 = "week 2031-05-05 2031-05-11\n"
DEFECTS = {
    "other version": ("keys v1", "keys v2"),
    "no final line end": (RECIPIENTS[5].text + "\n", RECIPIENTS[5].text),
    "empty line": ("sequence", "\nsequence"),
    "carriage return": ("slots 3\n", "slots 3\r\n"),
    "unknown line": ("slots 3\n", "slots 3\ncolour blue\n"),
    "missing line": ("slots 3\n", ""),
    "lines swapped": ("sequence 7\nissued 2031-05-05\n", "issued 2031-05-05\nsequence 7\n"),
    "two spaces": ("sequence 7", "sequence  7"),
    "sequence 0": ("sequence 7", "sequence 0"),
    "sequence 07": ("sequence 7", "sequence 07"),
    "sequence with other digits": ("sequence 7", "sequence ٧"),
    "sequence too high": ("sequence 7", "sequence 1000000"),
    "day without zero": ("issued 2031-05-05", "issued 2031-5-5"),
    "no such day": ("issued 2031-05-05", "issued 2031-02-30"),
    "week date form": ("issued 2031-05-05", "issued 2031-W19-1"),
    "issued after it expires": ("issued 2031-05-05", "issued 2031-05-19"),
    "expires later": ("expires 2031-05-18", "expires 2031-05-25"),
    "slots 2": ("slots 3", "slots 2"),
    "slots 7": ("slots 3", "slots 7"),
    "recipient missing": (f"recipient {FIRST}\n", ""),
    "recipient twice": (f"recipient {FIRST}\n", f"recipient {SECOND}\n"),
    "recipient in capitals": (FIRST, FIRST.upper()),
    "recipient mistyped": (FIRST, FIRST[:-1] + ("q" if FIRST[-1] != "q" else "p")),
    "classic recipient": (FIRST, "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"),
    "plugin recipient": (FIRST, "age1../../bin/sh1qqqqqq"),
    "week from Tuesday": (WEEK_1, "week 2031-05-06 2031-05-12\n"),
    "week of eight days": (WEEK_1, "week 2031-05-05 2031-05-12\n"),
    "weeks apart": (WEEK_1, "week 2031-04-21 2031-04-27\n"),
    "week with three days": (WEEK_1, "week 2031-05-05 2031-05-11 2031-05-12\n"),
    "no courier": (f"courier {LIST.couriers[0].text}\n", ""),
    "five couriers": (f"courier {LIST.couriers[0].text}\n", f"courier {LIST.couriers[0].text}\n" * 5),
    "desk key with a comment": (LIST.desk.text, LIST.desk.text + " desk"),
    "desk key of another kind": (LIST.desk.text, "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ=="),
    "weeks at the end of time": ("week 2031-05-12 2031-05-18", "week 9999-12-27 9999-12-31"),
    "office empty": ("office Hall 9 of Sueño", "office "),
    "office with a space last": ("Sueño\n", "Sueño \n"),
    "office with bidi mark": ("Hall", "Hall\u202e"),
    "office with escape": ("Hall", "\x1b[31mHall"),
    "office too long": ("Hall 9", "Hall" * 21),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_signed_defect_refused(name, officer):
    """A defect is refused even when the root has signed it, by Python and by the page."""
    old, new = DEFECTS[name]
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(Untrusted) as refusal:
        read_key_list(text.encode(), signed(text), ROOT.public)
    assert refusal.value.fault == "keys-grammar"
    assert page_fault(officer, text, signed(text)) == "keys-grammar"


def test_too_long_refused():
    """More than 256 KiB is not looked at."""
    text = TEXT + " " * 262_144
    with pytest.raises(Untrusted) as refusal:
        read_key_list(text.encode(), signed(text), ROOT.public)
    assert refusal.value.fault == "keys-size"


@pytest.mark.parametrize("change", [{"slots": 2}, {"sequence": 0}, {"office": "a\nslots 9"}, {"weeks": ()}])
def test_bad_list_never_written(change):
    """What readers would refuse is not written."""
    with pytest.raises((ValueError, IndexError)):
        write_key_list(replace(LIST, **change))
