# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`: the ceremony, on several machines step by step, or on one at once."""

from pathlib import Path

import click

from desk.asking import VOICE, begin, hand_out, new_passphrase, tell_sheets
from desk.ceremony import Plan, hold_ceremony
from desk.ceremony_errors import PlanRefused
from desk.folders import public_files, refuse_there, secret_files, write_folder
from desk.keys_destroy_cli import keys_destroy
from desk.keys_handon_cli import hand_on
from desk.keys_page_cli import page, sign_page
from desk.keys_people_cli import counsel_key, courier_key, desk_key, holder
from desk.keys_root_cli import make_plan, make_root, print_card, shares, with_plan
from desk.keys_show_cli import show, show_card, verify
from desk.keys_sign_cli import rotate, sign_lists
from desk.signing import COUNSEL_FIRST, setting_in_words
from intake.page import built_page


@click.group()
def keys() -> None:
    """Make and sign the keys of an office. Use computers that are never online.

    On several machines: root, then holder, desk and courier on each person's own, then sign, then verify.
    On one machine: ceremony. CEREMONY.md says who does what, and what each vouches for.
    """


@keys.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder to make for the office.")
@with_plan
@click.option("--counsel-first", is_flag=True, help="Seal all letters to counsel's keys alone.")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="One passphrase for all (throwaway only).")
def ceremony(
    folder: Path,
    office: str,
    regions: tuple[str, ...],
    contacts: tuple[str, ...],
    collect_days: int,
    slots: int,
    throwaway: bool,
    no_pdf: bool,
    counsel_first: bool,
    passphrase_file: Path | None,
) -> None:
    """Make every key of an office on one machine, and sign its next 13 weekly key lists.

    Each keeper types their own passphrase: desk, courier, custodian, counsel, recovery. The root is split into
    three shares; a throwaway office keeps it whole, in root.age.

    \b
    Example:
      underseal keys ceremony --dir office --office "Local 1" \\
          --region west="West" --region east="East" --contact "OSC=osc.gov"
    """
    refuse_there(folder)
    plan = make_plan(
        office=office,
        regions=regions,
        contacts=contacts,
        collect_days=collect_days,
        slots=slots,
        throwaway=throwaway,
        counsel_first=counsel_first,
    )
    built = built_page()
    begin(throwaway=throwaway, passphrase_file=passphrase_file)
    if counsel_first:
        VOICE.say(f"{COUNSEL_FIRST}: {setting_in_words(COUNSEL_FIRST)}")
    passphrases = {
        keeper: new_passphrase(keeper, passphrase_file=passphrase_file, throwaway=throwaway) for keeper in plan.keepers
    }
    try:
        outcome = hold_ceremony(plan, passphrases, built)
    except ValueError as error:
        raise PlanRefused(str(error)) from error
    sheets = hand_out(outcome.sheets, no_pdf=no_pdf) if outcome.sheets else {}
    public, secret = public_files(outcome.public, "public/"), secret_files(outcome.secret, "secret/")
    write_folder(folder, {**public, **secret, **sheets})
    VOICE.say(f"made {len(secret)} secret files in {folder}/secret; give each to its keeper")
    VOICE.say(f"signed key lists for {outcome.first_day} to {outcome.last_day} in {folder}/public")
    if not throwaway:
        tell_sheets(folder, sheets)
    _tell_setting(plan)
    print_card(office, outcome.fingerprint)


def _tell_setting(plan: Plan) -> None:
    fillers = plan.slots - len(plan.holders)
    VOICE.say(
        f"each week's letters can be opened by {', '.join(plan.holders)}, each alone; {fillers} places are fillers"
    )


for verb in (
    make_root,
    shares,
    holder,
    desk_key,
    courier_key,
    counsel_key,
    sign_lists,
    rotate,
    hand_on,
    page,
    sign_page,
    show,
    verify,
    show_card,
    keys_destroy,
):
    keys.add_command(verb)
