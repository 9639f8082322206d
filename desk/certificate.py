# SPDX-License-Identifier: AGPL-3.0-or-later
"""What counsel takes away: a certificate of holds, signed by the desk, and the log as it stands."""

import json

from sqlalchemy import select

from crypto.signature import Namespace, sign
from desk import index, tables
from desk.holds import covering, holds
from desk.reading import reviewer_names
from desk.vault import Vault, chain_head
from intake.console import one_line

INTRO = """Certificate of holds
Made by the desk's program from its signed log. The digests let anybody compare later: an electronic record's
authenticity may be certified by process and digest (FRE 902(13), (14)). It holds no words of any report.
"""


def certificate(vault: Vault) -> str:
    """Return what is held and how the log stands, as text with the desk's signature (`event@underseal`) under it.

    What people wrote stands behind a word of ours on every line, and makes no line of its own.
    """
    lines = [f"office {vault.settings.office.office}", f"day {vault.day}"]
    names = reviewer_names(vault)
    with vault.reading() as connection:
        found, cards = holds(connection), index.page(connection, [])
        letters = dict(map(tuple, connection.execute(select(tables.reports.c.report, tables.reports.c.letter))))
        for one in found:
            lines += [
                "",
                f"hold {one.id} since {one.day}, by {names[one.by]}",
                f"on {' '.join(one.scope) or 'everything'}",
            ]
            lines += [f"reason {line}" for line in one.reason.split("\n")]
            held = [card["report"] for card in cards if covering([one], card)]
            lines += [f"report {report} letter {letters[report]}" for report in held]
        lines.append("")
        for fingerprint in sorted(names):
            head = chain_head(connection, fingerprint)
            lines.append(f"log of {names[fingerprint]} {fingerprint} events {head.number} last {head.digest}")
    text = "\n".join([INTRO, *map(one_line, lines)]) + "\n"
    return text + sign(text.encode(), vault.desk_key(), Namespace.EVENT)


def exported_log(vault: Vault) -> tuple[str, int]:
    """Return the log as JSON lines, and how many events it has: people first, then each chain in order."""
    with vault.reading() as connection:
        people = connection.execute(select(tables.reviewers).order_by(tables.reviewers.c.fingerprint)).all()
        rows = connection.execute(
            select(tables.events).order_by(tables.events.c.reviewer, tables.events.c.number)
        ).all()
    lines = [json.dumps({"key": person.public, "name": person.name}) for person in people]
    lines += [json.dumps({"event": row.body, "signature": row.signature, "digest": row.digest}) for row in rows]
    return "\n".join(lines) + "\n", len(rows)
