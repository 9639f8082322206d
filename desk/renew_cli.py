# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal desk renew`: what a later signing published, taken into the vault."""

from pathlib import Path

import click

from desk.halves import HolderWeek
from desk.keymaking import weeks_of
from desk.roles import Act, refuse_unless
from desk.secretfiles import open_ours
from desk.session import VOICE, Where, with_desk
from desk.settings import Settings, read_published, renew_settings

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--office", "public", type=_PATH, required=True, help="The folder public of the new signing.")
@click.option("--holder", "holders", type=_PATH, multiple=True, help="A new batch of weekly identities; repeat it.")
@click.option("--identity", type=_PATH, help="A new key for raw words  [as before]")
@with_desk
def renew(where: Where, public: Path, holders: tuple[Path, ...], identity: Path | None) -> None:
    """Take new key lists, and a new batch of keys, into the vault.

    The lists must be signed by the root that this vault was made with, or by one that it has handed on to, and be no
    older than those it knows.
    Bundles are then opened with the new batch and those before it.

    \b
    Example:
      underseal desk renew --office root/signed-000014/public --holder custodian-keys-2/holder-custodian.age
    """
    published = read_published(public)
    with where.open() as here:
        refuse_unless(here.vault, Act.RECEIVE)
        known = here.vault.settings
        settings = renew_settings(known, published, holders, identity)
        batches = [(path, open_ours(path, here.passphrases, published, public)) for path in holders]
        if settings != known:
            with here.vault.writing() as writer:
                writer.office(settings)
    if settings == known:
        VOICE.say("this desk knows all of it already: nothing changed")
        return
    if settings.office.root != known.office.root:
        VOICE.say(f"the root was handed on; the new one is {settings.office.root.in_groups}")
        VOICE.hint("compare it with the new card, digit for digit")
    VOICE.say(f"key lists up to {settings.sequence}, for the weeks to {settings.weeks_end}")
    for path, file in batches:
        VOICE.say(f"{path.name} opens letters of {_span(weeks_of(file.batch))}")
    _tell_raw(known, settings)


def _span(weeks: tuple[HolderWeek, ...]) -> str:
    return f"{weeks[0].first} to {weeks[-1].last}"


def _tell_raw(known: Settings, settings: Settings) -> None:
    """Say whose key for raw words is another one from now on."""
    before, after = (dict(custodian=each.custodian, counsel=each.counsel) for each in (known, settings))
    for name in (name for name in after if after[name] != before[name]):
        VOICE.say(f"raw words of letters that come now are sealed to a new key of the {name}")
        VOICE.hint("words that came before need the old key: show --words --identity FILE")
