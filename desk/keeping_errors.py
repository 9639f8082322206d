# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the desk says where two people, counsel's key or another scope are needed."""

from desk.errors import DeskError
from intake.errors import Exit


class SecondNeeded(DeskError):
    """this needs a second person; it is asked for under {}"""

    hint = "an approver runs underseal desk approve with this id, then run the same command again"


class NoSuchRequest(DeskError):
    """nothing that waits for agreement has this id; nothing was changed"""

    exit_code = Exit.MISSING


class OwnRequest(DeskError):
    """nobody agrees to what they asked for themselves; nothing was changed"""

    exit_code = Exit.USAGE


class ScopeRefused(DeskError):
    """{} is no term that a hold can have, such as kind:REV, month:2031-04 or region:west; no hold was begun"""

    exit_code = Exit.USAGE
    hint = "kinds, regions, programs, months and flags as list shows them; codes and status change, and hold nothing"


class OwnRoles(DeskError):
    """while anything needs two people, nobody gives themselves a role; nothing was changed"""

    exit_code = Exit.USAGE


class NotCounselsKey(DeskError):
    """a hold is ended with counsel's own key, given with --identity; nothing was changed"""

    exit_code = Exit.USAGE


class OneOfHold(DeskError):
    """say one thing: --all, or --report and --term, or --release, or --certificate; nothing was changed"""

    exit_code = Exit.USAGE
