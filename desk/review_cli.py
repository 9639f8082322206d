# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs that change reports: tag, untag, note, summarize, status."""

import re
from collections.abc import Callable, Sequence

import click

from desk import reading, review, saved, showing
from desk.choosing import Narrowing, agree_on_reports, chosen_reports, completing, with_many
from desk.codebook import load_codebook
from desk.review import Status
from desk.roles import Act
from desk.session import JSON, VOICE, Desk, Where, read_text, tell_ending, today, with_desk
from desk.tombstones import refuse_if_erased
from desk.vault import Vault
from desk.work_errors import CodesMissing, OneText, StatusMissing

_CODES = completing(lambda: list(load_codebook().codes))
_STATUSES = [status.value for status in Status]
_ID = re.compile(r"[0-9a-fA-F]{4,64}", re.ASCII)  # no code reads so: each has a full stop
REPORT = click.argument("report")
REPORTS_AND_CODES = click.argument("words", nargs=-1, metavar="[REPORT]... CODE...", shell_complete=_CODES)
TEMPLATE = click.option("--template", metavar="NAME", help="Take the text from this template.")


def _parted(words: tuple[str, ...], narrowing: Narrowing) -> tuple[tuple[str, ...], list[str]]:
    """Return the reports and the codes among arguments. The first is a report, unless options choose the reports."""
    count = next((at for at, word in enumerate(words) if not _ID.fullmatch(word)), len(words))
    if count == 0 and words and not narrowing.narrow:
        count = 1
    codebook = load_codebook()
    codes = [codebook.code(word).id for word in words[count:]]
    if not codes:
        raise CodesMissing
    return words[:count], codes


@click.command()
@with_many
@REPORTS_AND_CODES
@with_desk
def tag(where: Where, words: tuple[str, ...], narrowing: Narrowing, yes: bool) -> None:
    """Give reports codes of the codebook.

    The kinds that officers chose stay as they are. Of several reports all are tagged, or none.

    \b
    Example:
      underseal desk tag 3f9a REV.OVER STD.NEXUS
      underseal desk tag --like 3f9a OTH.OUT
    """
    _change_codes(where, words, narrowing, yes, "tagged", review.tag)


@click.command()
@with_many
@REPORTS_AND_CODES
@with_desk
def untag(where: Where, words: tuple[str, ...], narrowing: Narrowing, yes: bool) -> None:
    """Take your codes off reports.

    \b
    Example:
      underseal desk untag 3f9a REV.OVER
    """
    _change_codes(where, words, narrowing, yes, "untagged", review.untag)


Change = Callable[[Vault, Sequence[str], Sequence[str]], list[tuple[str, str]]]


def _change_codes(
    where: Where, words: tuple[str, ...], narrowing: Narrowing, yes: bool, verb: str, change: Change
) -> None:
    named, codes = _parted(words, narrowing)
    with where.open(Act.WORK) as here:
        reports = chosen_reports(here.vault, named, narrowing)
        agree_on_reports(here.vault, reports, f"{', '.join(codes)}: {verb[:-3]}", yes)
        changed = change(here.vault, reports, codes)
        touched = list(dict.fromkeys(report for report, _ in changed))
        sources = reading.sources_of(here.vault, touched)
    if len(reports) > 1:
        VOICE.say(f"{showing.counted(len(touched), sources)} {verb} {', '.join(codes)}")
        return
    name, gone = reports[0][:8], [code for _, code in changed]
    absent = [code for code in codes if code not in gone]
    if absent and verb == "untagged":
        VOICE.say(f"{name} does not have {', '.join(absent)} from you")
    unchanged = "was not changed" if verb == "untagged" else "has these codes already: nothing changed"
    VOICE.say(f"{name} {verb} {', '.join(gone)}" if gone else f"{name} {unchanged}")


def text_from(here: Desk, what: str, template: str | None) -> str:
    """Return a text of a template, or one that is typed or piped in."""
    return saved.find(here.vault, saved.Sort.TEMPLATE, template).text if template else read_text(what)


