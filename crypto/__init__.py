# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sealing, signatures and the key list. Bytes in; bytes, or a verified object, out.

Modules of this package are the public half: they seal, sign and verify, and hold nothing that opens.
`crypto.secret` is the other half. No file, clock, environment or log is touched anywhere here.
"""
