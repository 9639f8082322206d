# SPDX-License-Identifier: AGPL-3.0-or-later
"""What opens: identities, secret files, receipts. Only the desk and the ceremony import it."""
