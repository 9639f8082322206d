# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs against floods: junk, for what could not be filed, and duplicates, for what opened and says the same."""

import click

from desk import junk, reading
from desk.choosing import YES, agree
from desk.faults import WORDS, in_words
from desk.session import VOICE, Where, with_desk
from desk.work_errors import BinOrEnvelopes

JSON = click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")
BINS = [fault for fault in WORDS if not fault.startswith("bundle-")]


@click.command("junk")
@click.argument("envelopes", nargs=-1, metavar="[ENVELOPE]...")
@click.option("--bin", "fault", type=click.Choice(BINS), help="Everything that was set aside for this fault.")
@click.option("--discard", "verdict", flag_value="discard", help="It is junk: the schedule erases it later.")
@click.option("--keep", "verdict", flag_value="keep", help="It is not, or no longer: it stays.")
@YES
@JSON
@with_desk
def junk_(
    where: Where, envelopes: tuple[str, ...], fault: str | None, verdict: str | None, yes: bool, as_json: bool
) -> None:
    """Show what was set aside, in bins, and decide what is junk.

    Nothing is erased by this, and nothing without it: what is discarded goes when the schedule says so, by
    underseal desk purge, and until then --keep takes it back. Of exact repeats nothing is kept.

    \b
    Example:
      underseal desk junk
      underseal desk junk --bin no-match --discard
      underseal desk junk 77c1 --keep
    """
    if bool(verdict) != (bool(envelopes) != bool(fault)):
        raise BinOrEnvelopes
    with where.open() as here:
        if verdict:
            discard = verdict == "discard"
            named = [reading.find_aside(here.vault, name) for name in envelopes]
            chosen = named if fault is None else junk.in_bin(here.vault, fault, junk=discard)
            agree(len(chosen), f"{len(chosen)} envelopes: {verdict} all of them", yes)
            changed = junk.decide(here.vault, chosen, junk=discard)
            done = "discarded, and still here until the schedule erases them" if discard else "kept"
            VOICE.say(f"{changed} envelopes {done}" if changed else "nothing changed")
            return
        found = junk.bins(here.vault)
    if as_json:
        VOICE.answer_json([one.as_json() | {"words": _words(one.fault)} for one in found])
        return
    rows = [(b.fault, str(b.undecided), str(b.discarded), str(b.kept), b.oldest, _words(b.fault)) for b in found]
    VOICE.table(("bin", "undecided", "junk", "kept", "oldest", "in words"), rows)
    undecided = sum(one.undecided for one in found)
    VOICE.say(f"{undecided} envelopes wait for a decision")
    if undecided:
        VOICE.hint("underseal desk junk --bin BIN --discard decides on a whole bin")


def _words(fault: str) -> str:
    return "a letter that had come before: nothing is kept of it" if fault == junk.REPEAT else in_words(fault)


VERBS = (junk_,)
