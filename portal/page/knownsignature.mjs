// SPDX-License-Identifier: AGPL-3.0-or-later
// One signature made by `ssh-keygen -Y sign` with a key that was thrown away, for the self-test.

export const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBttxDv+EiXj3gqwjWN00DUKTy4bZkpBRZtPfaQMApkj";
export const NAMESPACE = "selftest@underseal";
export const MESSAGE = "a message for the self-test";
export const SIGNATURE = `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgG23EO/4SJePeCrCNY3TQNQpPLh
tmSkFFm099pAwCmSMAAAASc2VsZnRlc3RAdW5kZXJzZWFsAAAAAAAAAAZzaGE1MTIAAABT
AAAAC3NzaC1lZDI1NTE5AAAAQOuCiLJzDjx/jI9sHhLJcsVD/j9W1kjMcfPHmNsKsUIUTM
+1af1lXZZOSA3Eg0vq4UnAdql66mppz8RN6v+jXAU=
-----END SSH SIGNATURE-----
`;
