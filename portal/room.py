# SPDX-License-Identifier: AGPL-3.0-or-later
"""Room on the disk that holds the shelf: when letters are no longer taken, and what is kept back for deleting.

On a large disk the percentage stops letters first, on a small one the floor in MiB: whichever is reached. Pulling,
acknowledging and deleting go on, on a disk that is full to the byte too, by giving up the ballast meanwhile.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from intake import files
from intake.errors import UndersealError
from intake.limits import MIB
from portal.config import Config
from portal.midnight import date_at_midnight

FILLING_PERCENT_BEFORE = 20  # the word `filling` is said so many points before `full`
FILLING_FLOORS = 4  # and below so many times the floor
BLUR_PERCENT = 1.0  # each measure is taken as fuller by up to so much
STAY_PERCENT = 2.0  # a word is given up again only this far below its level
CLOSED_SECONDS = 1.0  # between two looks at whether anything can be written: that tells of no letter
MEASURE_SECONDS = 20  # between two measures, and up to as much again by chance
RETRY_AFTER_SECONDS = 300  # what a sender is told who comes to a full disk


class Word(IntEnum):
    """What is said of the room: never a figure. The higher, the worse."""

    PLENTY = 0
    FILLING = 1
    FULL = 2
    CLOSED = 3  # the file system can only be read

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system as `df` sees it: bytes in all, bytes left for us, percent used, and whether it can only be read."""

    total: int
    free: int
    used_percent: float
    read_only: bool


Measured = Callable[[float], Word]  # the word, where what was measured counts as fuller by so many percent


def measure(config: Config) -> Disk:
    """Return the room of the file system that holds the portal's folder."""
    found = os.statvfs(config.directory)
    used, free = found.f_blocks - found.f_bfree, found.f_bavail
    percent = 100 * used / max(1, used + free)
    return Disk(found.f_blocks * found.f_frsize, free * found.f_frsize, percent, files.is_locked_away(config.turn_file))


def word_for(disk: Disk, full_percent: int, floor_mib: int, blur_percent: float = 0.0) -> Word:
    """Return the word for a disk that counts as fuller by `blur_percent` than it is."""
    used, floor = disk.used_percent + blur_percent, floor_mib * MIB
    free = disk.free - disk.total * blur_percent / 100
    if disk.read_only:
        return Word.CLOSED
    if used >= full_percent or free <= floor:
        return Word.FULL
    return (
        Word.FILLING if used >= full_percent - FILLING_PERCENT_BEFORE or free < FILLING_FLOORS * floor else Word.PLENTY
    )


def measured_disk(config: Config) -> Measured:
    """Return the words of the portal's disk as it is now."""
    return partial(word_for, measure(config), config.full_percent, config.floor_mib)


class Gauge:
    """Says the word for the room left, to whoever asks.

    The word must not tell when one letter came. So it is measured at moments of chance and not when a letter comes,
    each time with a blur of some hundred letters or more, and it does not swing back and forth at its level.
    """

    def __init__(
        self,
        measured: Callable[[], Measured],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = secrets.SystemRandom().random,  # noqa: B008 - it has no state
        answers: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._answers = answers
        self._answered, self._ask = True, float("-inf")
        self._chance = chance
        self._measured = measured
        self._word = Word.PLENTY
        self._next = float("-inf")

    def word(self) -> Word:
        """Return the word; CLOSED at once where what holds the letters does not answer."""
        if self._clock() >= self._ask:
            self._ask, self._answered = self._clock() + CLOSED_SECONDS, self._answers()
        if not self._answered:
            return Word.CLOSED
        if self._clock() >= self._next:
            word_at = self._measured()
            reached = word_at(self._chance() * BLUR_PERCENT)
            kept = min(self._word, word_at(STAY_PERCENT))
            self._word = max(reached, kept)
            wait = CLOSED_SECONDS if self._word is Word.CLOSED else MEASURE_SECONDS * (1 + self._chance())
            self._next = self._clock() + wait
        return self._word


class Ballast:
    """A file that holds room: a full disk takes no journal, and without a journal nothing can be deleted.

    It is given up while a courier is served on a disk with less room than the file has, and made again afterwards.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._path = config.directory / "ballast"
        self._bytes = config.ballast_mib * MIB

    def is_whole(self) -> bool:
        """Return whether the file has its whole size."""
        return self._path.is_file() and self._path.stat().st_size == self._bytes

    def make(self) -> bool:
        """Make the file anew if it is not whole; return whether it is now. A full disk leaves it empty."""
        if not self.is_whole():
            with contextlib.suppress(UndersealError), files.locked(self._path, wait=True):
                self._hold(self._bytes)
        return self.is_whole()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Give the room up while the block runs, to one at a time, if the disk has less than that left."""
        disk = measure(self._config)
        if disk.read_only or disk.free >= self._bytes:
            yield
        else:
            with files.locked(self._path, wait=True):
                self._hold(0)
                try:
                    yield
                finally:
                    self._hold(self._bytes)

    def _hold(self, count: int) -> None:
        with contextlib.suppress(UndersealError):
            files.reserve(self._path, count)
        date_at_midnight([self._path, self._path.parent])
