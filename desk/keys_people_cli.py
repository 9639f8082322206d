# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`, on each person's own machine: holder, desk, courier, counsel."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from crypto.secret.secretfile import open_secret
from crypto.signature import SigningKey
from desk.asking import VOICE, begin, new_passphrase
from desk.ceremony_errors import HalfRefused, PlanRefused
from desk.folders import public_files, refuse_there, secret_files, write_folder
from desk.halves import HALF_MAX_BYTES, MAX_WEEKS, Half, Role, half_digest, is_name, mondays, read_half, write_half
from desk.keymaking import Made, Sealer, make_courier_key, make_desk_key, make_holder, make_raw_key
from intake.files import read
from intake.limits import KEY_FILE_MAX_BYTES

DAY = click.DateTime(["%Y-%m-%d"])
_YEARS = (2020, 2200)
_VOUCHES = {
    Role.HOLDER: "the passphrase is known to you alone, and these files lie where only you can take them",
    Role.DESK: "this file goes to the desk's computer, which is never online, and nowhere else",
    Role.COURIER: "this key stays on the courier's computer",
    Role.COUNSEL: "the passphrase is known to you alone, and this file lies where only you can take it",
}


def with_folder(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options --dir, --throwaway and --passphrase-file."""
    options = (
        click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder to make."),
        click.option("--throwaway", is_flag=True, help="Weak keys for trying things out. Never for real reports."),
        click.option(
            "--passphrase-file", type=click.Path(path_type=Path), help="The passphrase in a file (throwaway only)."
        ),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


@click.command()
@click.argument("name")
@click.option("--from", "first_day", type=DAY, help="A day of the first week  [default: today]")
@click.option("--weeks", type=click.IntRange(1, MAX_WEEKS), default=MAX_WEEKS, show_default=True, help="Weeks to make.")
@click.option("--after", type=click.Path(path_type=Path), help="Your last public half: goes on where it ends.")
@with_folder
def holder(
    name: str,
    first_day: datetime | None,
    weeks: int,
    after: Path | None,
    folder: Path,
    throwaway: bool,
    passphrase_file: Path | None,
) -> None:
    """Make one holder's weekly keys, on that person's own machine.

    NAME is custodian, counsel, recovery, counsel-recovery, or another in small letters. Custodian and counsel
    also get a long-lived key for raw words in the vault; with --after they keep the one they have.

    \b
    Example:
      underseal keys holder custodian --dir custodian-keys
      underseal keys holder custodian --dir custodian-keys-2 --after custodian-keys/custodian.holder.txt
    """
    refuse_there(folder)
    if not is_name(name):
        raise PlanRefused("a holder's name is 1 to 31 small letters, digits and hyphens, and begins with a letter")
    before = read_half_file(after)[0] if after else None
    firsts = mondays(_first_day(name, first_day, before), weeks)
    begin(throwaway=throwaway, passphrase_file=passphrase_file)
    passphrase = new_passphrase(f"{name}'s keys", passphrase_file=passphrase_file, throwaway=throwaway)
    made = make_holder(name, firsts, Sealer(passphrase, throwaway), before.raw if before else None)
    VOICE.say(f"{weeks} weekly keys, {firsts[0]} to {firsts[-1] + timedelta(days=6)}")
    _keep(folder, made, passphrase)


@click.command("desk")
@with_folder
def desk_key(folder: Path, throwaway: bool, passphrase_file: Path | None) -> None:
    """Make the desk's signing key, on the desk's computer.

    \b
    Example:
      underseal keys desk --dir desk-keys
    """
    refuse_there(folder)
    begin(throwaway=throwaway, passphrase_file=passphrase_file)
    passphrase = new_passphrase("the desk's key", passphrase_file=passphrase_file, throwaway=throwaway)
    _keep(folder, make_desk_key(Sealer(passphrase, throwaway)), passphrase)


@click.command("courier")
@with_folder
def courier_key(folder: Path, throwaway: bool, passphrase_file: Path | None) -> None:
    """Make a courier's key, on the courier's computer. That one may be online.

    \b
    Example:
      underseal keys courier --dir courier-keys
    """
    refuse_there(folder)
    passphrase = new_passphrase("the courier's key", passphrase_file=passphrase_file, throwaway=throwaway)
    _keep(folder, make_courier_key(passphrase, throwaway), passphrase)


@click.command("counsel")
@with_folder
def counsel_key(folder: Path, throwaway: bool, passphrase_file: Path | None) -> None:
    """Make counsel's long-lived key alone, where counsel holds no weekly keys.

    It opens raw words in the desk's vault. Where counsel is a holder, `underseal keys holder counsel` makes it too.

    \b
    Example:
      underseal keys counsel --dir counsel-keys
    """
    refuse_there(folder)
    begin(throwaway=throwaway, passphrase_file=passphrase_file)
    passphrase = new_passphrase("counsel's key", passphrase_file=passphrase_file, throwaway=throwaway)
    _keep(folder, make_raw_key("counsel", Sealer(passphrase, throwaway)), passphrase)


def read_half_file(path: Path) -> tuple[Half, str]:
    """Return a public half and the digest that is read aloud. Raises FileMissing or HalfRefused."""
    data = read(path, HALF_MAX_BYTES)
    try:
        return read_half(data), half_digest(data)
    except ValueError:
        raise HalfRefused(path.name) from None


def today() -> date:
    """Return the day by UTC."""
    return datetime.now(UTC).date()


def day_of(given: datetime) -> date:
    """Return the day of a --from. Raises PlanRefused for one that is no week of any office."""
    if not _YEARS[0] <= given.year <= _YEARS[1]:
        raise PlanRefused(f"a day is between {_YEARS[0]} and {_YEARS[1]}")
    return given.date()


def _first_day(name: str, given: datetime | None, before: Half | None) -> date:
    """Return a day of the first week. Raises PlanRefused for a batch before that is another's, or leaves a gap."""
    if before is None:
        return day_of(given) if given else today()
    if before.role is not Role.HOLDER or before.name != name:
        raise PlanRefused(f"the file given with --after is not of the holder {name}")
    return day_of(given) if given else before.weeks[-1].last + timedelta(days=1)


def _keep(folder: Path, made: Made, passphrase: str) -> None:
    """Write the folder, read the secret files back and open them once, and say what comes next."""
    half = write_half(made.half)
    public = {made.half.file_name: half}
    write_folder(folder, {**secret_files(made.secret), **public_files(public)})
    for name in made.secret:
        data = read(folder / name, KEY_FILE_MAX_BYTES)
        if name.endswith(".age"):
            open_secret(data, passphrase)
        else:
            SigningKey.from_openssh(data, passphrase)
    VOICE.say(f"made {', '.join(made.secret)} in {folder}: secret, and opened once more with the passphrase")
    VOICE.say(f"you vouch for it that {_VOUCHES[made.half.role]}")
    VOICE.hint(f"carry {folder / made.half.file_name} to the root, and read this digest aloud there")
    VOICE.answer(f"{made.half.file_name}  {half_digest(half)}")
