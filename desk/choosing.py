# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which reports a verb is about: named by their ids, chosen by options, or both; more than a few are asked about."""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import click
from click.shell_completion import CompletionItem

from desk import reading, saved, showing
from desk.codebook import load_codebook
from desk.custody import State, all_flags
from desk.deadlines import checked_month
from desk.duplicates import groups
from desk.review import Status
from desk.session import VOICE, agreed_to
from desk.vault import Vault
from desk.work_errors import ManyChosen, NothingChosen

FEW = 20  # more are asked about
YES = click.option("--yes", is_flag=True, help=f"Do not ask, even where it is more than {FEW} at once.")


def agree(count: int, question: str, yes: bool) -> None:
    """Return where this many may be changed at once. Raises ManyChosen where nobody can be asked, NotAgreed."""
    if count <= FEW or yes:
        return
    if not sys.stdin.isatty():
        raise ManyChosen(count, FEW)
    agreed_to(question)


def completing(words: Callable[[], Sequence[str]]) -> Callable[..., list[CompletionItem]]:
    """Return what completes fixed words for the shell. It opens no vault: ids and names of people are not completed."""

    def complete(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(word) for word in words() if word.lower().startswith(incomplete.lower())]

    return complete


_KINDS = completing(lambda: list(load_codebook().kinds))
_CODES = completing(lambda: list(load_codebook().codes))
_FLAGS = completing(all_flags)
_STATUSES, _STATES = [status.value for status in Status], [state.value for state in State]
OPTIONS = (
    click.option("--filter", "named", metavar="NAME", help="Only what a saved filter takes."),
    click.option("--kind", shell_complete=_KINDS, help="Only reports of a kind the officer chose, such as REV."),
    click.option("--code", shell_complete=_CODES, help="Only reports with this code of a reviewer, such as REV.OVER."),
    click.option("--status", type=click.Choice(_STATUSES), help="Only reports in this status."),
    click.option("--month", metavar="YYYY-MM", help="Only reports about this month."),
    click.option("--region", help="Only reports of this region, by its id."),
    click.option("--flag", shell_complete=_FLAGS, help="Only reports in which the detectors found this."),
    click.option("--custody", type=click.Choice(_STATES), help="Only reports in this state."),
    click.option("--today", is_flag=True, help="Only what cannot wait: danger, removal, distress."),
    click.option("--mine", is_flag=True, help="Only reports assigned to you."),
)
LIKE = click.option("--like", metavar="REPORT", help="Every report that says nearly what this one says.")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the options say."""

    named: str | None
    kind: str | None
    code: str | None
    status: str | None
    month: str | None
    region: str | None
    flag: str | None
    custody: str | None
    today: bool
    mine: bool
    like: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether any option was given."""
        return any(getattr(self, field.name) for field in fields(self))

    def check(self) -> reading.Filter:
        """Return the filter of all options that need no vault. Raises MonthRefused, NoSuchCode, KindIsNoCode."""
        codebook = load_codebook()
        return reading.Filter(
            kind=codebook.kind(self.kind).id if self.kind else None,
            code=codebook.code(self.code).id if self.code else None,
            status=self.status,
            month=checked_month(self.month) if self.month is not None else None,
            region=self.region,
            flag=self.flag,
            custody=self.custody,
            today=self.today,
        )

    def terms(self) -> tuple[str, ...]:
        """Return the terms as they are saved under a name: whose reports `--mine` means is known at its use."""
        return (*self.check().terms, *([saved.MINE] if self.mine else []))

    def filter(self, vault: Vault) -> reading.Filter:
        """Return the filter of all options. Raises NoSuchSaved, and what `check` raises."""
        own = self.check()
        terms = saved.terms_for(saved.find(vault, saved.Sort.FILTER, self.named), vault.reviewer) if self.named else ()
        mine = (f"assigned:{vault.reviewer}",) if self.mine else ()
        return reading.Filter(saved=(*terms, *mine, *own.terms))


def with_filter(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of a filter, as its argument `narrowing`."""

    @functools.wraps(verb)
    def run(*args: Any, **rest: Any) -> None:
        given = {field.name: rest.pop(field.name) for field in fields(Narrowing) if field.name in rest}
        verb(*args, narrowing=Narrowing(**given), **rest)

    for option in reversed(OPTIONS):
        option(run)
    return run


def with_many(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb what chooses many reports at once: the options of a filter, --like and --yes."""
    return LIKE(with_filter(YES(verb)))


def like(vault: Vault, report: str) -> list[str]:
    """Return the reports that say nearly what this one says, itself among them."""
    for group in groups(reading.all_masked_words(vault)):
        if report in group.reports:
            return list(group.reports)
    return [report]


def chosen_reports(vault: Vault, prefixes: Sequence[str], narrowing: Narrowing) -> list[str]:
    """Return the reports that are named, and those that the options choose; few of these are warned of.

    Raises NothingChosen.
    """
    found = [reading.find_report(vault, prefix) for prefix in prefixes]
    narrow = narrowing.filter(vault)
    if narrowing.like:
        alike = like(vault, reading.find_report(vault, narrowing.like))
        within = set(reading.matching(vault, narrow)) if narrow.narrow else set(alike)
        found += [report for report in alike if report in within]
    elif narrow.narrow:
        found += reading.matching(vault, narrow)
    if not found:
        raise NothingChosen
    if narrowing.narrow:
        warn_of_few(reading.sources_of(vault, found))
    return list(dict.fromkeys(found))


def agree_on_reports(vault: Vault, reports: Sequence[str], what: str, yes: bool) -> None:
    """Say how many reports this is about where it is several, and ask where it is more than a few."""
    if len(reports) == 1:
        return
    whole = showing.counted(len(reports), reading.sources_of(vault, reports))
    VOICE.say(whole)
    agree(len(reports), f"{what} all {whole}", yes)


def warn_of_few(*sources: int) -> None:
    """Say so where something on the screen comes from so few sources that it can point at a person.

    sources  of each thing that is counted there
    """
    few = [count for count in sources if 1 <= count <= reading.SMALL]
    if few:
        VOICE.say(f"only {min(few)}: so few can point at a person; do not show or photograph this screen")
