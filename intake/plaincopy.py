# SPDX-License-Identifier: AGPL-3.0-or-later
"""A plain copy of a text for detectors, and where each of its characters came from; classes of code points."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_OTHER = "\ufffd"
_JOINER = "\u200d"  # joins pictures such as a family; anywhere else it is invisible


@dataclass(frozen=True, slots=True)
class Copy:
    """Text of ASCII and, for all else, U+FFFD or the letter itself.

    Character i came from the code points starts[i] to ends[i] of the original.
    """

    text: str
    lower: str
    starts: list[int]
    ends: list[int]


@dataclass(frozen=True, slots=True)
class Folding:
    """What a plain copy drops, and what it writes in place of characters that NFKC keeps."""

    dropped: re.Pattern[str]
    written: dict[str, str]

    def copy(self, text: str, *, every_script: bool = False) -> Copy:
        """Return the plain copy: NFKC, accents off, dashes and quotes plain, invisible characters left out.

        every_script  letters that have no ASCII form stay what they are, and are not one U+FFFD like another
        """
        if text.isascii() and not any(character in text for character in self.written):
            return Copy(text, text.lower(), list(range(len(text))), list(range(1, len(text) + 1)))
        plain: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        known: dict[str, str] = {}
        for at, character in enumerate(text):
            folded = known.get(character)
            if folded is None:
                folded = known[character] = self._folded(character, every_script)
            if folded:
                plain.append(folded)
                starts += [at] * len(folded)
                ends += [at + 1] * len(folded)
            elif ends:
                ends[-1] = at + 1  # an accent belongs to its letter
        whole = "".join(plain)
        return Copy(whole, whole.lower(), starts, ends)

    def _folded(self, character: str, every_script: bool) -> str:
        if character in self.written:
            return self.written[character]
        if character.isascii():
            return character
        if self.dropped.match(character):
            return ""
        parts = self.dropped.sub("", unicodedata.normalize("NFKD", character))
        folded = "".join(self.written.get(part, part) for part in parts)
        if every_script:
            return folded
        return folded if folded.isascii() and folded else _OTHER


@dataclass(frozen=True, slots=True)
class Alphabets:
    """Alphabets that look alike. A word of less than `min_letters` letters is a symbol, such as a unit."""

    word: re.Pattern[str]
    each: tuple[re.Pattern[str], ...]

    @classmethod
    def read(cls, data: dict[str, Any]) -> "Alphabets":
        """Return the alphabets that the data name, and the words made of them."""
        alphabets = [ranges for name, ranges in data.items() if name != "min_letters"]
        word = character_class(sum(alphabets, []), f"{{{data['min_letters']},}}")
        return cls(word, tuple(character_class(ranges) for ranges in alphabets))

    def mixed_words(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the words whose letters come from more than one alphabet."""
        if text.isascii():
            return
        for word in self.word.finditer(text):
            if sum(1 for alphabet in self.each if alphabet.search(word[0])) > 1:
                yield word.span()


def character_class(ranges: list[list[str]], times: str = "") -> re.Pattern[str]:
    """Return what matches code points of these ranges, each a pair of hexadecimal first and last."""
    inside = "".join(rf"\U{int(first, 16):08x}-\U{int(last, 16):08x}" for first, last in ranges)
    return re.compile(f"[{inside}]{times}")


def runs(text: str, characters: re.Pattern[str], pictures: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where such characters stand, neighbours together; one joiner between two pictures does not count."""
    for run in characters.finditer(text):
        before, after = text[max(run.start() - 1, 0) : run.start()], text[run.end() : run.end() + 1]
        if not (run[0] == _JOINER and pictures.match(before) and pictures.match(after)):
            yield run.span()
