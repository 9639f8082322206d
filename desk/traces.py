# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a program that holds secrets does first: it sees to it that the system keeps nothing of them."""

import ctypes
import os
import resource
import sys

_SET_DUMPABLE = 4  # PR_SET_DUMPABLE of Linux


def leave_no_traces() -> None:
    """No core dumps, which would hold what was opened, not even to a dump program; no file that others can read."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0)
    os.umask(0o077)
