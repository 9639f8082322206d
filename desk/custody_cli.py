# SPDX-License-Identifier: AGPL-3.0-or-later
"""The custodian's verbs: mask, pass, quarantine. No word of a report is ever an argument: process lists show those."""

from pathlib import Path

import click

from desk import custodian, reading, showing
from desk.custody import spans_of_words
from desk.custody_errors import NoSuchWords
from desk.reading_cli import IDENTITY, key_of
from desk.review_cli import REPORT
from desk.roles import Act
from desk.session import VOICE, Where, agreed_to, read_text, unasked, with_desk


@click.command()
@REPORT
@click.option("--lift", "lifted", type=int, multiple=True, metavar="NUMBER", help="Lift this mask; repeat it.")
@click.option("--add", is_flag=True, help="Ask for words to mask, one to a line, wherever they stand.")
@IDENTITY
@with_desk
def mask(where: Where, report: str, lifted: tuple[int, ...], add: bool, identity: Path | None) -> None:
    """Show a report's own words with its masks, and change the masks.

    Needs the custodian's key; that the words were opened is recorded. The letter itself never changes: a mask is a
    layer over it, and can be lifted again. Words that are not in the report are named by their line; those of the
    other lines are masked all the same, and then nothing is lifted.

    \b
    Example:
      underseal desk mask 3f9a
      underseal desk mask 3f9a --add
      underseal desk mask 3f9a --lift 2
    """
    with where.open(Act.CUSTODY if add or lifted else Act.RAW) as here:
        name = reading.find_report(here.vault, report)
        case = custodian.open_custody(here.vault, name, *key_of(here, identity))
        custodian.may_lift(here.vault, case, lifted)
        lines = read_text("words to mask").split("\n") if add else []
        asked = {number: line.strip() for number, line in enumerate(lines, start=1) if line.strip()}
        absent = [number for number, words in asked.items() if not spans_of_words(case.raw.text, words)]
        words = [asked[number] for number in asked if number not in absent]
        if words or (lifted and not absent):
            case = custodian.mask(here.vault, case, words, () if absent else lifted)
    for line in showing.custody(case, VOICE.width()):
        VOICE.answer(line)
    VOICE.say(
        f"{name[:8]} has {len(case.spans)} masks, and is in {case.state}"
        if case.state != "passed"
        else f"{name[:8]} has {len(case.spans)} masks; everybody at the desk reads it so"
    )
    if absent:
        others = "those of the other lines are masked, nothing was lifted" if words else "nothing was changed"
        raise NoSuchWords(", ".join(map(str, absent)), others)


@click.command("pass")
@REPORT
@click.option("--yes", is_flag=True, help="Do not ask: the masked words were read before.")
@click.option("--reason", "with_reason", is_flag=True, help="Ask for a reason, to be kept with the decision.")
@IDENTITY
@with_desk
def pass_(where: Where, report: str, yes: bool, with_reason: bool, identity: Path | None) -> None:
    """Let everybody at the desk read the masked words of a report.

    Shows them first. An isolated report is passed by counsel alone, with counsel's own key (--identity).

    \b
    Example:
      underseal desk pass 3f9a
    """
    with where.open(Act.RAW) as here:
        name = reading.find_report(here.vault, report)
        identities, key_name = key_of(here, identity)
        case = custodian.open_custody(here.vault, name, identities, key_name)
        custodian.may_pass(here.vault, case, identities)
        for line in showing.quoted(case.masked, VOICE.width()):
            VOICE.answer(line)
        if not unasked(where.passphrase_file, yes=yes):
            agreed_to("everybody at the desk will read and search this: pass it on")
        reason = read_text("reason") if with_reason else ""
        custodian.pass_on(here.vault, case, reason, identities)
    VOICE.say(f"{name[:8]} is passed, with {len(case.spans)} masks")


@click.command()
@REPORT
@click.option("--isolate", is_flag=True, help="For counsel's eyes alone: it may hold a classified marking.")
@with_desk
def quarantine(where: Where, report: str, isolate: bool) -> None:
    """Take a report out of everybody's sight but the custodian's.

    Asks for the reason, at the terminal or from standard input.

    \b
    Example:
      underseal desk quarantine 3f9a
    """
    with where.open(Act.CUSTODY) as here:
        name = reading.find_report(here.vault, report)
        custodian.may_quarantine(here.vault, name, isolate=isolate)
        changed = custodian.quarantine(here.vault, name, read_text("reason"), isolate=isolate)
    state = "isolated: call counsel" if isolate else "in quarantine"
    VOICE.say(f"{name[:8]} is {state}" if changed else f"{name[:8]} is {state} already: nothing changed")


VERBS = (mask, pass_, quarantine)
