# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files and folders dated at midnight: when something was written is nobody's business."""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

_DAY_SECONDS = 86_400


def date_at_midnight(paths: Iterable[Path]) -> None:
    """Set the times of files and folders to the last midnight, in UTC, as far as they are there."""
    midnight = int(time.time()) // _DAY_SECONDS * _DAY_SECONDS
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(path, (midnight, midnight), follow_symlinks=False)
