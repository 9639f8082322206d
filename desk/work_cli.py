# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs of a day's work: next, assign, link, unlink, undo, redo, and what is saved under a name."""

import click

from desk import links, reading, review, saved, showing, undo
from desk.acts import NEVER_UNDONE
from desk.choosing import Narrowing, agree_on_reports, chosen_reports, warn_of_few, with_filter, with_many
from desk.reading_cli import show_one
from desk.roles import Act, person_named
from desk.session import JSON, VOICE, Where, read_text, with_desk
from desk.sources import Relation
from desk.work_errors import LinkHalfSaid, NameMissing, NothingUnread, PersonMissing


@click.command("next")
@JSON
@with_desk
def next_(where: Where, as_json: bool) -> None:
    """Show a report that you have not been shown yet.

    One that is passed, not closed, and assigned to you or to nobody. What cannot wait comes first; the rest comes in
    no order. That it was shown to you is recorded.

    \b
    Example:
      underseal desk next
    """
    with where.open(Act.READ) as here:
        name = reading.unread(here.vault)
        if name is None:
            raise NothingUnread
        show_one(here, name, None, as_json)


@click.command()
@with_many
@click.argument("words", nargs=-1, metavar="[REPORT]... [NAME]")
@click.option("--nobody", is_flag=True, help="Take them from whoever has them.")
@with_desk
def assign(where: Where, words: tuple[str, ...], narrowing: Narrowing, yes: bool, nobody: bool) -> None:
    """Give reports to a person of this desk, or to nobody.

    \b
    Example:
      underseal desk assign 3f9a "B. Coder"
      underseal desk assign --kind REV --nobody
    """
    if not nobody and not words:
        raise PersonMissing
    named = words if nobody else words[:-1]
    with where.open(Act.WORK) as here:
        to = None if nobody else person_named(here.vault, where.folder, words[-1]).fingerprint
        reports = chosen_reports(here.vault, named, narrowing)
        agree_on_reports(here.vault, reports, "assign", yes)
        changed = review.assign(here.vault, reports, to)
        sources = reading.sources_of(here.vault, changed)
    whose = "nobody's" if nobody else f"assigned to {words[-1]}"
    VOICE.say(f"{showing.counted(len(changed), sources)} now {whose}" if changed else f"{whose} already")


@click.command()
@with_many
@click.argument("reports", nargs=-1, metavar="REPORT [REPORT]...")
@click.option("--same-source", "relation", flag_value=Relation.SAME_SOURCE.value, help="One person wrote both.")
@click.option("--same-event", "relation", flag_value=Relation.SAME_EVENT.value, help="Both tell of one event.")
@click.option("--corroborates", "relation", flag_value=Relation.CORROBORATES.value, help="One bears the other out.")
@click.option("--contradicts", "relation", flag_value=Relation.CONTRADICTS.value, help="They cannot both be so.")
@with_desk
def link(where: Where, reports: tuple[str, ...], narrowing: Narrowing, yes: bool, relation: str | None) -> None:
    """Link the first report with each of the others.

    Reports of one source count once wherever reports are counted, also through other reports. With --like A alone,
    A is linked with all that say nearly the same.

    \b
    Example:
      underseal desk link 3f9a 77c1 --same-event
      underseal desk link --like 3f9a --same-source
    """
    _change_links(where, reports, narrowing, yes, relation, on=True)


@click.command()
@with_many
@click.argument("reports", nargs=-1, metavar="REPORT [REPORT]...")
@click.option("--same-source", "relation", flag_value=Relation.SAME_SOURCE.value, help="Not one person's.")
@click.option("--same-event", "relation", flag_value=Relation.SAME_EVENT.value, help="Not one event.")
@click.option("--corroborates", "relation", flag_value=Relation.CORROBORATES.value, help="It does not bear it out.")
@click.option("--contradicts", "relation", flag_value=Relation.CONTRADICTS.value, help="It does not contradict it.")
@with_desk
def unlink(where: Where, reports: tuple[str, ...], narrowing: Narrowing, yes: bool, relation: str | None) -> None:
    """Take a link off between the first report and each of the others, whoever made it.

    \b
    Example:
      underseal desk unlink 3f9a 77c1 --same-event
    """
    _change_links(where, reports, narrowing, yes, relation, on=False)


def _change_links(
    where: Where, named: tuple[str, ...], narrowing: Narrowing, yes: bool, relation: str | None, *, on: bool
) -> None:
    if relation is None or not (named or narrowing.like):
        raise LinkHalfSaid
    with where.open(Act.WORK) as here:
        first = reading.find_report(here.vault, named[0] if named else narrowing.like or "")
        others = chosen_reports(here.vault, named[1:], narrowing)
        if narrowing.narrow:
            others = [report for report in others if report != first]
        agree_on_reports(here.vault, [first, *others], f"{relation}: {'link' if on else 'unlink'}", yes)
        changed = links.link(here.vault, first, others, Relation(relation), on=on)
    done = f"{'linked' if on else 'no longer linked'} with {len(changed)} of {len(others)}, {relation}"
    VOICE.say(f"{first[:8]} {done}" if changed else f"{first[:8]} was not changed: that is so already")


