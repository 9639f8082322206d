# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office whose first weeks are long over, and its letters."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import (
    Office,
    letter,
    make_office,
)
from destroykit import AGO

from crypto.envelope import seal
from crypto.keylist import read_key_list
from crypto.signature import PublicKey


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose first weeks are long over."""
    return make_office(tmp_path_factory.mktemp("past"), weeks_ago=AGO)


@pytest.fixture
def office(past: Office, tmp_path: Path) -> Office:
    """Its files, to be changed."""
    return replace(past, folder=shutil.copytree(past.folder, tmp_path / "office"))


@pytest.fixture
def letters(office: Office) -> Callable[[int], bytes]:
    """A new letter of the week of that number."""
    root = PublicKey.parse((office.public / "root.pub").read_text().strip())

    def of(number: int) -> bytes:
        path = office.public / f"keys-{number + 1:06}.txt"
        key_list = read_key_list(path.read_bytes(), Path(f"{path}.sig").read_text(), root)
        return seal(letter(), key_list.weeks[0].recipients)

    return of
