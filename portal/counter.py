# SPDX-License-Identifier: AGPL-3.0-or-later
"""The counter: letters wait here, and those that wait at the same moment share one commit.

One thread a process writes. A letter's sender is answered after the commit that holds it is on stable storage.
"""

import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError
from datetime import date
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from intake import files
from portal.shelf import Letter, Shelf
from portal.store import CommitUnsettled, storage_broke

MAX_BATCH = 64  # letters in one commit: about 1.3 MiB
PATIENCE_SECONDS = 11  # a little more than the database's own patience with a lock


class NotTaken(Exception):
    """The letter is not on the shelf, and will not be without being sent again."""


class Uncertain(Exception):
    """The commit that holds the letter has not ended, or nobody knows how: sending it again does no harm and tells."""


class _Waiting:
    """A letter, and the future of its sender."""

    __slots__ = ("letter", "written")

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.written: Future[None] = Future()


class Counter:
    """Takes letters for one shelf.

    turn_file  locked by whoever writes: processes that wait for it are woken one after the other, while the
               database's own waiting is by sleeping and lets the same one through again and again
    """

    def __init__(self, shelf: Shelf, turn_file: Path, today: Callable[[], date]) -> None:
        self._shelf = shelf
        self._turn_file = turn_file
        self._today = today
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._broken = False

    def take(self, letter: Letter) -> None:
        """Return once the letter is on stable storage. Raises NotTaken or Uncertain.

        The thread starts with the first letter, so that a process may fork before it.
        """
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="counter", daemon=True)
                self._thread.start()
        waiting = _Waiting(letter)
        self._queue.put(waiting)
        try:
            waiting.written.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            if waiting.written.cancel():  # not begun: it will not be written behind the sender's back
                raise NotTaken from error
            raise Uncertain from error

    def _write(self) -> None:
        while True:
            first = self._queue.get()
            batch: list[_Waiting] = []
            try:
                with files.locked(self._turn_file, wait=True):
                    batch = _begun([first, *self._all_waiting(MAX_BATCH - 1)])
                    self._commit([waiting.letter for waiting in batch])
            except Exception as error:
                self._refuse(batch or _begun([first]), error)
            else:
                for waiting in batch:
                    waiting.written.set_result(None)

    def _commit(self, letters: list[Letter]) -> None:
        if self._broken:
            raise NotTaken
        if letters:
            self._shelf.put(letters, self._today())

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        """Refuse the batch, and who came meanwhile: they waited for the same lock, or for the same broken disk."""
        kind = Uncertain if isinstance(error, CommitUnsettled) else NotTaken
        for waiting in batch:
            waiting.written.set_exception(kind(type(error).__name__))
        for waiting in _begun(self._all_waiting(None)):
            waiting.written.set_exception(NotTaken(type(error).__name__))
        if isinstance(error, SQLAlchemyError) and storage_broke(error):
            self._broken = True
            os.kill(os.getpid(), signal.SIGTERM)  # the master starts a fresh worker; this one syncs nothing again

    def _all_waiting(self, most: int | None) -> list[_Waiting]:
        found: list[_Waiting] = []
        while most is None or len(found) < most:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return found


def _begun(batch: list[_Waiting]) -> list[_Waiting]:
    """Return those whose senders still wait; from now on they cannot be withdrawn."""
    return [waiting for waiting in batch if waiting.written.set_running_or_notify_cancel()]
