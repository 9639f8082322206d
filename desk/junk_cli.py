# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs against floods: junk, for what could not be filed, and duplicates, for what opened and says the same."""

from collections import Counter

import click

from desk import junk, reading, showing
from desk.choosing import YES, agree, warn_of_few
from desk.duplicates import groups
from desk.faults import WORDS, in_words
from desk.roles import Act
from desk.session import JSON, VOICE, Where, with_desk
from desk.work_errors import BinOrEnvelopes

MANY, DAYS = 20, 14  # groups and days shown
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
    with where.open(Act.READ) as here:
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


@click.command()
@click.argument("report", required=False)
@click.option("--limit", type=click.IntRange(1), default=MANY, show_default=True, help="How many groups at most.")
@JSON
@with_desk
def duplicates(where: Where, report: str | None, limit: int, as_json: bool) -> None:
    """Show groups of reports whose masked words are the same, or nearly so, and when they came.

    With REPORT, the reports that say nearly what it says. A group is no proof of one writer: colleagues agree on words.
    underseal desk tag, status, assign and link take a whole group with --like REPORT.

    \b
    Example:
      underseal desk duplicates
      underseal desk duplicates 3f9a
      underseal desk status --like 3f9a closed
    """
    with where.open(Act.READ) as here:
        wanted = reading.find_report(here.vault, report) if report else ""
        found = [one for one in groups(reading.all_masked_words(here.vault)) if not wanted or wanted in one.reports]
        shown = found[:limit]
        days = reading.days_of(here.vault, [name for one in shown for name in one.reports])
        sources = [reading.sources_of(here.vault, one.reports) for one in shown]
    warn_of_few(*sources)
    arrivals = [sorted(Counter(days[name] for name in one.reports).items()) for one in shown]
    if as_json:
        rows = zip(shown, sources, arrivals, strict=True)
        VOICE.answer_json(
            [{"reports": g.reports, "exact": g.exact, "sources": n, "arrivals": dict(when)} for g, n, when in rows]
        )
        return
    for group, count, when in zip(shown, sources, arrivals, strict=True):
        whole = showing.counted(len(group.reports), count)
        VOICE.answer(f"{group.reports[0][: reading.SHOWN_ID]}  {whole}, {group.exact} word for word")
        VOICE.answer(f"    arrived: {_by_day(when)}")
        for name in group.reports if wanted else ():
            VOICE.answer(f"    {name[: reading.SHOWN_ID]}")
    VOICE.say(f"{len(shown)} of {len(found)} groups" if len(shown) < len(found) else f"{len(found)} groups")
    if shown:
        VOICE.hint(f"--like {shown[0].reports[0][: reading.SHOWN_ID]} with tag, status or link takes the first")


def _by_day(arrivals: list[tuple[str, int]]) -> str:
    """Return counts by day, the busiest days where there are many."""
    busiest = sorted(sorted(arrivals, key=lambda day: -day[1])[:DAYS])
    text = ", ".join(f"{count} on {day}" for day, count in busiest)
    return text if len(arrivals) <= DAYS else f"{text}; fewer on each of {len(arrivals) - DAYS} more days"


VERBS = (junk_, duplicates)
