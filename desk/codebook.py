# SPDX-License-Identifier: AGPL-3.0-or-later
"""The codebook: kinds, which officers choose, and the codes below them, which reviewers apply."""

import difflib
import json
from dataclasses import dataclass
from importlib import resources

from desk.errors import KindIsNoCode, NoSuchCode


@dataclass(frozen=True, slots=True)
class Code:
    """One code, or one kind when there is no dot in its id."""

    id: str
    label: str
    definition: str
    include: str = ""
    exclude: str = ""


@dataclass(frozen=True, slots=True)
class Codebook:
    """Kinds and codes by id, in the order of the book."""

    version: str
    kinds: dict[str, Code]
    codes: dict[str, Code]

    def code(self, untrusted: str) -> Code:
        """Return the code meant by `untrusted` (in any case); raises KindIsNoCode, NoSuchCode."""
        name = untrusted.strip().upper()
        if name in self.codes:
            return self.codes[name]
        if name in self.kinds:
            raise KindIsNoCode(name, ", ".join(self.beginning(name + ".")))
        near = difflib.get_close_matches(name[:40], self.codes, n=3, cutoff=0.6)
        raise NoSuchCode(untrusted[:40], f"; near it: {', '.join(near)}" if near else "")

    def kind(self, untrusted: str) -> Code:
        """Return the kind meant by `untrusted`; raises NoSuchCode."""
        name = untrusted.strip().upper()
        if name not in self.kinds:
            raise NoSuchCode(untrusted[:40], f"; kinds are {', '.join(self.kinds)}")
        return self.kinds[name]

    def beginning(self, prefix: str) -> list[str]:
        """Return the ids of codes that begin with `prefix`, in any case."""
        return [name for name in self.codes if name.startswith(prefix.upper())]


def _code(entry: dict[str, str], labels: dict[str, str]) -> Code:
    label = labels.get(entry["id"], entry["label"])
    return Code(entry["id"], label, entry["definition"], entry.get("include", ""), entry.get("exclude", ""))


def load_codebook(name: str = "") -> Codebook:
    """Return the codebook that comes with the program, in the words of the overlay `name` where there is one."""
    overlay = resources.files("intake").joinpath("codebooks", f"{name}.json")
    labels: dict[str, str] = json.loads(overlay.read_bytes())["labels"] if name and overlay.is_file() else {}
    book = json.loads(resources.files("intake").joinpath("codebook.json").read_bytes())
    kinds = {kind["id"]: _code(kind, labels) for kind in book["kinds"]}
    codes = {entry["id"]: _code(entry, labels) for kind in book["kinds"] for entry in kind["codes"]}
    return Codebook(book["version"], kinds, codes)
