# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office data, and the page that carries it."""

import html
import json
import re

import pytest

from crypto.signature import SigningKey
from intake.office import Contact, Office, OfficeRefused, PageRefused, Region, read_office, render_page, write_office

OFFICE = Office(
    office='Local 9 "<script>" & Söhne',
    root=SigningKey.generate().public,
    floor=1,
    throwaway=False,
    collect_days=7,
    regions=(Region("west", "West"), Region("east", "East")),
    contacts=(Contact("OSC", "osc.gov"),),
)
PAGE = b'<html data-office="@OFFICE@"></html>'


def test_office_reads_back():
    """What is written is read."""
    assert read_office(write_office(OFFICE)) == OFFICE


def test_page_carries_it_as_text():
    """Markup in an office's name stays text, in one attribute."""
    page = render_page(PAGE, OFFICE).decode()
    assert "<script>" not in page
    (attribute,) = re.findall(r'data-office="([^"]*)"', page)
    assert json.loads(html.unescape(attribute))["office"] == OFFICE.office


@pytest.mark.parametrize("page", [b"<html></html>", PAGE * 2])
def test_page_without_its_place_refused(page):
    """A page that has no place for the data, or two, is not published."""
    with pytest.raises(PageRefused):
        render_page(page, OFFICE)


VALUE = json.loads(write_office(OFFICE))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"floor": 0},
        {"floor": True},
        {"throwaway": "no"},
        {"collect_days": 0},
        {"root": "ssh-rsa AAAA"},
        {"office": ""},
        {"regions": [{"id": "West", "label": "x"}]},
        {"regions": [{"id": "w", "label": "x"}] * 2},
        {"regions": [{"id": "w"}]},
        {"regions": 3},
        {"contacts": [{"label": "x", "value": 1}]},
        {"extra": 1},
    ],
)
def test_odd_office_refused(change):
    """Office data has exactly its fields, of their kinds."""
    with pytest.raises(OfficeRefused):
        read_office(json.dumps({**VALUE, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff"])
def test_no_office_refused(data):
    """Bytes that are no office data are refused in a sentence."""
    with pytest.raises(OfficeRefused):
        read_office(data)
