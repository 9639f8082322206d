# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the desk says about clocks when it cannot do what was asked. The docstring is the sentence."""

from desk.errors import DeskError
from intake.errors import Exit


class DayRefused(DeskError):
    """a day is written YYYY-MM-DD, from {} to {}; this is not one: {}"""

    exit_code = Exit.USAGE


class DayOrMonth(DeskError):
    """give --day or --month, not both"""

    exit_code = Exit.USAGE


class OneMark(DeskError):
    """give one of --done, --relied-on and --remove; nothing was changed"""

    exit_code = Exit.USAGE


class NothingAsked(DeskError):
    """say from which day or month it counts, or that it is done; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "--day YYYY-MM-DD, --month YYYY-MM, --done, --relied-on or --remove"


class NoSuchRoute(DeskError):
    """profile {} has no route {}; its routes are {}"""

    exit_code = Exit.USAGE


class NoSuchProfile(DeskError):
    """there is no profile {}; there are {}"""

    exit_code = Exit.MISSING


class CountsFromFiling(DeskError):
    """{} counts from the day on which the desk filed the report: no other day is set; nothing was changed"""

    exit_code = Exit.USAGE


class DayAhead(DeskError):
    """that lies ahead of today: a clock counts from what has happened; nothing was changed"""

    exit_code = Exit.USAGE


class NoClock(DeskError):
    """no clock of this route runs for {}; nothing was changed"""

    exit_code = Exit.MISSING
    hint = "--day YYYY-MM-DD or --month YYYY-MM sets one"


class NotToRelyOn(DeskError):
    """{} is not to be relied on: {}; nothing was changed"""

    hint = "ask counsel; underseal desk regime --route ROUTE --confirmed is counsel's word for a rule"


class NotConfigured(DeskError):
    """the days of {} come from the law, not from your contract: they are not set here; nothing was changed"""

    exit_code = Exit.USAGE


class YesRefused(DeskError):
    """--yes is for throwaway offices only, and this office is not one; nothing was marked"""

    exit_code = Exit.USAGE
