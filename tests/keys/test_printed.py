# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is printed: the same bytes for the same input, no trace of when or by what, and all that belongs on it."""

import re
import zlib
from datetime import date

import pytest

from crypto.signature import SigningKey
from desk.pdf import card_pdf, prints_whole, share_pdf
from desk.shares import split_root
from desk.sheets import ROWS, WORDS, ShareSheet, card, card_qr, grouped, word_rows

ROOT = SigningKey.generate()
SHARE = split_root(ROOT)[2]
SHEET = ShareSheet("Local 9", ROOT.public, date(2031, 5, 7), False, SHARE)
PDFS = {"share": lambda: share_pdf(SHEET), "card": lambda: card_pdf("Local 9", ROOT.public)}


def content(pdf: bytes) -> str:
    """Return what the pages draw, texts in round brackets."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return "\n".join(zlib.decompress(stream).decode("latin-1") for stream in streams)


def texts(pdf: bytes) -> list[str]:
    return re.findall(r"\(((?:[^()\\]|\\.)*)\) Tj", content(pdf))


@pytest.mark.parametrize("name", PDFS)
def test_same_input_same_bytes(name):
    """Two makings differ in nothing."""
    assert PDFS[name]() == PDFS[name]()


@pytest.mark.parametrize("name", PDFS)
def test_no_metadata(name):
    """No clock but the fixed one, no program, no version, no identifier, one page."""
    pdf = PDFS[name]()
    assert re.findall(rb"/CreationDate (\S+)", pdf) == [b"(D:20000101000000Z)"]
    assert not re.search(rb"/Producer|/Creator |/ModDate|/ID |/Author|/Title|fpdf|py-pdf", pdf, re.IGNORECASE)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1


def test_share_sheet_has_its_words():
    """All 33, each beside its number, and the head that is public."""
    drawn = texts(share_pdf(SHEET))
    start = drawn.index("The words") + 1
    numbered = [(int(drawn[start + 2 * i]), drawn[start + 2 * i + 1]) for i in range(WORDS)]
    assert numbered == list(enumerate(SHARE.words, start=1))
    assert {"Share 3 of 3 of the root key", "Local 9", grouped(ROOT.public.fingerprint)} <= set(drawn)


def test_share_sheet_has_no_code():
    """No QR code of a secret, nor of anything near it: a telephone held over this sheet would keep its words."""
    drawn = content(share_pdf(SHEET))
    assert len(re.findall(r"\bre f\b", drawn)) == 0
    assert len(re.findall(r"\bre f\b", content(card_pdf("Local 9", ROOT.public)))) > 1000


def test_card_has_the_fingerprint():
    """Eight times, in groups of four, as the page shows it."""
    drawn = " ".join(texts(card_pdf("Local 9", ROOT.public)))
    assert drawn.count(grouped(ROOT.public.fingerprint)) == 8
    assert drawn.count("Local 9") == 8


def test_card_code_is_the_fingerprint():
    """The code on the card is that of the fingerprint; its text form says the same."""
    squares = sum(bool(dark) for row in card_qr(ROOT.public.fingerprint).matrix_iter(border=0) for dark in row)
    assert len(re.findall(r"\bre f\b", content(card_pdf("Local 9", ROOT.public)))) == 8 * squares
    assert grouped(ROOT.public.fingerprint) in card("Local 9", ROOT.public.fingerprint)


@pytest.mark.parametrize("office", ["x" * 80, "Łódź 9", "地方 9", "a(b)\\c", "É" * 80, "WWWW " * 15 + "WWWWW"])
def test_any_office_can_be_printed(office):
    """A name of any letters and length makes one page of each kind."""
    for pdf in (card_pdf(office, ROOT.public), share_pdf(ShareSheet(office, ROOT.public, SHEET.made, True, SHARE))):
        assert len(re.findall(rb"/Type /Page\b", pdf)) == 1


def test_unprintable_letters_are_known():
    """Before anyone wonders about a question mark: the program knows which names a PDF cannot show."""
    assert prints_whole("Sección 9, Überall")
    assert not prints_whole("Łódź 9")


def test_rows_are_those_of_the_prompt():
    """The sheet has eleven rows of three, which is how the program asks."""
    rows = word_rows(SHARE)
    assert ROWS == len(rows) == 11
    assert {len(row) for row in rows} == {3}
