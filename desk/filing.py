# SPDX-License-Identifier: AGPL-3.0-or-later
"""One envelope at a time: opened, read, and filed or set aside. Whatever it holds, the next one gets its turn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import delete, insert, select

from crypto.envelope import seal
from crypto.errors import CryptoError, NotForUs
from crypto.primitives import digest
from crypto.recipient import Recipient
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_envelope
from desk import tables
from desk.custody import Look, Span, State, first_look, masked, write_layer
from desk.decisions import Topic, all_decisions
from desk.events import Kind
from desk.faults import DESK_ERROR, ID_TAKEN, NO_MATCH
from desk.projections import stands_before
from desk.settings import Settings
from desk.tombstones import erased
from desk.vault import Writer
from intake.letter import Letter, LetterRefused, read_letter
from intake.questionnaire import load_questionnaire, shipped_questionnaires


class Outcome(StrEnum):
    """What became of an envelope."""

    FILED = "filed"
    REPEATED = "repeated"
    SET_ASIDE = "set_aside"
    UNOPENED = "unopened"  # set aside, because none of our keys opens it
    HERE = "here"


class Opener:
    """Tries the identity that opened the last envelope first: most of a bundle is of one week."""

    def __init__(self, identities: Sequence[HybridIdentity], slots: int) -> None:
        self._identities = list(identities)
        self._slots = slots

    def open(self, envelope: bytes) -> bytes:
        """Return the plaintext; raises Malformed, NotForUs or Broken."""
        for place, identity in enumerate(self._identities):
            try:
                plaintext = open_envelope(envelope, [identity], self._slots)
            except NotForUs:
                continue
            self._identities.insert(0, self._identities.pop(place))
            return plaintext
        raise NotForUs(NO_MATCH, "opened by none of our keys")


@dataclass(frozen=True, slots=True)
class Judged:
    """An envelope seen through. `letter` and `look` are None where it is to be set aside for `fault`."""

    fault: str | None
    letter: Letter | None = None
    look: Look | None = None
    plaintext_digest: str = ""
    sealed: bytes | None = None


class Judge:
    """Opens and reads envelopes; writes nothing."""

    def __init__(self, opener: Opener, settings: Settings) -> None:
        self._opener = opener
        self._regions = [region.id for region in settings.office.regions]
        self._questionnaires = [load_questionnaire(name) for name in shipped_questionnaires()]
        self._recipients: Sequence[Recipient] = settings.long_lived

    def judge(self, envelope: bytes) -> Judged:
        """Return what an envelope holds, sealed again to those who keep raw words: weekly keys are destroyed."""
        try:
            plaintext = self._opener.open(envelope)
        except CryptoError as error:
            return Judged(error.fault)
        except Exception:  # an error of ours, on one hostile envelope, must not keep the others waiting
            return Judged(DESK_ERROR)
        try:
            sealed = seal(plaintext, self._recipients)
        except Exception:
            return Judged(DESK_ERROR)
        try:
            return self.read(plaintext, sealed)
        except LetterRefused as error:
            return Judged(error.fault, sealed=sealed)
        except Exception:  # the same, for one hostile letter; its words stay readable to the custodian
            return Judged(DESK_ERROR, sealed=sealed)

    def read(self, plaintext: bytes, sealed: bytes) -> Judged:
        """Return what an opened letter holds. Raises LetterRefused."""
        letter = read_letter(plaintext, self._questionnaires, self._regions)
        return Judged(None, letter, first_look(letter.text, letter.answers), digest(plaintext), sealed)


def write_facts(letter: Letter, look: Look, pulled: date | None) -> str:
    """Return what everybody at the desk may know: chosen answers, consent, names of findings; nothing typed.

    pulled  the portal's day of the newest bundle by then: erasing is counted from it where the desk's clock was behind
    """
    body = {
        "questionnaire": {"id": letter.questionnaire_id, "version": letter.questionnaire_version},
        "lang": letter.lang,
        "answers": letter.answers,
        "consent": letter.consent,
        "flags": look.flags,
        "pulled": pulled and pulled.isoformat(),
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def file_envelope(writer: Writer, name: str, envelope: bytes, judged: Judged, pulled: date | None = None) -> Outcome:
    """Write what was found: a report, a repetition of one, or an envelope set aside with its bytes.

    pulled  the portal's day of the newest bundle by now; None before the first
    """
    letter, sealed, look = judged.letter, judged.sealed, judged.look
    if letter is None or sealed is None or look is None:
        return _set_aside(writer, name, envelope, judged.fault or DESK_ERROR, sealed)
    earlier = select(tables.reports.c.letter).where(tables.reports.c.report == letter.id)
    known = writer.connection.execute(earlier).scalar_one_or_none()
    if known == judged.plaintext_digest:
        writer.record(Kind.REPEATED, envelope=name, report=letter.id)
        return Outcome.REPEATED
    if known is not None:
        return _set_aside(writer, name, envelope, ID_TAKEN, sealed)
    writer.connection.execute(insert(tables.letters), {"report": letter.id, "sealed": sealed})
    writer.record(
        Kind.FILED,
        envelope=name,
        report=letter.id,
        letter=judged.plaintext_digest,
        sealed=digest(sealed),
        facts=writer.text(write_facts(letter, look, pulled)),
    )
    writer.record(Kind.CUSTODY, report=letter.id, state=look.state.value, reason=None, after=None)
    if look.state is State.PASSED:  # words of a report that was not passed stand nowhere, but sealed
        record_masks(writer, letter.id, judged.plaintext_digest, letter.text, look.masks, None)
    return Outcome.FILED


def record_masks(
    writer: Writer, report: str, letter: str, text: str | None, spans: Sequence[Span], after: str | None
) -> None:
    """Write a whole layer of masks over a letter, and the masked words it makes.

    letter  digest of the plaintext that `text` stands in
    text    None where masked words shall not be written yet
    after   the layers whose place it takes: their masked words are the caller's to erase
    """
    words = None if text is None else writer.text(masked(text, spans))
    layer = writer.text(write_layer(spans))
    writer.record(Kind.MASKED, report=report, letter=letter, masked=words, layer=layer, after=after)


def erase_masked_words(writer: Writer, report: str) -> None:
    """Erase the masked words of a report: what is masked since, or was taken back, stands nowhere but sealed."""
    names = [layer.value for layer in all_decisions(writer.connection, Topic.MASKS, report)]
    writer.connection.execute(delete(tables.texts).where(tables.texts.c.id.in_(names)))


def _set_aside(writer: Writer, name: str, envelope: bytes, fault: str, sealed: bytes | None) -> Outcome:
    outcome = Outcome.UNOPENED if fault == NO_MATCH else Outcome.SET_ASIDE
    if erased(writer.connection, [name]):
        return outcome  # it was decided on, and went by the schedule: it is not kept again
    found = writer.connection.execute(select(tables.envelopes).where(tables.envelopes.c.envelope == name))
    earlier = found.mappings().one_or_none()
    row = {"envelope": name, "outcome": "set_aside", "report": None, "fault": fault, "day": writer.day.isoformat()}
    row["sealed"] = None if sealed is None else digest(sealed)
    if earlier is not None and (earlier["fault"] == fault or not stands_before(tables.envelopes, row, dict(earlier))):
        return outcome  # tried again, to the same end or to less: what opened once is kept
    kept = {"envelope": name, "bytes": envelope, "sealed": sealed}
    writer.connection.execute(insert(tables.kept).prefix_with("OR REPLACE"), kept)
    writer.record(Kind.SET_ASIDE, envelope=name, fault=fault, sealed=row["sealed"])
    return outcome
