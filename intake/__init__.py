# SPDX-License-Identifier: AGPL-3.0-or-later
"""What page, portal, courier and desk agree on: questionnaires, words, letters, bundles, limits."""
