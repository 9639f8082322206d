# SPDX-License-Identifier: AGPL-3.0-or-later
"""axe, as the tests run it in a page: every rule of WCAG 2.2 A and AA, and its best practice."""

import os
from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parents[1]))
AXE = (SOURCE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, where: str) -> list[str]:
    """Return what axe finds in the state that is shown: the place, the rule, and the elements."""
    found = page.evaluate("rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES)
    return [f"{where}: {one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found["violations"]]
