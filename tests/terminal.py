# SPDX-License-Identifier: AGPL-3.0-or-later
"""A program in a terminal of its own: what it asks is answered, and every byte it prints is kept."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence

SECONDS = 60


Answer = str | Callable[[str], str]


def in_terminal(
    arguments: Sequence[str], answers: Sequence[Answer] = (), prefix: Sequence[str] = ()
) -> tuple[int, bytes]:
    """Run `underseal` with a controlling terminal and return its exit code and all it printed there.

    answers  typed one after the other, each when the program has printed a prompt that ends with ": "; one that can
             be called is given all that was printed so far
    prefix   what stands before the program, such as ("unshare", "-n")
    """
    main, side = pty.openpty()
    modes = termios.tcgetattr(side)
    modes[1] &= ~termios.OPOST  # the terminal adds no carriage returns of its own
    termios.tcsetattr(side, termios.TCSANOW, modes)
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "underseal", *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        preexec_fn=lambda: _take_terminal(side),
    )
    os.close(side)
    try:
        printed = _talk(main, list(answers))
        return process.wait(SECONDS), printed
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(main)


def _take_terminal(side: int) -> None:
    import fcntl

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background ignore Ctrl-C, and so would it
    fcntl.ioctl(side, termios.TIOCSCTTY, 0)


def _talk(main: int, answers: list[Answer]) -> bytes:
    printed, asked, end = b"", 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        ready, _, _ = select.select([main], [], [], 0.2)
        if ready:
            try:
                part = os.read(main, 65_536)
            except OSError:  # the program has gone
                return printed
            if not part:
                return printed
            printed += part
        if answers and printed[asked:].endswith(b": "):
            asked = len(printed)
            time.sleep(0.05)  # the prompt comes before the echo is off
            answer = answers.pop(0)
            typed = answer(printed.decode("utf-8", "replace")) if callable(answer) else answer
            os.write(main, typed.encode() + b"\n")
    return printed
