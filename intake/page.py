# SPDX-License-Identifier: AGPL-3.0-or-later
"""The built page, as it ships inside the package."""

import json
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from intake.errors import Exit, UndersealError

INDEX = "index.html"
KIT = "kit.html"
SUMS = "SHA256SUMS"
INDEX_BR = INDEX + ".br"
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,99})", re.ASCII)


class SumsRefused(UndersealError):
    """SHA256SUMS is missing, or is not lines of digest and file name with index.html among them"""

    exit_code = Exit.UNTRUSTED


class PageNotBuilt(UndersealError):
    """the page has not been built"""

    exit_code = Exit.MISSING
    hint = "in a checkout, run: make dev"


def read_sums(data: bytes) -> dict[str, str]:
    """Return the digests of SHA256SUMS by file name. Raises SumsRefused; no name leads out of the folder."""
    lines = data.decode("ascii", "replace").split("\n")
    matches = [_SUM.fullmatch(line) for line in lines[:-1]]
    digests = {match[2]: match[1] for match in matches if match}
    if lines[-1] or len(digests) != len(matches) or INDEX not in digests:
        raise SumsRefused
    return digests


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """The page before it knows its office, as it is served and as a kit, and the names of its three other files."""

    page: bytes
    kit: bytes
    script: str
    style: str
    icon: str
    files: dict[str, bytes]  # script, style and icon, and their .br and .gz forms


def officer_program() -> Path:
    """Return the path of the Node program that seals as the page does (for the demo and the tests)."""
    path = Path(str(resources.files("intake").joinpath("built", "officer.mjs")))
    if not path.is_file():
        raise PageNotBuilt
    return path


def built_page() -> BuiltPage:
    """Return what the build made. Raises PageNotBuilt."""
    folder = resources.files("intake").joinpath("built")
    try:
        names = json.loads(folder.joinpath("built.json").read_bytes())
        script, style, icon = names["script"], names["style"], names["icon"]
        packed = [name + form for name in (script, style, icon) for form in ("", ".br", ".gz")]
        files = {name: folder.joinpath(name).read_bytes() for name in packed}
        page, kit = (folder.joinpath(name).read_bytes() for name in ("page.html", KIT))
        return BuiltPage(page, kit, script, style, icon, files)
    except FileNotFoundError as error:
        raise PageNotBuilt from error
