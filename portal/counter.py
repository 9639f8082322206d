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

from sqlalchemy.exc import SQLAlchemyError

from portal.shelf import Letter, Shelf, storage_broke

MAX_BATCH = 64  # letters in one commit: about 1.3 MiB
PATIENCE_SECONDS = 11  # a little more than the database's own busy timeout


class NotTaken(Exception):
    """The letter is not on the shelf, and will not be without being sent again."""


class Counter:
    """Takes letters for one shelf."""

    def __init__(self, shelf: Shelf, today: Callable[[], date]) -> None:
        self._shelf = shelf
        self._today = today
        self._waiting: queue.SimpleQueue[tuple[Letter, Future[None]]] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._broken = False

    def take(self, letter: Letter) -> None:
        """Return once the letter is on stable storage. Raises NotTaken.

        The thread starts with the first letter, so that a process may fork before it.
        """
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="counter", daemon=True)
                self._thread.start()
        written: Future[None] = Future()
        self._waiting.put((letter, written))
        try:
            written.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            if written.cancel():  # not begun: it will not be written behind the sender's back
                raise NotTaken from error
            written.result()

    def _write(self) -> None:
        while True:
            batch = [self._waiting.get(), *self._all_waiting(MAX_BATCH - 1)]
            begun = [(letter, written) for letter, written in batch if written.set_running_or_notify_cancel()]
            try:
                self._commit([letter for letter, _ in begun])
            except Exception as error:
                self._refuse(begun, error)
            else:
                for _, written in begun:
                    written.set_result(None)

    def _commit(self, letters: list[Letter]) -> None:
        if self._broken:
            raise NotTaken
        if letters:
            self._shelf.put(letters, self._today())

    def _refuse(self, begun: list[tuple[Letter, Future[None]]], error: Exception) -> None:
        """Refuse the batch, and who came meanwhile: they waited for the same lock, or for the same broken disk."""
        late = [(letter, written) for letter, written in self._all_waiting(None) if written.set_running_or_notify_cancel()]
        refusal = NotTaken(type(error).__name__)
        for _, written in (*begun, *late):
            written.set_exception(refusal)
        if isinstance(error, SQLAlchemyError) and storage_broke(error):
            self._broken = True
            os.kill(os.getpid(), signal.SIGTERM)  # the master starts a fresh worker; this one syncs nothing again

    def _all_waiting(self, most: int | None) -> list[tuple[Letter, Future[None]]]:
        found: list[tuple[Letter, Future[None]]] = []
        while most is None or len(found) < most:
            try:
                found.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return found
