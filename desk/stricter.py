# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rules that the desk has beside the page's: a false alarm costs a custodian a minute, and a miss costs a person more.

They meet the same plain copy as the detectors do. What they find is masked and keeps a report in quarantine.
"""

import re
from dataclasses import dataclass
from functools import cache

from intake.detectors import part, plain_copy

CLASSIFIED = "marking_classified"
NAMES = "names"
_FEW = 3  # letters; shorter words of a name are too common to be masked wherever they stand


@dataclass(frozen=True, slots=True)
class Found:
    """A place that a rule found, in code points of the text as it was given."""

    rule: str
    start: int
    end: int


_PARTS = {
    "surname": r"[A-Z][a-z]+(?:[-'][A-Z][a-z]+)*",
    "titles": r"SAO|AO|ISO|APSO|IJ|Judge|Officer|Agent|Supervisor|Director|Chief|Don|Dona|from|From|Re|[A-Z]\.",
    "born": r"(?:dob|d\.o\.b\.?|birth ?da(?:y|te)|born|b\.|nac\b\.?|nacimiento|nacid[oa]|f\.? ?n\.|cumpleanos)",
    "between": r"(?:(?:de|del|la|las|los|bin|al|van|von|y) ){0,2}",
    "matter": r"(?:case|file|family|matter|claim|interview|decision)",
}
_CASED: dict[str, tuple[str, ...]] = {  # these meet the copy as it is
    NAMES: (
        r"\b(?!(?:~no~)\b)~surname~(?: ~between~(?!(?:~no~)\b)~surname~)+",
        r"\b(?!(?:~no~)\b)[A-Z]{3,}(?:[ -](?!(?:~no~)\b)[A-Z]{3,})+\b",
        r"\b(?:[Tt]he|[Tt]his|[Tt]hat) (?!(?:~no~)\b)~surname~(?:'s)? ~matter~\b",
        r"\b~matter~ of (?!(?:~no~)\b)~surname~",
        r"\b(?:caso|expediente|familia|asunto|entrevista) de (?:la |el )?(?!(?:~no~)\b)~surname~",
        r"\b(?:~titles~):? (?!(?:~no~)\b)~surname~(?:, (?!(?:~no~)\b)~surname~)?",
    ),
    CLASSIFIED: (r"(?m)^\W{0,4}(?:\d{1,2}\.)?\W{0,3}\((?:S|TS)\) ",),
}
_ANY: dict[str, tuple[str, ...]] = {  # these meet the copy in lower case
    "long_number": (r"(?<![a-z0-9])\(?a?\)?[ ._/-]?\d(?:[ ._/-]{0,2}\d){6,}\b",),
    "birth_date": (
        r"\b~born~[^\n.]{0,30}?(?:\d|~month~)[^\n.]{0,20}",
        r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4} ~born~",
    ),
    "handle": (r"(?<![\w.])@[a-z0-9_]{3,30}\b",),
    "id_number": (
        r"\b(?:dpi|c\.?u\.?i\.?|cedula|curp|pasaporte|passport|sid|fins)\b[^\n.]{0,25}?[a-z]?\d[\da-z -]{3,}",
    ),
    CLASSIFIED: (
        r"\bt ?o ?p ?s ?e ?c ?r ?e ?t\b|\bnoforn\b|\bsecret ?//|\bs//nf\b|\(s//[a-z/ ]+\)|\(ts(?://[a-z/ ]+)?\)",
        r"\b(?:marked|classified|stamped) (?:as )?(?:top )?secret\b",
    ),
    "marking_other": (
        r"\bu//fouo\b|\bofficial use(?: only)?\b|\bsensitive security info\w*|\bcui\b|\bssi\b",
        r"(?m)^\W{0,4}confidential\b ?[-:/]",
        r"\bdo not (?:share|distribute|disseminate)\b|\bnot for (?:release|distribution)\b",
    ),
    "protected_matter": (
        r"\bvawa\b|\b[tu][ -]visa\b|\bi-?9(?:18|14)[a-z]?\b|\b1367\b",
        r"\bgrand jury\b|\bsealed (?:indictment|record|order|case)s?\b",
    ),
}
RULES = tuple(sorted({*_CASED, *_ANY}))
_NOT_NAMES = (
    "Afghan|Mexican|Guatemalan|Honduran|Salvadoran|Nicaraguan|Cuban|Haitian|Venezuelan|Colombian|Ecuadorian|Russian",
    "Federal|Government|Department|Agency|Border|National|State|American|United|States|U\\.?S\\.?",
    "Mexico|Guatemala|Honduras|Salvador|Nicaragua|Cuba|Haiti|Venezuela|Remain|Migrant|Code|Form|Title|Section",
    "Credible|Reasonable|Fear|Safe|Third|Country|Transit|Bar|Attorney|Senator|House|Committee|Local|Human|Rights",
    "Applicant|Claimant|Interpreter|Mother|Father|Woman|Man|Solicitante|Interprete|Madre|Padre|Mujer|Hombre|Senora?",
    "SAO|AO|IJ|ISO|APSO|Re|Don|Dona|Judge|Agent|Chief|De|From|Mr|Ms|Mrs|Dr|Two|Three|Four|Five|Six|Seven|Eight|Nine",
    "CASE|FILE|THE|AND|NOT|FOR|ALL|WAS|WERE|THIS|THAT|WITH|FROM|HAVE|MPP|NTA|RFI|REFUGEE|ASYLUM|OFFICER|OFFICE",
    "LAW|ENFORCEMENT|SENSITIVE|FORWARD|TOP|SECRET|CONFIDENTIAL|NOFORN|FOUO|CUI|SSI|DRAFT|MEMO|SUBJECT|DATE",
)


def find_stricter(text: str) -> tuple[Found, ...]:
    """Return what these rules find, in the order of the text; the words of every name wherever they stand."""
    copy = plain_copy(text)
    found = [
        Found(rule, copy.starts[match.start()], copy.ends[match.end() - 1])
        for rule, pattern, cased in _compiled()
        for match in pattern.finditer(copy.text if cased else copy.lower)
    ]
    names = [text[one.start : one.end] for one in found if one.rule == NAMES]
    return tuple(sorted({*found, *words_of(text, names)}, key=lambda one: (one.start, one.end, one.rule)))


def words_of(text: str, names: list[str]) -> list[Found]:
    """Return every place where a word of these names stands by itself, in any capitals."""
    words = {word for name in names for word in re.findall(r"[^\W\d_]+", name) if _is_name(word)}
    if not words:
        return []
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, words)))})\b", re.IGNORECASE)
    return [Found(NAMES, match.start(), match.end()) for match in pattern.finditer(text)]


def _is_name(word: str) -> bool:
    return len(word) >= _FEW and word[0].isupper() and not re.fullmatch(f"(?:{_not_names()})", word)


@cache
def _not_names() -> str:
    """Return the words that begin with a capital and are no names: the detectors' own, places, and a few more."""
    return "|".join((part("notname"), part("city"), *_NOT_NAMES))


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str], bool], ...]:
    parts = {**_PARTS, "no": _not_names(), "month": f"(?:{part('clear')}|may|march|mar)"}

    def compiled(source: str) -> re.Pattern[str]:
        filled = re.sub(r"~(\w+)~", lambda name: parts[name[1]], source)
        return re.compile(filled.replace(" ", r"\s"), re.ASCII)

    groups = ((_CASED, True), (_ANY, False))
    return tuple(
        (rule, compiled(each), cased) for rules, cased in groups for rule, sources in rules.items() for each in sources
    )
