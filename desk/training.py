# SPDX-License-Identifier: AGPL-3.0-or-later
"""A throwaway desk to learn on: the invented sample reports, and a score against how they should be handled."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crypto.envelope import seal
from crypto.primitives import random_bytes
from crypto.secret.receipt import Receipt
from crypto.signature import SigningKey
from desk import reading, roles
from desk.ceremony import HOLDERS, Keeper, Plan, hold_ceremony
from desk.errors import NoTraining
from desk.filing import Judge, Opener
from desk.folders import public_files, secret_files, write_folder
from desk.passphrase import Passphrases
from desk.receive import file_one
from desk.secretfiles import open_identities, open_signing_key
from desk.settings import gather_settings, read_published
from desk.vault import Vault, make_vault, open_vault, read_header
from intake import files
from intake.letter import Letter, Return, write_letter
from intake.office import Contact, Region
from intake.page import built_page
from intake.questionnaire import load_questionnaire
from intake.samples import QUESTIONNAIRE, REGIONS, letter_of, samples

PASSPHRASE = "throwaway desk, protects nobody"
MAP, DESK, SECRET = "training.json", "desk", "passphrase"
MAX_MAP_BYTES = 10_000
_NAMED = re.compile(r"^(a_number|name|dob|receipt|phone|email|url):(.+)$")


@dataclass(frozen=True, slots=True)
class Scored:
    """How one report was handled. `custody` is right, exposed, or still held; codes as they should be, or not."""

    sample: str
    report: str
    custody: str
    found: tuple[str, ...]
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    about: str


def begin(folder: Path, name: str, today: date) -> Path:
    """Make a throwaway office and a desk with the samples in it, and return the vault's folder. Raises FileThere."""
    plan = Plan(
        "Training (throwaway)",
        tuple(Region(*pair) for pair in REGIONS.items()),
        (Contact("Office of Special Counsel", "osc.gov (example)"),),
        collect_days=7,
        slots=len(HOLDERS),
        throwaway=True,
        today=today,
    )
    made = hold_ceremony(plan, dict.fromkeys(Keeper, PASSPHRASE), built_page())
    portal = f"{SigningKey.generate().public.text}\n".encode()
    public = {**public_files(made.public, "office/public/"), **public_files({"portal.pub": portal})}
    secret = {**secret_files(made.secret, "office/secret/"), **secret_files({SECRET: PASSPHRASE.encode()})}
    write_folder(folder, {**public, **secret})
    return _fill(folder, name, today)


def _fill(folder: Path, name: str, today: date) -> Path:
    office, vault, passphrases = folder / "office", folder / DESK, Passphrases(folder / SECRET, True)
    holder = office / "secret" / "holder-custodian.age"
    published = read_published(office / "public")
    settings = gather_settings(published, folder / "portal.pub", holder, None)
    desk_key = open_signing_key(office / "secret" / "desk.age", passphrases)
    make_vault(vault, PASSPHRASE, settings, desk_key, name, roles.written(roles.FIRST), today)
    week = next(week for item in published.lists for week in item.weeks if week.first <= today <= week.last)
    judge = Judge(Opener(open_identities(holder, passphrases), settings.slots), settings)
    known = {}
    with open_vault(vault, read_header(vault), lambda attempt: attempt(PASSPHRASE), today) as opened:
        for sample in samples():
            letter = _letter(sample)
            file_one(opened, seal(write_letter(letter), week.recipients), judge)
            known[letter.id] = sample["id"]
    files.write_new(folder / MAP, json.dumps(known, sort_keys=True).encode())
    return vault


def _letter(sample: dict[str, Any]) -> Letter:
    said, receipt = letter_of(sample), Receipt.generate()
    back = Return(receipt.tag_key.hex(), receipt.identity.recipient, receipt.thread.public.raw.hex())
    version = load_questionnaire(QUESTIONNAIRE).version
    return Letter(
        random_bytes(16).hex(),
        QUESTIONNAIRE,
        version,
        said["lang"],
        said["answers"],
        said["text"],
        said["consent"],
        back,
    )


def score(folder: Path, vault: Vault) -> list[Scored]:
    """Return how each sample was handled so far, by sample. Raises NoTraining for a folder that is not one."""
    try:
        known = json.loads(files.read(folder / MAP, MAX_MAP_BYTES))
    except (files.FileMissing, ValueError):
        raise NoTraining(folder.name) from None
    by_sample = {sample: report for report, sample in known.items()}
    return [_scored(vault, by_sample[sample["id"]], sample) for sample in samples()]


def _scored(vault: Vault, report: str, sample: dict[str, Any]) -> Scored:
    whole, expected = reading.read_report(vault, report), sample["test"]
    codes, gold = set(whole.report.codes), set(expected["gold_codes"])
    return Scored(
        sample["id"],
        report,
        _custody(whole.masked, sample),
        tuple(sorted(codes & gold)),
        tuple(sorted(gold - codes)),
        tuple(sorted(codes - gold)),
        expected["purpose"],
    )


def _custody(shown: str | None, sample: dict[str, Any]) -> str:
    """Say whether what everybody may read exposes what it must not; a report still held exposes nothing."""
    if shown is None:
        return "held" if sample["test"]["quarantine"] else "held without need"
    return "exposed" if any(word in shown for word in must_hide(sample)) else "right"


def must_hide(sample: dict[str, Any]) -> Sequence[str]:
    """Return the words of a sample that nobody but the custodian may read."""
    named = [match[2] for flag in sample["test"]["must_flag"] if (match := _NAMED.match(flag))]
    return [word for word in named if word in sample["text"]]