@click.command("undo", epilog=f"{NEVER_UNDONE.capitalize()} are never undone by this. The log keeps all of it.")
@with_desk
def undo_(where: Where) -> None:
    """Take back the last thing you did; again, the one before it.

    Codes, status, assignments, links, summaries, notes, junk, filters and templates go back to what stood before.

    \b
    Example:
      underseal desk undo
    """
    with where.open() as here:
        changed = undo.undo(here.vault)
    VOICE.say(f"undone: {_changed(changed)}")
    VOICE.say(f"{NEVER_UNDONE} are never undone by this")
    VOICE.hint("underseal desk redo does it again")


@click.command("redo")
@with_desk
def redo_(where: Where) -> None:
    """Do again what you undid last, unless you did something else since.

    \b
    Example:
      underseal desk redo
    """
    with where.open() as here:
        changed = undo.redo(here.vault)
    VOICE.say(f"done again: {_changed(changed)}")


def _changed(changed: undo.Changed) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in changed.kinds.items())
    about = changed.reports[0][: reading.SHOWN_ID] if len(changed.reports) == 1 else f"{len(changed.reports)} reports"
    return f"{kinds} ({about})" if changed.reports else kinds


ACTION = click.argument("action", type=click.Choice(["list", "save", "drop"]), default="list")
NAME = click.argument("name", required=False)


@click.command("filter")
@ACTION
@NAME
@with_filter
@JSON
@with_desk
def filter_(where: Where, action: str, name: str | None, narrowing: Narrowing, as_json: bool) -> None:
    """List saved filters, save one, drop one.

    A filter holds options of list and no words; everybody at the desk uses it, with --filter NAME. A filter with
    --mine means whoever uses it.

    \b
    Example:
      underseal desk filter save open-rev --kind REV --status new
      underseal desk filter
      underseal desk filter drop open-rev
    """
    if action != "list" and not name:
        raise NameMissing
    with where.open(Act.READ if action == "list" else Act.WORK) as here:
        if action == "save":
            new = saved.save_filter(here.vault, name or "", narrowing.terms())
            VOICE.say(f"filter {name} is saved" if new else f"filter {name} is so already: nothing changed")
            return
        if action == "drop":
            saved.drop(here.vault, saved.Sort.FILTER, name or "")
            VOICE.say(f"filter {name} is dropped")
            return
        found = saved.saved(here.vault, saved.Sort.FILTER)
        used = [reading.Filter(saved=saved.terms_for(one, here.vault.reviewer)) for one in found]
        counts = [(reading.count_reports(here.vault, f), reading.count_sources(here.vault, f)) for f in used]
    warn_of_few(*(sources for _, sources in counts))
    if as_json:
        rows = zip(found, counts, strict=True)
        VOICE.answer_json([{"name": f.name, "terms": f.terms, "reports": c, "sources": s} for f, (c, s) in rows])
        return
    table = [(f.name, " ".join(f.terms), showing.counted(*c)) for f, c in zip(found, counts, strict=True)]
    VOICE.table(("name", "takes", "now"), table)


@click.command()
@ACTION
@NAME
@JSON
@with_desk
def template(where: Where, action: str, name: str | None, as_json: bool) -> None:
    """List templates for notes, summaries and reasons, save one, drop one.

    The text is typed at the terminal, or read from standard input. note, summarize and status take it with
    --template NAME.

    \b
    Example:
      underseal desk template save spam < spam.txt
      underseal desk status --like 3f9a closed --template spam
    """
    if action != "list" and not name:
        raise NameMissing
    with where.open(Act.READ if action == "list" else Act.WORK) as here:
        if action == "save":
            name = saved.checked_name(name or "")
            new = saved.save_template(here.vault, name, read_text("template"))
            VOICE.say(f"template {name} is saved" if new else f"template {name} is so already: nothing changed")
            return
        if action == "drop":
            saved.drop(here.vault, saved.Sort.TEMPLATE, name or "")
            VOICE.say(f"template {name} is dropped")
            return
        found = saved.saved(here.vault, saved.Sort.TEMPLATE)
    if as_json:
        VOICE.answer_json([{"name": one.name, "text": one.text} for one in found])
        return
    for one in found:
        VOICE.answer(one.name)
        for line in showing.quoted(one.text, VOICE.width()):
            VOICE.answer(line)
    VOICE.say(f"{len(found)} templates")


VERBS = (next_, assign, link, unlink, undo_, redo_, filter_, template)
