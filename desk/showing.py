# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports as lines of text. Pure: what is returned still passes through the voice."""

from collections.abc import Iterator, Sequence

from desk.codebook import Codebook
from desk.custodian import Custody
from desk.custody import State
from desk.index import MARK
from desk.reading import SHOWN_ID, Overview, Report, Whole, Written
from intake.console import cut, plain
from intake.questionnaire import Questionnaire

QUOTE = "  | "  # in front of every line that an officer or reviewer wrote, so that no text can pass for ours
LINKS_SHOWN = 20
HEADS = ("id", "month", "region", "kinds", "codes", "status", "mark")


def quoted(text: str, width: int | None) -> Iterator[str]:
    """Yield a text line by line, each marked as somebody's words.

    width  of the terminal, whose own wrapping would put words where ours stand; None where no terminal wraps
    """
    for line in text.expandtabs(4).split("\n"):
        pieces = [line] if width is None else cut(plain(line), max(width - len(QUOTE) - 1, 20))
        yield from (QUOTE + piece for piece in pieces)


def counted(reports: int, sources: int) -> str:
    """Return a count of reports; from how many sources they come, where that is fewer."""
    whole = "1 report" if reports == 1 else f"{reports} reports"
    return whole if sources == reports else f"{whole} from {sources} source{'s' if sources != 1 else ''}"


def row(report: Report, id_length: int) -> tuple[str, ...]:
    """Return a report as a row under HEADS."""
    kinds, codes = " ".join(report.kinds), " ".join(report.codes)
    return report.id[:id_length], report.month, report.region, kinds, codes or "-", report.status, _mark(report)


def _mark(report: Report) -> str:
    marks = (["TODAY"] if report.today else []) + ([report.custody] if report.custody != State.PASSED else [])
    return ", ".join(marks) or "-"


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _answers(answers: dict[str, object], asked: Questionnaire) -> Iterator[str]:
    """Yield the answers in the order in which they were asked."""
    yield ""
    yield "answers"
    for field in asked.fields:
        if field.id in answers:
            yield f"  {field.id}: {_value(answers[field.id])}"


def _consent(consent: dict[str, object], asked: Questionnaire) -> Iterator[str]:
    """Yield what the officer allows, what not, and under which conditions."""
    names = [switch.id for switch in asked.switches]
    yield ""
    yield "consent"
    for title, wanted in (("allowed", True), ("not allowed", False)):
        chosen = [name for name in names if consent[name] is wanted]
        yield f"  {title}: {', '.join(chosen) or 'nothing'}"
    for field in asked.modifiers:
        yield f"  {field.id}: {_value(consent[field.id])}"


def _texts(title: str, texts: Sequence[Written], width: int | None) -> Iterator[str]:
    for written in texts:
        yield ""
        yield f"{title}, by {written.reviewer}, {written.day}"
        yield from quoted(written.text, width)


def whole(report: Whole, asked: Questionnaire, codebook: Codebook, width: int | None) -> Iterator[str]:
    """Yield the lines of one report; of the officer's words what is masked and passed, nothing else."""
    facts = report.facts
    yield f"report {report.report.id}"
    yield f"status {report.report.status}"
    if report.report.today:
        yield "TODAY: it speaks of danger, removal or distress; do not let it wait"
    if report.report.custody != State.PASSED:
        yield f"custody {report.report.custody}"
    if report.report.flags:
        yield f"found by the detectors: {', '.join(report.report.flags)}"
    yield from _answers(facts["answers"], asked)
    yield from _consent(facts["consent"], asked)
    yield ""
    passed = report.report.custody == State.PASSED
    none = "erased by the schedule" if passed else "not shown, the report is not passed"
    yield "words, masked" if report.masked is not None else f"words: {none}"
    yield from quoted(report.masked or "", width) if report.masked else ()
    yield ""
    yield "codes" if report.coders else "codes: none yet"
    for code, reviewers in report.coders.items():
        label = codebook.codes[code].label if code in codebook.codes else "not in this codebook"
        yield f"  {code}  {label} (by {', '.join(reviewers)})"
    yield from _links(report)
    if report.withheld:
        yield ""
        yield "summaries, notes, reasons: not shown, the report is not passed"
    yield from _texts("summary", report.summaries, width)
    yield from _texts("note", report.notes, width)
    yield from _texts("reason for its status", report.reasons, width)
    if report.openings:
        yield ""
        yield "words shown: " + "; ".join(f"to {name}, {day}" for name, day in report.openings)


