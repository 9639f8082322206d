# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many at once: a number is shown, and more than a few are asked about first."""

import sys

import click

from desk.work_errors import ManyChosen, NotAgreedTo

FEW = 20  # more are asked about
YES = click.option("--yes", is_flag=True, help=f"Do not ask, even where it is more than {FEW} at once.")


def agree(count: int, question: str, yes: bool) -> None:
    """Return where this many may be changed at once. Raises ManyChosen where nobody can be asked, NotAgreedTo."""
    if count <= FEW or yes:
        return
    if not sys.stdin.isatty():
        raise ManyChosen(count, FEW)
    if not click.confirm(question, err=True):
        raise NotAgreedTo
