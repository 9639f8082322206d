# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal portal verify`: anyone's look at a portal, from outside. It needs the part `courier`, and no key."""

from datetime import UTC, datetime
from pathlib import Path

import click

from courier.outside import VISITORS, PortalDiffers, check_portal, fetch_portal
from courier.settings import check_url
from intake.checks import HEADS
from intake.console import Voice, one_line
from intake.files import read
from intake.limits import OFFICE_MAX_BYTES
from intake.office import read_office

_VOICE = Voice("portal")


@click.command()
@click.argument("url")
@click.option(
    "--office", "office_file", type=click.Path(path_type=Path), help="office.json, as the union handed it out."
)
@click.option("--socks", metavar="URL", help="SOCKS proxy, as socks5h://127.0.0.1:9050: needed for an onion address.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")
def verify(url: str, office_file: Path | None, socks: str | None, as_json: bool) -> None:
    """Check a portal from outside: is it as the office's root has signed it, and the same for everyone?

    Every public file is fetched as several different visitors; nothing is sent. Without --office the page's own root
    counts: compare it with the union's card.

    \b
    Examples:
      underseal portal verify https://reports.example.org --office office.json
      underseal portal verify http://EXAMPLE.onion --socks socks5h://127.0.0.1:9050
    """
    office = read_office(read(office_file, OFFICE_MAX_BYTES)) if office_file else None
    address = url.rstrip("/")
    check_url(address, {"http", "https"}, socks)
    if socks:
        check_url(socks, {"socks5", "socks5h"}, socks)
    _VOICE.say(f"fetching every public file as {len(VISITORS)} different visitors")
    portal = fetch_portal(address, socks, lambda name: _VOICE.say(f"  {name}"))
    checks = check_portal(portal, office, datetime.now(UTC).date())
    wrong = sum(not each.right for each in checks)
    root = portal.office.root
    if as_json:
        rows = [{"what": each.what, "right": each.right, "says": each.says} for each in checks]
        _VOICE.answer_json({"office": portal.office.office, "root": root.fingerprint, "checks": rows, "wrong": wrong})
    else:
        trial = " (THROWAWAY: protects nobody)" if portal.office.throwaway else ""
        _VOICE.answer(f"{one_line(portal.office.office)}{trial}")
        _VOICE.answer(f"root {root.in_groups}")
        _VOICE.table(HEADS, [each.row for each in checks])
    if wrong:
        raise PortalDiffers(wrong, len(checks))
    if not office:
        _VOICE.hint("compare the root with the union's card, digit for digit")
