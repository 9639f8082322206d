# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit's key lists: as few as have every week, each as it was signed last, and none that the root did not sign."""

from datetime import date, timedelta

import pytest
from deskkit import PAGE

from crypto.handedon import Roots
from crypto.keylist import KeyList, Week, write_key_list
from crypto.secret.identity import HybridIdentity
from crypto.signature import Namespace, SigningKey, sign
from desk.ceremony import Plan, office_of
from desk.ceremony_errors import PageDiffers
from desk.kit import SignedList, check_newest, covered_days, kit_of, leading_to, lists_of_kit, signed_list
from intake.office import Office

ROOT, STRANGER = SigningKey.generate(), SigningKey.generate()
KEYS = [HybridIdentity.generate().recipient for _ in range(6)]
RENEWED = [HybridIdentity.generate().recipient for _ in range(6)]
MONDAY = date(2031, 5, 5)
OFFICE = office_of(Plan("Example Local 1", (), (), 7, 3, False, MONDAY), ROOT)


def day(week: int) -> date:
    """Return the Monday of the week with this number."""
    return MONDAY + timedelta(weeks=week)


def made(sequence: int, *weeks: int, keys=KEYS, signer: SigningKey = ROOT, office: Office = OFFICE) -> SignedList:
    """Return a list of these weeks, signed."""
    covered = tuple(Week(day(n), day(n) + timedelta(days=6), (keys[n],)) for n in weeks)
    public = ROOT.public
    says = KeyList("Example Local 1", sequence, MONDAY, covered[-1].last, 1, public, (public,), KEYS[0], covered)
    text = write_key_list(says)
    return signed_list(text, sign(text, signer, Namespace.KEYS).encode("ascii"), Roots(office.root))


def carried(lists: list[SignedList]) -> list[SignedList]:
    """Return the lists of a kit made of these."""
    return lists_of_kit(kit_of(PAGE, OFFICE, lists), OFFICE)


def found(lists: list[SignedList]) -> dict[date, Week]:
    """Return each week as the page finds it: in the last list that has it."""
    return {week.first: week for each in lists for week in each.says.weeks}


def test_every_other_list_is_enough():
    """Lists of two weeks overlap: half of them have every week."""
    lists = [made(n, n - 1, n) for n in range(1, 6)]
    assert [each.says.sequence for each in carried(lists)] == [1, 3, 5]
    assert found(carried(lists)) == found(lists)
    assert covered_days(carried(lists)) == (day(0), day(5) + timedelta(days=6))


def test_week_signed_again_counts_as_signed_last():
    """Lists that replace others from a week on: the kit finds the new keys there, and the old before."""
    lists = [*(made(n, n - 1, n) for n in range(1, 6)), *(made(n + 3, n - 1, n, keys=RENEWED) for n in range(4, 6))]
    assert found(carried(lists)) == found(lists)
    assert found(carried(lists))[day(3)].recipients == (RENEWED[3],)
    assert found(carried(lists))[day(2)].recipients == (KEYS[2],)


def test_early_signing_keeps_the_weeks_until_then():
    """Signed weeks ahead: the kit has what is in force today, and nothing that is over, replaced, or beyond a gap."""
    lists = [made(n, n - 1, n) for n in range(1, 6)]
    found = leading_to(day(5), lists, day(3))
    assert sorted(each.says.sequence for each in found) == [3, 4, 5]
    assert leading_to(day(5), lists, day(6)) == []
    assert [each.says.sequence for each in leading_to(day(2), lists, day(0))] == [2, 1]
    assert [each.says.sequence for each in leading_to(day(5), [lists[0], lists[4]], day(0))] == [5]


def test_order_of_the_files_does_not_matter():
    """Sequences tell which list is the last one, whatever order they come in."""
    lists = [made(1, 0, 1), made(2, 1, 2), made(9, 1, keys=RENEWED)]
    assert kit_of(PAGE, OFFICE, lists) == kit_of(PAGE, OFFICE, lists[::-1])


def test_gap_makes_no_kit():
    """A week that no list has, in the middle: no kit, and its first day is named."""
    with pytest.raises(PageDiffers, match=f"covers {day(2)}"):
        kit_of(PAGE, OFFICE, [made(1, 0, 1), made(4, 3, 4)])
    with pytest.raises(PageDiffers, match="no key list"):
        kit_of(PAGE, OFFICE, [])


@pytest.mark.parametrize(
    "kit",
    [
        b"",
        PAGE.kit,
        b'<html data-kit="[]">',
        b'<html data-kit="{}">',
        b'<html data-kit="[[1,2]]">',
        b'<html data-kit="[[&quot;a&quot;,&quot;\xc3\xa9&quot;]]">',
        b'<html data-kit="' + b"[" * 100_000 + b'">',
    ],
)
def test_damaged_kit_is_refused(kit):
    """What is no kit, or none with lists in it, gets one sentence."""
    with pytest.raises(PageDiffers):
        lists_of_kit(kit, OFFICE)


def test_strange_list_is_refused():
    """A list that another key has signed stops the kit, beside good ones too."""
    other = office_of(Plan("Example Local 1", (), (), 7, 3, False, MONDAY), STRANGER)
    forged = made(2, 1, 2, signer=STRANGER, office=other)
    with pytest.raises(PageDiffers, match="did not sign"):
        lists_of_kit(kit_of(PAGE, OFFICE, [made(1, 0, 1), forged]), OFFICE)


BEFORE = [made(n, n - 1, n) for n in range(1, 6)]
RENEWED_BATCH = [*(made(n + 5, n, n + 1, keys=RENEWED) for n in range(3, 5)), made(10, 5, keys=RENEWED)]
NEXT_BATCH = [made(6, 5)]


@pytest.mark.parametrize(
    ("lists", "known"),
    [
        (BEFORE, []),
        (BEFORE, BEFORE),
        (BEFORE[::2], BEFORE),
        (BEFORE, NEXT_BATCH),
        (RENEWED_BATCH, BEFORE + RENEWED_BATCH),
        (BEFORE + RENEWED_BATCH, RENEWED_BATCH),
    ],
)
def test_newest_lists_are_taken(lists, known):
    """What no later list replaces may be in a kit: nor does a batch that goes on with the same keys."""
    check_newest(lists_of_kit(kit_of(PAGE, OFFICE, lists), OFFICE), known)


@pytest.mark.parametrize("known", [RENEWED_BATCH, RENEWED_BATCH[:1], RENEWED_BATCH[1:], [made(9, 3, keys=RENEWED)]])
def test_replaced_lists_are_refused(known):
    """A kit of lists that were signed again, for all its weeks or some of them, would seal to keys given up."""
    with pytest.raises(PageDiffers, match="which list [0-9]+ replaces"):
        check_newest(lists_of_kit(kit_of(PAGE, OFFICE, BEFORE), OFFICE), BEFORE + known)


def test_weeks_given_up_are_refused():
    """Signed again for fewer weeks: those that only the replaced lists have count no more either."""
    with pytest.raises(PageDiffers, match="which list 9 replaces"):
        check_newest([made(5, 4, 5)], [made(9, 2, 3)])
