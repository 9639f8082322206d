# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a desk takes of a later signing: never an older one, and another root only where it was handed on."""

from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import Office

from crypto.handedon import HandedOn, write_handed_on
from crypto.signature import Namespace, SigningKey, sign
from desk.errors import ListsOlder, OfficeMismatch
from desk.settings import Published, Settings, gather_settings, read_published, renew_settings

ROOT, NEW, STRANGER = (SigningKey.generate() for _ in range(3))


@pytest.fixture
def published(office: Office) -> Published:
    """What the ceremony published, as if a root of this test had signed it."""
    made = read_published(office.public)
    return replace(made, office=replace(made.office, root=ROOT.public))


@pytest.fixture
def known(office: Office, published: Published, tmp_path: Path) -> Settings:
    """The settings of a desk that knows it."""
    (tmp_path / "portal.pub").write_text(STRANGER.public.text + "\n")
    return gather_settings(published, tmp_path / "portal.pub", office.secret / "holder-custodian.age", None)


def handed(published: Published, *signers: SigningKey, office: str | None = None) -> Published:
    """Return the same by the new root, with a statement that two keys have signed."""
    facts = HandedOn(office or published.office.office, ROOT.public, NEW.public, published.lists[0].issued, 14, 2)
    text = write_handed_on(facts)
    statements = text + "".join(sign(text, key, Namespace.ROOT) for key in signers).encode()
    return replace(published, office=replace(published.office, root=NEW.public), statements=statements)


def test_new_root_is_taken(known: Settings, published: Published) -> None:
    """With a statement by both roots the desk goes on under the new one, with the files of keys that it has."""
    renewed = renew_settings(known, handed(published, ROOT, NEW), [], None)
    assert (NEW.public, known.holders, known.desk) == (renewed.office.root, renewed.holders, renewed.desk)


@pytest.mark.parametrize("signers", [(STRANGER, NEW), (ROOT, STRANGER), (NEW, NEW)], ids=["old", "new", "new twice"])
def test_statement_needs_both(known: Settings, published: Published, signers: tuple[SigningKey, ...]) -> None:
    """Without the old root's signature, or without the new one's, there is no statement."""
    with pytest.raises(OfficeMismatch, match="the statement is not signed by"):
        renew_settings(known, handed(published, *signers), [], None)


def test_new_root_without_a_statement(known: Settings, published: Published) -> None:
    """Another root alone is another office."""
    alone = replace(handed(published, ROOT, NEW), statements=b"")
    with pytest.raises(OfficeMismatch, match="none that was handed on to"):
        renew_settings(known, alone, [], None)


def test_statement_about_another_office(known: Settings, published: Published) -> None:
    """One root may have signed for two offices: each statement counts for its own."""
    with pytest.raises(OfficeMismatch, match="about another office"):
        renew_settings(known, handed(published, ROOT, NEW, office="Local 2"), [], None)


def test_lower_floor_is_older(known: Settings, published: Published) -> None:
    """Lists from before a revocation are older even where their sequences are not."""
    later = replace(known, office=replace(known.office, floor=5))
    with pytest.raises(ListsOlder):
        renew_settings(later, published, [], None)
    renew_settings(known, published, [], None)
