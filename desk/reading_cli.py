# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs that look: list, show, set-aside, codes."""

from pathlib import Path

import click

from crypto.secret.identity import HybridIdentity
from desk import reading, showing
from desk.choosing import Narrowing, warn_of_few, with_filter
from desk.codebook import load_codebook
from desk.custody import State
from desk.errors import NothingWritten
from desk.faults import in_words
from desk.review import see
from desk.roles import Act, refuse_unless
from desk.secretfiles import open_identities
from desk.session import JSON, VOICE, Desk, Where, read_text, tell_ending, with_desk
from desk.words import aside_words, report_words
from intake.questionnaire import load_questionnaire

WORDS = click.option("--words", is_flag=True, help="Ask for the custodian's key and show the words; this is recorded.")
IDENTITY = click.option("--identity", type=click.Path(path_type=Path), help="The key for raw words  [as given at init]")


MANY = 50
LIMIT = click.option("--limit", type=click.IntRange(1), help=f"How many at most  [{MANY}; with --json, all]")


@click.command("list")
@with_filter
@click.option("--after", "start", default="", metavar="ID", help="Go on after this id.")
@LIMIT
@JSON
@with_desk
def list_(where: Where, narrowing: Narrowing, start: str, limit: int | None, as_json: bool) -> None:
    """List reports, by their random ids.

    \b
    Example:
      underseal desk list --status new --kind REV
      underseal desk list --today
      underseal desk list --custody quarantine
    """
    narrowing.check()
    limit = limit or (None if as_json else MANY)
    with where.open(Act.READ) as here:
        chosen = narrowing.filter(here.vault)
        reports = reading.list_reports(here.vault, chosen, start=start.strip().lower(), limit=limit)
        count, sources = reading.count_reports(here.vault, chosen), reading.count_sources(here.vault, chosen)
        tell_ending(here.vault)
    if chosen.narrow:
        warn_of_few(sources)
    if as_json:
        VOICE.answer_json([report.as_json() for report in reports])
        return
    length = reading.shown_length(report.id for report in reports)
    VOICE.table(showing.HEADS, [showing.row(report, length) for report in reports])
    whole = showing.counted(count, sources)
    VOICE.say(whole if len(reports) == count else f"{len(reports)} of {whole}")
    if reports and not start and len(reports) < count:
        VOICE.hint(f"--after {reports[-1].id[:length]} goes on, --limit {count} shows all")


@click.command()
@LIMIT
@JSON
@with_desk
def search(where: Where, limit: int | None, as_json: bool) -> None:
    """Find words in what everybody may read: the masked words of reports that were passed.

    The words are asked for, since what stands in a command is seen in process lists. All of them must stand in a
    report; lanter* finds what begins so.

    \b
    Example:
      underseal desk search
    """
    limit = limit or MANY
    with where.open(Act.READ) as here:
        words = read_text("words to look for", one=True)
        if not words.strip():
            raise NothingWritten
        found = reading.search_reports(here.vault, words, limit)
        sources = reading.sources_of(here.vault, [name for name, _ in found])
    warn_of_few(sources)
    if as_json:
        VOICE.answer_json([{"id": name, "snippet": showing.unmarked(snippet)} for name, snippet in found])
        return
    for name, snippet in found:
        VOICE.answer(name[: reading.SHOWN_ID])
        for line in showing.quoted(showing.marked(snippet), VOICE.width()):
            VOICE.answer(line)
    VOICE.say(f"found in {showing.counted(len(found), sources)}" + (" at most" if len(found) == limit else ""))


@click.command()
@click.argument("report")
@WORDS
@IDENTITY
@JSON
@with_desk
def show(where: Where, report: str, words: bool, identity: Path | None, as_json: bool) -> None:
    """Show a report: answers, codes, summary, notes.

    REPORT is the beginning of its id, at least 4 digits. The officer's own words need --words.

    \b
    Example:
      underseal desk show 3f9a
      underseal desk show 3f9a --words
    """
    with where.open(Act.READ) as here:
        name = reading.find_report(here.vault, report)
        text = report_words(here.vault, name, *key_of(here, identity)).text if words else None
        show_one(here, name, text, as_json)


def show_one(here: Desk, name: str, text: str | None, as_json: bool) -> None:
    """Show one report, and note that this person was shown it."""
    whole = reading.read_report(here.vault, name)
    if whole.report.custody == State.PASSED:
        see(here.vault, name)
    if as_json:
        VOICE.answer_json(showing.whole_json(whole, text))
        return
    asked = load_questionnaire(whole.facts["questionnaire"]["id"])
    for line in showing.whole(whole, asked, load_codebook(asked.codebook), VOICE.width()):
        VOICE.answer(line)
    if text is not None:
        _answer_words("words of the officer", text)


def key_of(here: Desk, identity: Path | None) -> tuple[tuple[HybridIdentity, ...], str]:
    """Return the identities of the file for raw words, and its name. Asks for its passphrase; raises RoleMissing."""
    refuse_unless(here.vault, Act.RAW)
    path = identity or here.vault.settings.identity
    return open_identities(path, here.passphrases), path.name


def _answer_words(title: str, text: str) -> None:
    VOICE.answer()
    VOICE.answer(title)
    for line in showing.quoted(text, VOICE.width()):
        VOICE.answer(line)


@click.command("set-aside")
@click.argument("envelope", required=False)
@WORDS
@IDENTITY
@JSON
@with_desk
def set_aside(where: Where, envelope: str | None, words: bool, identity: Path | None, as_json: bool) -> None:
    """List what could not be filed, and why.

    With ENVELOPE, the beginning of a digest, only that one; with --words, what it held if it opened.

    \b
    Example:
      underseal desk set-aside
      underseal desk set-aside 77c1 --words
    """
    with where.open(Act.READ) as here:
        name = reading.find_aside(here.vault, envelope) if envelope else ""
        asides = [aside for aside in reading.list_asides(here.vault) if aside.envelope.startswith(name)]
        text = aside_words(here.vault, name, *key_of(here, identity)) if words and name else None
    if as_json:
        rows = [{"envelope": a.envelope, "fault": a.fault, "words": in_words(a.fault)} for a in asides]
        VOICE.answer_json(rows if text is None else [rows[0] | {"text": text}])
        return
    length = reading.shown_length(aside.envelope for aside in asides)
    table = [(a.envelope[: 64 if name else length], a.fault, in_words(a.fault)) for a in asides]
    VOICE.table(("envelope", "fault", "in words"), table)
    VOICE.say(f"{len(asides)} set aside; each is kept as it came")
    if text is not None:
        _answer_words("what it holds", text)


@click.command()
@click.argument("prefix", default="")
@JSON
def codes(prefix: str, as_json: bool) -> None:
    """Show the codebook. Needs no vault.

    With PREFIX, only the codes that begin with it.

    \b
    Example:
      underseal desk codes REV
    """
    codebook = load_codebook()
    chosen = [codebook.codes[name] for name in codebook.beginning(prefix.strip())]
    if as_json:
        VOICE.answer_json([{"id": c.id, "label": c.label, "definition": c.definition} for c in chosen])
        return
    for code in chosen:
        VOICE.answer(f"{code.id}  {code.label}")
        VOICE.answer(f"    {code.definition}")
        if len(chosen) == 1:
            VOICE.answer(f"    in: {code.include}")
            VOICE.answer(f"    out: {code.exclude}")
    VOICE.say(f"{len(chosen)} codes of codebook version {codebook.version}")


VERBS = (list_, search, show, set_aside, codes)
