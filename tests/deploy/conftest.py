# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office with the real page, and one running host for the tests of a file."""

from collections.abc import Iterator

import pytest
from hostkit import Host, make_host
from portalkit import PortalOffice, make_portal_office

from intake.page import built_page


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> PortalOffice:
    """A throwaway office."""
    return make_portal_office(tmp_path_factory.mktemp("office"), built_page())


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, paper: PortalOffice) -> Iterator[Host]:
    """A host that runs."""
    made = make_host(tmp_path_factory.mktemp("host"))
    try:
        made.start_portal(paper)
        made.start_nginx()
        yield made
    finally:
        made.end()


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host on which nothing runs yet."""
    made = make_host(tmp_path_factory.mktemp("bare"))
    yield made
    made.end()
