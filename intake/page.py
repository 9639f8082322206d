# SPDX-License-Identifier: AGPL-3.0-or-later
"""The built page, as it ships inside the package."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from intake.errors import Exit, UndersealError

INDEX = "index.html"
KIT = "kit.html"
SUMS = "SHA256SUMS"
INDEX_BR = INDEX + ".br"
MAX_PAGE_NUMBER = 999_999
_NUMBER = re.compile(r"# page ([1-9][0-9]{0,5})", re.ASCII)
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,99})", re.ASCII)


class SumsRefused(UndersealError):
    """SHA256SUMS is missing, or is not a page's number and lines of digest and file name with index.html among them"""

    exit_code = Exit.UNTRUSTED


class PageNotBuilt(UndersealError):
    """the page has not been built"""

    exit_code = Exit.MISSING
    hint = "in a checkout, run: make dev"


def write_sums(number: int, digests: Mapping[str, str]) -> bytes:
    """Return SHA256SUMS in the form of `sha256sum`, under the line that numbers the page (FORMAT.md 9)."""
    lines = (f"{digests[name]}  {name}\n" for name in sorted(digests))
    return f"# page {number}\n{''.join(lines)}".encode("ascii")


def read_sums(data: bytes) -> dict[str, str]:
    """Return the digests of SHA256SUMS by file name. Raises SumsRefused; no name leads out of the folder."""
    head, *lines = data.decode("ascii", "replace").split("\n")
    matches = [_SUM.fullmatch(line) for line in lines[:-1]]
    digests = {match[2]: match[1] for match in matches if match}
    if not _NUMBER.fullmatch(head) or not lines or lines[-1] or len(digests) != len(matches) or INDEX not in digests:
        raise SumsRefused
    return digests


def page_number(sums: bytes) -> int:
    """Return the number of the page whose SHA256SUMS this is: the root never signs two pages under one."""
    match = _NUMBER.match(sums.decode("ascii", "replace"))
    if not match:
        raise SumsRefused
    return int(match[1])


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """The page before it knows its office, as it is served and as a kit, and the names of its three other files."""

    page: bytes
    kit: bytes
    script: str
    style: str
    icon: str
    files: dict[str, bytes]  # script, style and icon, and their .br forms


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
        packed = [name + form for name in (script, style, icon) for form in ("", ".br")]
        files = {name: folder.joinpath(name).read_bytes() for name in packed}
        page, kit = (folder.joinpath(name).read_bytes() for name in ("page.html", KIT))
        return BuiltPage(page, kit, script, style, icon, files)
    except FileNotFoundError as error:
        raise PageNotBuilt from error
