# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs that change a report: tag, untag, note, summarize, status."""

import click
from click.shell_completion import CompletionItem

from desk import reading, review, showing
from desk.codebook import load_codebook
from desk.review import Status
from desk.session import VOICE, Where, read_text, tell_ending, today, with_desk


def complete_code(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the codes that begin with what was typed, for the shell. Report ids are never completed."""
    codebook = load_codebook()
    return [CompletionItem(name, help=codebook.codes[name].label) for name in codebook.beginning(incomplete)]


REPORT = click.argument("report")
CODES = click.argument("codes", nargs=-1, required=True, metavar="CODE...", shell_complete=complete_code)


def _known(codes: tuple[str, ...]) -> list[str]:
    codebook = load_codebook()
    return [codebook.code(code).id for code in codes]


@click.command()
@REPORT
@CODES
@with_desk
def tag(where: Where, report: str, codes: tuple[str, ...]) -> None:
    """Give a report codes of the codebook.

    The kinds that the officer chose stay as they are.

    \b
    Example:
      underseal desk tag 3f9a REV.OVER STD.NEXUS
    """
    known = _known(codes)
    with where.open() as here:
        name = reading.find_report(here.vault, report)
        new = review.tag(here.vault, name, known)
    _say_codes(name, "tagged", new, "has these codes already: nothing changed")


@click.command()
@REPORT
@CODES
@with_desk
def untag(where: Where, report: str, codes: tuple[str, ...]) -> None:
    """Take codes off a report.

    \b
    Example:
      underseal desk untag 3f9a REV.OVER
    """
    known = _known(codes)
    with where.open() as here:
        name = reading.find_report(here.vault, report)
        gone = review.untag(here.vault, name, known)
    absent = [code for code in known if code not in gone]
    if absent:
        VOICE.say(f"{name[:8]} does not have {', '.join(absent)} from you")
    _say_codes(name, "untagged", gone, "was not changed")


def _say_codes(report: str, verb: str, changed: list[str], unchanged: str) -> None:
    VOICE.say(f"{report[:8]} {verb} {', '.join(changed)}" if changed else f"{report[:8]} {unchanged}")


@click.command()
@REPORT
@click.argument("source", type=click.Choice(["-"]), required=False)
@with_desk
def note(where: Where, report: str, source: str | None) -> None:
    """Add a note to a report.

    It is typed at the terminal, or read from standard input with "-".

    \b
    Example:
      underseal desk note 3f9a
    """
    with where.open() as here:
        name = reading.find_report(here.vault, report)
        review.add_note(here.vault, name, read_text("note"))
    VOICE.say(f"{name[:8]} has a new note")


@click.command()
@REPORT
@click.argument("source", type=click.Choice(["-"]), required=False)
@with_desk
def summarize(where: Where, report: str, source: str | None) -> None:
    """Write the summary of a report.

    It takes the place of your earlier one. It is typed at the terminal, or read from standard input with "-".

    \b
    Example:
      underseal desk summarize 3f9a
    """
    with where.open() as here:
        name = reading.find_report(here.vault, report)
        changed = review.summarize(here.vault, name, read_text("summary"))
    VOICE.say(f"{name[:8]} has a new summary" if changed else f"{name[:8]} has this summary already: nothing changed")


@click.command()
@click.argument("report", required=False)
@click.argument("new_status", required=False, type=click.Choice([status.value for status in Status]))
@click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")
@with_desk
def status(where: Where, report: str | None, new_status: str | None, as_json: bool) -> None:
    """Show where the desk or a report stands, or set it.

    Without REPORT, the desk; with REPORT, that report; with a status after it, set it.
    Closing a report asks for the reason, at the terminal or from standard input.

    \b
    Example:
      underseal desk status
      underseal desk status 3f9a reviewing
    """
    if report is None:
        _overview(where, as_json)
        return
    with where.open() as here:
        name = reading.find_report(here.vault, report)
        if new_status is None:
            stands = reading.read_report(here.vault, name).report.status
            _answer_status(name, stands, as_json)
            return
        chosen = Status(new_status)
        reason = read_text("reason for closing") if chosen is Status.CLOSED else ""
        changed = review.set_status(here.vault, name, chosen, reason)
    VOICE.say(f"{name[:8]} is {chosen}" if changed else f"{name[:8]} is {chosen} already: nothing changed")


def _answer_status(report: str, stands: str, as_json: bool) -> None:
    if as_json:
        VOICE.answer_json({"id": report, "status": stands})
    else:
        VOICE.answer(stands)


def _overview(where: Where, as_json: bool) -> None:
    with where.open() as here:
        view = reading.overview(here.vault, today())
        tell_ending(here.vault)
    if as_json:
        VOICE.answer_json(view.as_json())
        return
    for line in showing.overview_lines(view):
        VOICE.answer(line)
    for step in showing.next_steps(view):
        VOICE.hint(step)


VERBS = (tag, untag, note, summarize, status)
