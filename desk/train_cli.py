# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verb train: a throwaway desk to learn on, and a score."""

from dataclasses import asdict
from pathlib import Path

import click

from desk import training
from desk.people_cli import checked_name
from desk.session import JSON, VOICE, today
from desk.traces import leave_no_traces
from desk.vault import open_vault, read_header
from intake.samples import samples


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder to make, or to score.")
@click.option("--reviewer", default="A. Trainee", show_default=True, help="Your name, as the log will have it.")
@click.option("--answers", is_flag=True, help="Show what each report is about, and the codes that were missed.")
@JSON
def train(folder: Path, reviewer: str, answers: bool, as_json: bool) -> None:
    """Learn on invented reports: make a throwaway desk of them; run again, it scores what you did.

    Nobody in the reports exists. The keys are weak on purpose and their passphrase lies beside them: nothing here
    protects anybody, and no real report belongs here.

    \b
    Example:
      underseal desk train --dir training
      underseal desk train --dir training --answers
    """
    leave_no_traces()
    if not folder.exists():
        _begin(folder, checked_name(reviewer))
        return
    vault = folder / training.DESK
    with open_vault(vault, read_header(vault), lambda attempt: attempt(training.PASSPHRASE), today()) as opened:
        scored = training.score(folder, opened)
    if as_json:
        VOICE.answer_json([asdict(one) for one in scored])
        return
    rows = [
        (one.report[:8], one.sample, one.custody, f"{len(one.found)} of {len(one.found) + len(one.missed)}",
         " ".join(one.extra) or "-")
        for one in scored
    ]  # fmt: skip
    VOICE.table(("report", "sample", "custody", "codes", "codes that are not expected"), rows)
    for one in scored if answers else ():
        VOICE.answer(f"{one.report[:8]}  {one.about}")
        VOICE.answer(f"    missed: {' '.join(one.missed) or 'nothing'}")
    found, missed = sum(len(one.found) for one in scored), sum(len(one.missed) for one in scored)
    wrong = sum(one.custody in ("exposed", "held without need") for one in scored)
    VOICE.say(f"custody: {len(scored) - wrong} of {len(scored)} as they should be; codes: {found} of {found + missed}")
    VOICE.hint("coders differ on many of these in good faith: talk about what you missed before you count it as wrong")


def _begin(folder: Path, name: str) -> None:
    vault = training.begin(folder, name, today())
    VOICE.say("THROWAWAY: invented reports under weak keys; no real report belongs here")
    VOICE.say(f"a desk with {len(samples())} invented reports is in {vault}")
    options = f"--dir {vault} --passphrase-file {folder / training.SECRET}"
    VOICE.hint(f"underseal desk list {options}")
    VOICE.hint(f"underseal desk train --dir {folder} scores what you did")