@click.command()
@REPORT
@click.argument("source", type=click.Choice(["-"]), required=False)
@TEMPLATE
@with_desk
def note(where: Where, report: str, source: str | None, template: str | None) -> None:
    """Add a note to a report.

    It is typed at the terminal, read from standard input with "-", or comes from a template.

    \b
    Example:
      underseal desk note 3f9a
      underseal desk note 3f9a --template asked-counsel
    """
    if source and template:
        raise OneText
    with where.open(Act.WORK) as here:
        name = reading.find_report(here.vault, report)
        refuse_if_erased(here.vault, name)
        review.add_note(here.vault, name, text_from(here, "note", template))
    VOICE.say(f"{name[:8]} has a new note")


@click.command()
@REPORT
@click.argument("source", type=click.Choice(["-"]), required=False)
@TEMPLATE
@with_desk
def summarize(where: Where, report: str, source: str | None, template: str | None) -> None:
    """Write the summary of a report.

    It takes the place of your earlier one. It is typed at the terminal, read from standard input with "-", or comes
    from a template.

    \b
    Example:
      underseal desk summarize 3f9a
    """
    if source and template:
        raise OneText
    with where.open(Act.WORK) as here:
        name = reading.find_report(here.vault, report)
        refuse_if_erased(here.vault, name)
        changed = review.summarize(here.vault, name, text_from(here, "summary", template))
    VOICE.say(f"{name[:8]} has a new summary" if changed else f"{name[:8]} has this summary already: nothing changed")


@click.command()
@with_many
@click.argument("words", nargs=-1, metavar="[REPORT]... [STATUS]", shell_complete=completing(lambda: _STATUSES))
@TEMPLATE
@JSON
@with_desk
def status(
    where: Where, words: tuple[str, ...], narrowing: Narrowing, yes: bool, template: str | None, as_json: bool
) -> None:
    """Show where the desk or a report stands, or set it.

    Without REPORT, the desk; with REPORT, that report; with a status after it (new, reviewing, done, closed), set it.
    Closing reports asks for the reason, at the terminal or from standard input, or takes it from a template.

    \b
    Example:
      underseal desk status
      underseal desk status 3f9a reviewing
      underseal desk status --filter spam closed --template spam
    """
    wanted = words[-1].strip().lower() if words and (narrowing.narrow or len(words) > 1) else None
    if wanted is None and not narrowing.narrow:
        _stands(where, words, as_json)
        return
    if wanted not in _STATUSES:
        raise StatusMissing(", ".join(_STATUSES))
    chosen = Status(wanted)
    with where.open(Act.WORK) as here:
        reports = chosen_reports(here.vault, words[:-1], narrowing)
        agree_on_reports(here.vault, reports, f"{chosen}: set", yes)
        reason = text_from(here, "reason for closing", template) if chosen is Status.CLOSED or template else ""
        changed = review.set_status(here.vault, reports, chosen, reason)
        sources = reading.sources_of(here.vault, changed)
    if len(reports) > 1:
        VOICE.say(f"{showing.counted(len(changed), sources)} set to {chosen}")
        return
    name = reports[0][:8]
    VOICE.say(f"{name} is {chosen}" if changed else f"{name} is {chosen} already: nothing changed")


def _stands(where: Where, words: tuple[str, ...], as_json: bool) -> None:
    if not words:
        _overview(where, as_json)
        return
    with where.open(Act.READ) as here:
        name = reading.find_report(here.vault, words[0])
        _answer_status(name, reading.read_report(here.vault, name).report.status, as_json)


def _answer_status(report: str, stands: str, as_json: bool) -> None:
    if as_json:
        VOICE.answer_json({"id": report, "status": stands})
    else:
        VOICE.answer(stands)


def _overview(where: Where, as_json: bool) -> None:
    with where.open(Act.READ) as here:
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
