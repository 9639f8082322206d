# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the ceremony prints: the root fingerprint card for members, and a sheet for each keeper of a share. Texts only.

No share is ever a QR code: a code is read by a telephone, and a telephone keeps and sends what it reads.
"""

import re
import textwrap
from dataclasses import dataclass
from datetime import date

import segno

from crypto.signature import PublicKey
from desk.shares import NEEDED, SHARES, WORDS, Share, complete_words

COLUMNS = 3
ROWS = WORDS // COLUMNS
CARD_WORDS = "The page of this office shows this root fingerprint:"
THROWAWAY_MARK = "THROWAWAY OFFICE: these keys are weak on purpose and protect nobody"
_WIDTH = 78
_WORDS_HEAD = "The words"
_NUMBERED = re.compile(r"(?:^|\s)([0-9]{1,2})\. ([a-z]+)(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ShareSheet:
    """One sheet of paper: a share of the root of an office, and what its keeper takes on."""

    office: str
    root: PublicKey
    made: date
    throwaway: bool
    share: Share

    @property
    def title(self) -> str:
        """What stands above everything."""
        return f"Share {self.share.number} of {SHARES} of the root key"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is public on the sheet; all sheets that belong together agree in it."""
        return (
            ("Office", self.office),
            ("Root", grouped(self.root.fingerprint)),
            ("Made", f"{self.made} (UTC)"),
        )


SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "What it is",
        (
            f"One of {SHARES} shares of this office's root key. Any {NEEDED} together are the root; one alone tells "
            "nothing. The key itself was destroyed when the shares had been made.",
        ),
    ),
    (
        "What it is for",
        (
            "The root signs, once a quarter, to whose keys officers' reports are sealed; and, with each release, the "
            "page they write on. Whoever joins two shares can sign keys of their own, and read what is sealed from "
            "then on. Nothing sealed before can be opened with it.",
        ),
    ),
    (
        "What its keeper vouches for",
        (
            "I keep it in a closed envelope, in a place only I can open, away from the other two, and never on a "
            "computer or telephone: no photograph, no scan, no copy, not even in a password manager.",
            "I have it with me, and type it in myself, only where I have read what is about to be signed and agree.",
            "If it is lost, or anyone may have seen it, I tell the other two keepers the same day.",
            "Nobody gets it from me alone: not a colleague, not an officer of the union, not by telephone.",
        ),
    ),
)
AT_LOSS = (
    "If this sheet is lost, the other two still sign, and make three new shares of the same root (underseal keys "
    "shares renew). The old sheets are then burnt; the card stays true."
)


def grouped(fingerprint: str) -> str:
    """Return a fingerprint in groups of four, as the page shows it."""
    digits = fingerprint.removeprefix("SHA256:")
    return "SHA256: " + " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def card(office: str, fingerprint: str) -> str:
    """Return the union's card as text."""
    return f"{office}\n\n{CARD_WORDS}\n\n  {grouped(fingerprint)}\n"


def card_qr(fingerprint: str) -> segno.QRCode:
    """Return the fingerprint as a QR code."""
    return segno.make_qr(fingerprint, error="m")


def card_svg(fingerprint: str) -> bytes:
    """Return the fingerprint's QR code as a picture."""
    return card_qr(fingerprint).svg_inline(scale=6, border=4).encode("utf-8") + b"\n"


def word_rows(share: Share) -> list[list[tuple[int, str]]]:
    """Return the numbered words in the rows in which they are printed and typed."""
    numbered = list(enumerate(share.words, start=1))
    return [numbered[i : i + COLUMNS] for i in range(0, WORDS, COLUMNS)]


def sheet_text(sheet: ShareSheet) -> str:
    """Return the sheet as text, to print or to copy by hand."""
    lines = [sheet.title.upper(), ""]
    lines += [THROWAWAY_MARK, ""] if sheet.throwaway else []
    lines += [f"{name:8}{value}" for name, value in sheet.facts]
    for head, paragraphs in SECTIONS:
        mark = "- " if len(paragraphs) > 1 else ""
        lines += ["", head]
        for text in paragraphs:
            lines += textwrap.wrap(mark + text, _WIDTH, initial_indent="  ", subsequent_indent="  " + " " * len(mark))
    lines += ["", _WORDS_HEAD]
    lines += ["  " + "".join(f"{n:2}. {word:12}" for n, word in row).rstrip() for row in word_rows(sheet.share)]
    lines += ["", *textwrap.wrap(AT_LOSS, _WIDTH), "", "Keeper ____________________   Received on ____________________"]
    return "\n".join(lines) + "\n"


def words_on_sheet(text: str) -> list[str]:
    """Return the words of a sheet's text, in order. Raises ValueError if they are not all there."""
    numbered = _NUMBERED.findall(text.partition(f"\n{_WORDS_HEAD}\n")[2])
    words = [word for _, word in numbered]
    if [int(number) for number, _ in numbered] != list(range(1, WORDS + 1)):
        raise ValueError("not a share sheet")
    return complete_words(words)


def public_part(text: str) -> str:
    """Return what of a share sheet's text is public: its head. Raises ValueError for any other text."""
    words_on_sheet(text)
    return text[: text.index(SECTIONS[0][0])].rstrip("\n")
