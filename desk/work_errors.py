# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the verbs for many reports say when they cannot do what was asked. The docstring is the sentence."""

from desk.acts import NEVER_UNDONE
from desk.errors import DeskError
from intake.errors import Exit


class ManyChosen(DeskError):
    """this is {}, more than {} at once; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "say --yes, or run it at a terminal and agree there"


class BinOrEnvelopes(DeskError):
    """say what to decide on, a --bin or envelopes, and what: --discard or --keep"""

    exit_code = Exit.USAGE


class NothingChosen(DeskError):
    """no report is chosen; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "name reports, or choose them with --filter, --like, --kind and the other options of list"


class NothingDone(DeskError):
    """you have done nothing here that can be {}"""

    exit_code = Exit.MISSING
    hint = f"{NEVER_UNDONE} are never undone by this; each has its own verb"


class DecidedSince(DeskError):
    """somebody else has decided on this since; nothing was changed"""

    hint = "decide anew: assign, link, filter or template, as it shall be now"


class WithItself(DeskError):
    """a report is not linked with itself; nothing was changed"""

    exit_code = Exit.USAGE


class SavedNameRefused(DeskError):
    """a name is 1 to 40 of a to z, 0 to 9 and -, not {}"""

    exit_code = Exit.USAGE


class NoSuchSaved(DeskError):
    """there is no {} named {}"""

    exit_code = Exit.MISSING
    hint = "underseal desk {} lists them"


class NoTerms(DeskError):
    """a filter that leaves nothing out is not saved"""

    exit_code = Exit.USAGE
    hint = "give it --kind, --status or another of the options of list"


class OneText(DeskError):
    """a text is typed, or comes from a template: not both"""

    exit_code = Exit.USAGE


class CodesMissing(DeskError):
    """no code was given; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "underseal desk codes lists them"


class StatusMissing(DeskError):
    """a status is one of {}; nothing was changed"""

    exit_code = Exit.USAGE


class NothingUnread(DeskError):
    """nothing is left to read: every open report that is yours or nobody's was shown to you"""

    exit_code = Exit.MISSING
    hint = "underseal desk list --mine shows what is assigned to you"


class PersonMissing(DeskError):
    """say whose they shall be, or --nobody; nothing was changed"""

    exit_code = Exit.USAGE


class LinkHalfSaid(DeskError):
    """a link needs two reports, or --like, and a relation such as --same-source; nothing was changed"""

    exit_code = Exit.USAGE


class NameMissing(DeskError):
    """save and drop need a name; nothing was changed"""

    exit_code = Exit.USAGE
