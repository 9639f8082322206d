# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the desk says of masks that cannot be set or lifted as asked. The docstring is the sentence."""

from desk.errors import DeskError
from intake.errors import Exit


class NoSuchWords(DeskError):
    """the words of line {} are not in this report; {}"""

    exit_code = Exit.MISSING


class NoSuchMask(DeskError):
    """this report has no mask number {}; nothing was changed"""

    exit_code = Exit.MISSING


class LiftWhilePassed(DeskError):
    """{} is passed, and everybody would read what you lift at once; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "take it back first with underseal desk quarantine, look at the masks again, lift, then pass it"
