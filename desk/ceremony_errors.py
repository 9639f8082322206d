# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the ceremony says when it cannot go on. The docstring is the sentence; no sentence ever has a share's word."""

from desk.errors import DeskError
from intake.errors import Exit


class PlanRefused(DeskError):
    """the ceremony cannot be held so: {}"""


class SigningRefused(DeskError):
    """nothing was signed: {}"""


class HalfRefused(DeskError):
    """{} is not a public half as underseal keys writes it"""

    exit_code = Exit.UNTRUSTED
    hint = "copy it again from the machine where it was made, and compare the digest read aloud there"


class RootRefused(DeskError):
    """{} is not a root's folder as underseal keys root makes it"""

    exit_code = Exit.MISSING


class RootHandedOn(DeskError):
    """this root was handed on to another, and signs nothing any more"""

    hint = "the folder of the root that it was handed on to signs now"


class ShareWord(DeskError):
    """word {} is not a word of the list"""


class ShareLength(DeskError):
    """a share has {} words, not {}"""


class ShareTyped(DeskError):
    """the words are of the list, but they are no share: one is wrong, or they are out of order"""


class ShareForeign(DeskError):
    """it is a share of something else, not one of three of a root"""


class ShareRefused(DeskError):
    """{} was not read: {}"""

    hint = "nothing was signed or written; look at the sheet, and begin again"


class SharesApart(DeskError):
    """these two shares do not belong together: {}"""

    hint = "share sheets name their root's fingerprint and the day they were made: both must agree"


class SharesFailed(DeskError):
    """the shares just made do not give the root back, so nothing was written"""

    hint = "do not use this machine; report this as a fault of the program"


class SheetsThere(DeskError):
    """the share sheets still lie in {}: nothing is signed while they do"""

    hint = "print them, rehearse with underseal keys shares check, then destroy that folder"


class NotConfirmed(DeskError):
    """the office's name was not typed, so nothing was signed"""


class SharesFileRefused(DeskError):
    """shares are read from files in throwaway offices only, and this office is not one"""

    exit_code = Exit.USAGE


class WordsNeedTerminal(DeskError):
    """the words of shares go to a terminal only, and there is none"""

    exit_code = Exit.USAGE


class PageDiffers(DeskError):
    """the page was not signed: {}"""

    exit_code = Exit.UNTRUSTED
    hint = "underseal keys page makes the page of an office from the release that is installed here"


class NotAsSigned(DeskError):
    """{} of {} checks failed: do not use this folder"""

    exit_code = Exit.UNTRUSTED
    hint = "copy the folder again from the machine where it was signed"


class Unknown(DeskError):
    """{} is not a public file of a ceremony"""

    hint = "it shows key lists, public halves, office.json, root.txt, recipients.txt, SHA256SUMS, .pub and share sheets"
