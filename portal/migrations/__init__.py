# SPDX-License-Identifier: AGPL-3.0-or-later
"""The revisions of the shelf's tables, one file each, in the order of their numbers (migrating.py runs them)."""