def _links(report: Whole) -> Iterator[str]:
    if report.links:
        yield ""
        yield "links"
    for link in report.links[:LINKS_SHOWN]:
        yield f"  {link.relation}  {link.other[:SHOWN_ID]}"
    if len(report.links) > LINKS_SHOWN:
        yield f"  and {len(report.links) - LINKS_SHOWN} more"


def whole_json(report: Whole, words: str | None) -> dict[str, object]:
    """Return one report for a machine."""

    def texts(written: Sequence[Written]) -> list[dict[str, str]]:
        return [{"reviewer": item.reviewer, "day": item.day, "text": item.text} for item in written]

    body = report.report.as_json() | {
        **{name: fact for name, fact in report.facts.items() if name != "pulled"},
        "masked": report.masked,
        "summaries": texts(report.summaries),
        "notes": texts(report.notes),
        "reasons": texts(report.reasons),
        "withheld": report.withheld,
        "linked": [{"id": link.other, "relation": link.relation} for link in report.links],
        "openings": [{"reviewer": name, "day": day} for name, day in report.openings],
    }
    return body if words is None else body | {"text": words}


def custody(case: Custody, width: int | None) -> Iterator[str]:
    """Yield a report's own words, then its masks with their numbers and what each hides."""
    yield "words of the officer"
    yield from quoted(case.raw.text, width)
    yield ""
    yield "masks" if case.spans else "masks: none"
    for number, span in enumerate(case.spans, start=1):
        yield f"  {number}  {span.rule}"
        yield from quoted(case.raw.text[span.start : span.end], width)


def marked(snippet: str) -> str:
    """Return a snippet with what was found between double angle brackets."""
    return snippet.replace(MARK[0], ">>").replace(MARK[1], "<<")


def unmarked(snippet: str) -> str:
    """Return a snippet without the marks."""
    return snippet.replace(MARK[0], "").replace(MARK[1], "")


def missing(first: int, after: int) -> str:
    """Return the numbers from `first` to the one before `after`."""
    return f"{first}" if first == after - 1 else f"{first} to {after - 1}"


def overview_lines(view: Overview) -> Iterator[str]:
    """Yield where the desk stands."""
    total = sum(view.statuses.values())
    few = f" from {view.sources} sources" if view.sources != total else ""
    yield f"reports: {total}{few}" + "".join(f", {count} {status}" for status, count in view.statuses.items())
    if view.today:
        speak = "speaks" if view.today == 1 else "speak"
        yield f"TODAY: {view.today} {speak} of danger, removal or distress"
    for state in (State.ISOLATED, State.QUARANTINE):
        if view.custody.get(state):
            yield f"in custody: {view.custody[state]} {state}"
    yield f"set aside: {view.set_aside}"
    if view.last_pull:
        yield f"last bundle: number {view.last_pull}, received {view.last_day}"
    else:
        yield "last bundle: none yet"
    for first, after in view.gaps:
        yield f"never received: bundle {missing(first, after)}"
    yield f"last sealed copy: {view.last_copy or 'none yet'}"
    yield f"keys for letters: {view.weeks_left} more weeks"


def next_steps(view: Overview) -> Iterator[str]:
    """Yield what to do next."""
    if not view.last_pull:
        yield "underseal desk receive BUNDLE files the first bundle"
    if view.statuses.get("new"):
        yield "underseal desk list --status new shows what nobody has looked at"
    if view.today:
        yield "underseal desk list --today shows what cannot wait"
    if view.custody.get("quarantine"):
        yield "underseal desk list --custody quarantine shows what the custodian must mask and pass"
    if view.set_aside:
        yield "underseal desk set-aside names what could not be filed"
    if view.last_pull and not view.last_copy:
        yield "underseal desk backup FILE makes a sealed copy of all this"
