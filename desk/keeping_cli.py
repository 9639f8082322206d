# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs about what is kept and what goes: hold, retention, purge, two, approve."""

import json
from pathlib import Path
from typing import Any

import click

from desk import holds, purge, second, showing
from desk.certificate import certificate, exported_log
from desk.choosing import warn_of_few
from desk.keeping_errors import NotCounselsKey, OneOfHold
from desk.reading import find_report, reviewer_names, sources_of
from desk.roles import Act
from desk.second import LAPSE_DAYS, Guarded
from desk.secretfiles import open_identities
from desk.session import JSON, VOICE, Where, read_text, typed, unasked, with_desk
from desk.vault import Vault
from intake import files


@click.command()
@click.option("--all", "everything", is_flag=True, help="Begin a hold on everything.")
@click.option("--report", help="Begin a hold on one report.")
@click.option(
    "--term", "terms", multiple=True, metavar="TERM", help="On reports with this, such as kind:REV; repeat it."
)
@click.option("--release", "name", metavar="ID", help="End a hold. Counsel alone does it, with --identity.")
@click.option("--identity", type=click.Path(path_type=Path), help="Counsel's key, to end a hold.")
@click.option("--certificate", "out", type=click.Path(path_type=Path), help="Write what is held, for counsel.")
@JSON
@with_desk
def hold(
    where: Where,
    everything: bool,
    report: str | None,
    terms: tuple[str, ...],
    name: str | None,
    identity: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """List litigation holds, begin one, end one.

    A hold begins when a lawsuit can reasonably be expected. It asks for the reason. While it stands, what it covers
    is not erased, and no week's keys are destroyed at all.

    \b
    Example:
      underseal desk hold
      underseal desk hold --term kind:REV --term region:west
      underseal desk hold --release 77c1a2b3 --identity counsel.age
    """
    given = bool(terms or report)
    if everything + given + bool(name) + bool(out) > 1:
        raise OneOfHold
    with where.open(Act.RELEASE_HOLD if name else Act.HOLD if everything or given else Act.READ) as here:
        scope = [_whole(here.vault, term) for term in (*terms, *([f"report:{report}"] if report else []))]
        holds.check_scope(here.vault, scope)
        if name:
            holds.find_hold(here.vault, name)
            if identity is None:
                raise NotCounselsKey
            identities = open_identities(identity, here.passphrases)
            holds.may_release(here.vault, name, identities)
            ended = holds.release(here.vault, name, read_text("reason for its end"), identities)
            VOICE.say(f"hold {ended.id} is ended; what it covered may go by the schedule again")
            return
        if scope or everything:
            begun = holds.hold(here.vault, scope, read_text("reason for the hold"))
            on, reports = " ".join(begun.scope) or "everything", holds.covered(here.vault, begun)
            VOICE.say(f"hold {begun.id} stands, on {on}")
            covered = showing.counted(len(reports), len(reports))
            VOICE.say(f"{'' if reports else 'LOOK AGAIN: '}it covers {covered} today, and those that come")
            if terms:
                warn_of_few(sources_of(here.vault, reports))
            return
        found, names = holds.standing_holds(here.vault), reviewer_names(here.vault)
        if out:
            files.write_new(out, certificate(here.vault).encode())
            VOICE.say(f"the certificate is in {out}")
    rows = [(one.id, one.day, names[one.by], " ".join(one.scope) or "everything", one.reason) for one in found]
    if as_json:
        VOICE.answer_json([dict(zip(("id", "day", "by", "scope", "reason"), row, strict=True)) for row in rows])
        return
    VOICE.table(("id", "since", "by", "on", "reason"), rows)
    VOICE.say("1 hold stands" if len(rows) == 1 else f"{len(rows)} holds stand")


def _whole(vault: Vault, term: str) -> str:
    """Return a term as it is kept: a report by its whole id. Raises NoSuchReport."""
    prefix, _, value = term.partition(":")
    return f"report:{find_report(vault, value)}" if prefix == "report" else term


@click.command()
@JSON
@with_desk
def retention(where: Where, as_json: bool) -> None:
    """Show the schedule, what is due by it, and what was erased.

    \b
    Example:
      underseal desk retention
    """
    as_of, rules = purge.schedule()
    with where.open(Act.READ) as here:
        found, gone = purge.due(here.vault), purge.tombstones(here.vault)
    if as_json:
        due = [{"id": d.subject, "rule": d.rule.id, "since": str(d.since), "held": list(d.held)} for d in found]
        VOICE.answer_json({"as_of": as_of, "due": due, "erased": gone})
        return
    VOICE.say(f"schedule as of {as_of}; confirm with counsel")
    VOICE.table(("rule", "days", "goes", "of what"), [(r.id, str(r.after_days), r.goes, r.when) for r in rules])
    VOICE.answer()
    due_rows = [(d.subject[:8], d.rule.id, d.rule.goes, str(d.since), " ".join(d.held) or "-") for d in found]
    VOICE.table(("due", "rule", "goes", "since", "held by"), due_rows)
    VOICE.say(f"{len(found)} are due, {sum(bool(d.held) for d in found)} of them held; {len(gone)} were erased before")
    if any(not d.held for d in found):
        VOICE.hint("underseal desk purge erases what is due and not held")


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Show what would go, and erase nothing.")
@with_desk
def purge_(where: Where, dry_run: bool) -> None:
    """Erase what is due by the schedule and not held. A tombstone of each stays.

    \b
    Example:
      underseal desk purge --dry-run
      underseal desk purge
    """
    with where.open(Act.READ) as here:
        going, agreed_to = purge.ready(here.vault)
        VOICE.table(("id", "rule", "goes"), [(one.subject[:8], one.rule.id, one.rule.goes) for one in going])
        if agreed_to:
            VOICE.say(f"this is what was agreed to under {agreed_to}; what is due beside it is for the next purge")
        if dry_run or not going:
            VOICE.say(f"{len(going)} would go; nothing was erased")
            return
        if not unasked(where.passphrase_file):
            typed(str(len(going)), "to erase these")
        gone = purge.purge(here.vault, [one.subject for one in going])
    VOICE.say(f"{len(gone)} erased; an SSD, a stick or a backup may still keep them, locked by its passphrase")


@click.command()
@click.option("--act", "acts", type=click.Choice([act.value for act in Guarded]), multiple=True, help="Repeat it.")
@click.option("--none", "nothing", is_flag=True, help="Nothing needs two people any more.")
@with_desk
def two(where: Where, acts: tuple[str, ...], nothing: bool) -> None:
    """Show or say what needs two people: these acts and no others. Taking one out needs two people itself.

    With any of them, who becomes custodian, approver or counsel needs two people as well. Have two approvers: where the
    only one is lost, nobody can agree any more.

    \b
    Example:
      underseal desk two --act purge --act keys
    """
    with where.open(Act.READ) as here:
        if acts or nothing:
            changed = second.set_guarded(here.vault, frozenset(Guarded(act) for act in acts))
            VOICE.say("done" if changed else "nothing changed")
        VOICE.answer(" ".join(sorted(second.guarded(here.vault))) or "nothing needs two people")


@click.command()
@click.argument("request", required=False)
@JSON
@with_desk
def approve(where: Where, request: str | None, as_json: bool) -> None:
    """Show what waits for a second person, or agree to one thing of it.

    \b
    Example:
      underseal desk approve
      underseal desk approve 77c1a2b3
    """
    with where.open(Act.READ) as here:
        if request:
            agreed = second.approve(here.vault, request)
            VOICE.say(f"{agreed.id} is agreed to, for {LAPSE_DAYS} days; the person who asked runs their command again")
            return
        found, names = second.requests(here.vault), reviewer_names(here.vault)
    if as_json:
        VOICE.answer_json([_request(one, names) for one in found])
        return
    rows = [(one.id, one.guarded, names[one.by], one.state, json.dumps(one.what)) for one in found]
    VOICE.table(("id", "act", "asked by", "state", "what"), rows)
    VOICE.say("1 waits" if len(found) == 1 else f"{len(found)} wait")


def _request(one: second.Request, names: dict[str, str]) -> dict[str, Any]:
    return {"id": one.id, "act": one.guarded.value, "by": names[one.by], "state": one.state, "what": dict(one.what)}


@click.command("export-log")
@click.argument("out", type=click.Path(path_type=Path))
@with_desk
def export_log(where: Where, out: Path) -> None:
    """Write the log for counsel: every event as signed, and the people's keys. It holds ids and digests, no words.

    ssh-keygen checks each signature; README says how.

    \b
    Example:
      underseal desk export-log stick/log.jsonl
    """
    with where.open(Act.COPY) as here:
        text, count = exported_log(here.vault)
    files.write_new(out, text.encode())
    VOICE.say(f"{count} events are in {out}, with the name and key of everybody who signed one")


VERBS = (hold, retention, purge_, two, approve, export_log)
