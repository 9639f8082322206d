# SPDX-License-Identifier: AGPL-3.0-or-later
"""Page and statements as files of a portal's folder, where releases before revision 0002 keep them.

`portal migrate` takes them onto the shelf, and on the way back gives them out again.
"""

import contextlib

from crypto.handedon import roots_after
from intake.files import read, replace
from intake.signedpage import MAX_PAGE_BYTES, PageUntrusted
from intake.statements import KEPT, MAX_KEPT_BYTES
from portal.config import Config
from portal.publishing import PAGE, STATEMENTS, kept_page, put_page, read_kept, roots_of
from portal.shelf import Writing


class PageFiles:
    """The files of one folder."""

    def __init__(self, config: Config) -> None:
        self._root = config.office.root
        self._page = config.directory / "page.signed"
        self._lock = config.directory / "page.lock"
        self._statements = config.directory / KEPT

    def is_there(self) -> bool:
        """Return whether the folder has the page as a file."""
        return self._page.exists()

    def take_in(self, writing: Writing) -> None:
        """Put what stands in the files on the shelf, unless what is there is as new. The files stay, for `clear`.

        Raises FileMissing or PageUntrusted if the shelf has no page, and the file gives none.
        """
        if self._statements.exists():
            self._take_statements(writing)
        if writing.published(PAGE) is None:
            put_page(writing, read_kept(read(self._page, MAX_PAGE_BYTES), roots_of(writing, self._root)))
        elif self.is_there():
            with contextlib.suppress(PageUntrusted):  # older or damaged: the one on the shelf is served
                page = read_kept(read(self._page, MAX_PAGE_BYTES), roots_of(writing, self._root))
                page.check_follows(kept_page(writing, self._root))
                put_page(writing, page)

    def _take_statements(self, writing: Writing) -> None:
        statements, held = read(self._statements, MAX_KEPT_BYTES), writing.published(STATEMENTS)
        roots = roots_after(statements, self._root)
        if held is None or statements.startswith(held.body):
            writing.publish(STATEMENTS, len(roots.handed), statements)

    def give_back(self, writing: Writing) -> None:
        """Write the files anew from the shelf. Raises NotStored, PageUntrusted for a page that is not as signed."""
        replace(self._page, kept_page(writing, self._root).whole)
        if (held := writing.published(STATEMENTS)) is not None:
            replace(self._statements, held.body)

    def clear(self) -> None:
        """Remove the files, and the lock that they needed."""
        for path in (self._page, self._lock, self._statements):
            path.unlink(missing_ok=True)
