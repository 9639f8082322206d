# SPDX-License-Identifier: AGPL-3.0-or-later
"""What several areas share."""

from collections.abc import Iterator

import pytest
from officer import Officer


@pytest.fixture(scope="session")
def officer() -> Iterator[Officer]:
    """The page's own code."""
    process = Officer()
    yield process
    process.close()
