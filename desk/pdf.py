# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cards and share sheets as PDF, one page each. The same input gives the same bytes: no clock, no program's name.

The fonts are those every reader has, so nothing is embedded; they have the letters of western Europe, and any
other letter of an office's name is shown as a question mark (the text forms have it as it is).
"""

from datetime import UTC, datetime
from typing import Literal

from fpdf import FPDF

from crypto.signature import PublicKey
from desk.sheets import AT_LOSS, CARD_WORDS, SECTIONS, THROWAWAY_MARK, ShareSheet, card_qr, grouped, word_rows

_PAGE_MM = (210.0, 279.4)  # as wide as A4, as high as Letter: printed whole on both
_MARGIN = 18.0
_WIDTH = _PAGE_MM[0] - 2 * _MARGIN
_NO_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # a PDF must name one
_CARD_MM = (85.0, 54.0)
_CARDS = (2, 4)  # columns, rows


class _Page(FPDF):
    def __init__(self) -> None:
        super().__init__(unit="mm", format=_PAGE_MM)
        self.set_creation_date(_NO_DAY)
        self.set_producer("")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.add_page()

    def file_id(self) -> str | Literal[-1] | None:
        """No identifier: it would be one of the contents, which may be secret."""
        return None

    def line_of(self, text: str, size: float, *, bold: bool = False, font: str = "helvetica") -> None:
        """Write a paragraph from the left margin, and go below it."""
        self.set_font(font, "B" if bold else "", size)
        self.multi_cell(0, size * 0.45, _latin(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def finished(self) -> bytes:
        """Return the finished file."""
        return bytes(self.output())


def card_pdf(office: str, root: PublicKey) -> bytes:
    """Return a page of eight equal cards, to print, cut and hand out."""
    page = _Page()
    left = (_PAGE_MM[0] - _CARDS[0] * _CARD_MM[0]) / 2
    top = (_PAGE_MM[1] - _CARDS[1] * _CARD_MM[1]) / 2
    for number in range(_CARDS[0] * _CARDS[1]):
        row, column = divmod(number, _CARDS[0])
        _draw_card(page, left + column * _CARD_MM[0], top + row * _CARD_MM[1], office, root)
    return page.finished()


def share_pdf(sheet: ShareSheet) -> bytes:
    """Return a share sheet: secret."""
    page = _Page()
    page.line_of(sheet.title, 20, bold=True)
    page.ln(2)
    if sheet.throwaway:
        page.line_of(THROWAWAY_MARK, 11, bold=True)
        page.ln(1)
    for name, value in sheet.facts:
        page.set_font("helvetica", "B", 10)
        page.cell(18, 6, name)
        page.set_font("courier" if name == "Root" else "helvetica", "", 9 if name == "Root" else 10)
        page.multi_cell(0, 6, _latin(value), align="L", new_x="LMARGIN", new_y="NEXT")
    for head, paragraphs in SECTIONS:
        page.ln(2.5)
        page.line_of(head, 11, bold=True)
        page.ln(0.5)
        for text in paragraphs:
            _draw_paragraph(page, text, bullet=len(paragraphs) > 1)
    page.ln(3)
    page.line_of("The words", 11, bold=True)
    page.ln(1)
    _draw_words(page, sheet)
    page.ln(3)
    page.line_of(AT_LOSS, 9.5)
    page.set_y(_PAGE_MM[1] - _MARGIN - 6)
    _draw_blank(page, "Keeper", 0.55)
    _draw_blank(page, "Received on", 0.45)
    return page.finished()


def _draw_card(page: FPDF, x: float, y: float, office: str, root: PublicKey) -> None:
    page.set_draw_color(170)
    page.set_line_width(0.2)
    page.rect(x, y, *_CARD_MM)
    page.set_xy(x + 5, y + 5)
    page.set_font("helvetica", "B", 11 if len(office) <= 40 else 8)
    page.multi_cell(_CARD_MM[0] - 10, 5, _latin(office), align="L", max_line_height=5)
    page.set_xy(x + 5, y + 17)
    page.set_font("helvetica", "", 8.5)
    page.multi_cell(43, 3.8, "Before you write, compare. " + CARD_WORDS, align="L")
    page.set_xy(x + 5, y + 31)
    page.set_font("courier", "B", 9)
    words = grouped(root.fingerprint).split(" ")
    lines = [words[0], *(" ".join(words[i : i + 4]) for i in range(1, len(words), 4))]
    for line in lines:
        page.set_x(x + 5)
        page.cell(43, 4, line, new_x="LEFT", new_y="NEXT")
    _draw_qr(page, x + _CARD_MM[0] - 35, y + 19, 30, root.fingerprint)


def _draw_qr(page: FPDF, x: float, y: float, side: float, text: str) -> None:
    rows = list(card_qr(text).matrix_iter(border=0))
    module = side / len(rows)
    page.set_fill_color(0)
    for i, row in enumerate(rows):
        for j, dark in enumerate(row):
            if dark:
                page.rect(x + j * module, y + i * module, module, module, style="F")


def _draw_paragraph(page: FPDF, text: str, *, bullet: bool) -> None:
    page.set_font("helvetica", "", 10)
    if bullet:
        page.cell(4, 4.6, "-")
    page.multi_cell(0, 4.6, _latin(text), align="L", new_x="LMARGIN", new_y="NEXT")
    if bullet:
        page.ln(0.8)


def _draw_words(page: FPDF, sheet: ShareSheet) -> None:
    page.set_draw_color(120)
    page.set_line_width(0.2)
    for row in word_rows(sheet.share):
        for number, word in row:
            width = _WIDTH / len(row)
            page.set_font("helvetica", "", 8)
            page.cell(7, 8, f"{number}", border="LTB", align="R")
            page.cell(2, 8, "", border="TB")
            page.set_font("courier", "B", 13)
            page.cell(width - 9, 8, word, border="TRB")
        page.ln(8)


def _draw_blank(page: FPDF, name: str, part: float) -> None:
    page.set_font("helvetica", "", 9)
    page.cell(24, 6, name)
    page.cell(_WIDTH * part - 28, 6, "", border="B")
    page.cell(4, 6, "")


def prints_whole(text: str) -> bool:
    """Return whether a PDF shows every letter of this text."""
    return _latin(text) == text


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")
