# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the custodian does to a report: quarantine, mask, lift a mask, pass. Each is an event; the letter never changes.

While a report is in quarantine, the vault keeps places of masks and no words of it but the sealed letter. Passing it
writes the masked words, which everybody at the desk may then read and search. They are erased when other masks take
their place, and when the report is taken back; nothing that was masked later stays readable in the vault.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from crypto.secret.identity import HybridIdentity
from desk import tables
from desk.cards import custody_of
from desk.custody import Span, State, first_look, joined, masked, read_layer, spans_of_words
from desk.custody_errors import LiftWhilePassed, NoSuchMask
from desk.decisions import Topic, after, standing
from desk.errors import Isolated
from desk.events import Kind
from desk.filing import erase_masked_words, record_masks
from desk.reading import read_report
from desk.review import checked_text
from desk.roles import Act, refuse_unless
from desk.second import Guarded, Request, agreed, use_up
from desk.tombstones import refuse_if_erased
from desk.vault import Vault, Writer
from desk.words import Raw, refuse_unless_counsel, report_words


@dataclass(frozen=True, slots=True)
class Custody:
    """A report as its custodian sees it: raw words, the masks over them, and where it stands."""

    report: str
    raw: Raw
    spans: tuple[Span, ...]
    state: State

    @property
    def masked(self) -> str:
        """What everybody else reads once it is passed."""
        return masked(self.raw.text, self.spans)


def open_custody(vault: Vault, report: str, identities: Sequence[HybridIdentity], key_name: str) -> Custody:
    """Return a report with its raw words; the opening is recorded first.

    Raises RoleMissing, Isolated (unless the key is counsel's), NotOurKey, WordsRefused.
    """
    raw = report_words(vault, report, identities, key_name)
    answers = read_report(vault, report).facts["answers"]
    with vault.reading() as connection:
        layers = _layers(connection, report)
        state = custody_of(connection, report)
    spans = [span for layer in layers for span in layer] if layers else first_look(raw.text, answers).masks
    return Custody(report, raw, joined(spans), state)


def _layers(connection: Connection, report: str) -> list[tuple[Span, ...]]:
    """Return the layers that stand: mostly one; none where the default masks were never written."""
    names = [decision.text for decision in standing(connection, Topic.MASKS, report)]
    column = tables.texts.c
    return [read_layer(row) for row in connection.execute(select(column.text).where(column.id.in_(names))).scalars()]


def may_lift(vault: Vault, case: Custody, lifted: Sequence[int]) -> Request | None:
    """Return where these masks may be lifted now, with the agreement to it where one is needed.

    What is agreed to are the places in the letter and their rules: numbers change with every layer.
    Raises LiftWhilePassed, NoSuchMask, SecondNeeded where the desk says so.
    """
    if lifted and case.state is State.PASSED:
        raise LiftWhilePassed(case.report[:8])
    for number in lifted:
        if not 1 <= number <= len(case.spans):
            raise NoSuchMask(number)
    if not lifted:
        return None
    opened = [case.spans[number - 1] for number in sorted(set(lifted))]
    places = [[span.start, span.end, span.rule] for span in opened]
    return agreed(vault, Guarded.UNMASK, {"report": case.report, "letter": case.raw.letter, "lifted": places})


def mask(vault: Vault, case: Custody, words: Sequence[str], lifted: Sequence[int]) -> Custody:
    """Return the case with these words masked wherever they stand, and these masks (counted from 1) lifted.

    Raises what `may_lift` raises; then no mask is changed. Words that stand nowhere mask nothing.
    """
    refuse_unless(vault, Act.CUSTODY)
    agreement = may_lift(vault, case, lifted)
    found = [spans_of_words(case.raw.text, each) for each in words]
    kept = [span for number, span in enumerate(case.spans, start=1) if number not in lifted]
    spans = joined([*kept, *(span for each in found for span in each)])
    with vault.writing() as writer:
        use_up(writer, agreement)
        _write_layer(writer, case, spans, shown=case.state is State.PASSED)
    return replace(case, spans=spans)


def may_pass(vault: Vault, case: Custody, identities: Sequence[HybridIdentity]) -> None:
    """Return where a report may be passed now. Raises RoleMissing; Isolated, which counsel's key alone passes."""
    refuse_unless(vault, Act.ISOLATED if case.state is State.ISOLATED else Act.CUSTODY)
    if case.state is State.ISOLATED:
        refuse_unless_counsel(vault, case.report, identities)


def pass_on(vault: Vault, case: Custody, reason: str, identities: Sequence[HybridIdentity]) -> None:
    """Let everybody at the desk read the masked words. Raises what `may_pass` raises."""
    may_pass(vault, case, identities)
    with vault.writing() as writer:
        _decide(writer, case.report, State.PASSED, reason)
        _write_layer(writer, case, case.spans, shown=True)


def may_quarantine(vault: Vault, report: str, *, isolate: bool) -> None:
    """Return where a report may be taken back now.

    Raises RoleMissing, Erased; Isolated, which ends by counsel's hand only.
    """
    refuse_unless(vault, Act.CUSTODY)
    refuse_if_erased(vault, report)
    with vault.reading() as connection:
        if custody_of(connection, report) is State.ISOLATED and not isolate:
            raise Isolated(report[:8])


def quarantine(vault: Vault, report: str, reason: str, *, isolate: bool = False) -> bool:
    """Take a report out of everybody's sight but the custodian's, or counsel's alone; return False where it is so.

    Raises NothingWritten without a reason, and what `may_quarantine` raises.
    """
    may_quarantine(vault, report, isolate=isolate)
    wanted, reason = State.ISOLATED if isolate else State.QUARANTINE, checked_text(reason)
    with vault.writing() as writer:
        if custody_of(writer.connection, report) is wanted:
            return False
        _decide(writer, report, wanted, reason)
    return True


def _decide(writer: Writer, report: str, state: State, reason: str) -> None:
    stands = standing(writer.connection, Topic.CUSTODY, report)
    if state is not State.PASSED:
        erase_masked_words(writer, report)
    named = writer.text(checked_text(reason)) if reason.strip() else None
    writer.record(Kind.CUSTODY, report=report, state=state.value, reason=named, after=after(stands))


def _write_layer(writer: Writer, case: Custody, spans: Sequence[Span], *, shown: bool) -> None:
    stands = after(standing(writer.connection, Topic.MASKS, case.report))
    erase_masked_words(writer, case.report)
    record_masks(writer, case.report, case.raw.letter, case.raw.text if shown else None, spans, stands)
