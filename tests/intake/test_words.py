# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of the page: every language says all that English says, in the same places, and is set in good type."""

import json
import os
import re
from importlib import resources
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).parent.parent.parent))
WORDS = SOURCE / "intake" / "words"
FILES = sorted(WORDS.rglob("*.json"))
FOLDERS = sorted({path.parent for path in FILES})
# Words that a language shares with English. What is not here and reads as in English was not translated.
SAME = {
    "es": {
        "option.no",  # “No” is no in both
        "option.work_target_kind.none",  # the same “No”, of targets
        "option.instruction_form.chat",  # “Chat” came from English and stayed
        "option.instruction_level.supervisor",  # “Supervisor” came from Latin to both
    },
}
PLACES = re.compile(r"\{[^{}]*\}|[{}]")  # a brace alone breaks a sentence, so it counts as a place of its own
TYPE = {
    "a straight quote": re.compile(r"['\"`]"),
    "two spaces": re.compile(r"\s\s"),
    "a space at an end": re.compile(r"^\s|\s$"),
    "nothing said": re.compile(r"^\s*$"),
    "unfinished": re.compile(r"\b(TODO|FIXME|TBD|XXX)\b|\?\?|lorem ipsum"),  # in capitals: “todo” is Spanish
}


def faults(pairs, english, lang):
    """Return what is wrong with a file of words, as (key, fault).

    pairs, english   the file and the English one of its folder, as (key, sentence) in the order of the file
    lang             the language that the file's name gives
    """
    originals = dict(english)
    both = [(key, said, originals[key]) for key, said in pairs if key in originals and key != "lang"]
    free = set(originals) if lang == "en" else SAME.get(lang, set())
    return [
        *([("", "other keys, or another order")] if [key for key, _ in pairs] != [key for key, _ in english] else []),
        *([("lang", "not the file's name")] if dict(pairs).get("lang") != lang else []),
        *((key, fault) for key, said in pairs for fault, pattern in TYPE.items() if pattern.search(said)),
        *((key, "other places") for key, said, original in both if places(said) != places(original)),
        *((key, "as in English") for key, said, original in both if said == original and key not in free),
    ]


def places(sentence):
    return sorted(PLACES.findall(sentence))


def pairs_of(path):
    return json.loads(path.read_text("utf-8"), object_pairs_hook=list)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(WORDS)))
def test_language_is_whole(path):
    """A language says each thing that English says, once, in order, in its own words and with the same places."""
    assert [] == faults(pairs_of(path), pairs_of(path.with_name("en.json")), path.stem)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(SOURCE)))
def test_language_is_in_every_folder(folder):
    """A language that one folder has, every folder has."""
    assert {path.stem for path in FILES} == {path.stem for path in folder.glob("*.json")}


@pytest.mark.parametrize("lang", SAME)
def test_exception_is_needed(lang):
    """A word listed as the same in both languages is the same in them."""
    pairs = [(set(pairs_of(folder / f"{lang}.json")), set(pairs_of(folder / "en.json"))) for folder in FOLDERS]
    assert SAME[lang] == {key for theirs, english in pairs for key, _ in theirs & english}


def test_wheel_has_all_languages_or_none():
    """The installed package carries every file of words, or not one."""
    installed = Path(str(resources.files("intake").joinpath("words")))
    carried = {str(path.relative_to(installed)) for path in installed.rglob("*.json")}
    assert carried in ({str(path.relative_to(WORDS)) for path in FILES}, set())


ENGLISH = [
    ("lang", "en"),
    ("option.no", "No"),
    ("lead", "Say “it’s {n} of {all}”"),
    ("room", "{bytes} left"),
    ("end", "All done"),
]
SPANISH = [
    ("lang", "es"),
    ("option.no", "No"),
    ("lead", "De {all}, diga “{n}”"),
    ("room", "Quedan {bytes}"),
    ("end", "Todo hecho"),
]


def said(key, sentence):
    return [(one, sentence if one == key else other) for one, other in SPANISH]


def test_good_words_have_no_fault():
    """A translation with its places in another order, and with a listed word as in English, has no fault."""
    assert [] == faults(SPANISH, ENGLISH, "es")
    assert [] == faults(ENGLISH, ENGLISH, "en")


@pytest.mark.parametrize(
    "pairs",
    [SPANISH[:-1], SPANISH[1:], [*SPANISH, ("more", "Más")], [*SPANISH, SPANISH[-1]], [*SPANISH[:-2], *SPANISH[:2:-1]]],
    ids=["last missing", "first missing", "one more", "one twice", "two exchanged"],
)
def test_other_keys_are_found(pairs):
    """A key that is missing, new, twice there or out of its order is found."""
    assert ("", "other keys, or another order") in faults(pairs, ENGLISH, "es")


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        (said("lang", "en"), ("lang", "not the file's name")),
        (said("lang", "fr"), ("lang", "not the file's name")),
        (said("end", "All done"), ("end", "as in English")),
        (said("room", "Quedan"), ("room", "other places")),
        (said("room", "Quedan {octetos}"), ("room", "other places")),
        (said("room", "Quedan {bytes} de {bytes}"), ("room", "other places")),
        (said("room", "Quedan {bytes"), ("room", "other places")),
        (said("end", "Todo hecho}"), ("end", "other places")),
        (said("end", "Todo 'hecho'"), ("end", "a straight quote")),
        (said("end", 'Todo "hecho"'), ("end", "a straight quote")),
        (said("end", "Todo  hecho"), ("end", "two spaces")),
        (said("end", "Todo \u00a0hecho"), ("end", "two spaces")),
        (said("end", "Todo hecho "), ("end", "a space at an end")),
        (said("end", " Todo hecho"), ("end", "a space at an end")),
        (said("end", "Todo hecho\n"), ("end", "a space at an end")),
        (said("end", ""), ("end", "nothing said")),
        (said("end", "TODO"), ("end", "unfinished")),
        (said("end", "FIXME: hecho"), ("end", "unfinished")),
        (said("end", "¿Todo hecho??"), ("end", "unfinished")),
    ],
    ids=repr,
)
def test_fault_is_found(pairs, fault):
    """A sentence with one fault is found by its key, and for nothing else."""
    assert [fault] == faults(pairs, ENGLISH, "es")


def test_word_is_excepted_for_its_language():
    """What Spanish shares with English, a third language has to translate."""
    assert [("option.no", "as in English")] == faults(said("lang", "fr"), ENGLISH, "fr")
