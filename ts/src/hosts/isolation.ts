// SPDX-License-Identifier: MIT
/** The headers that make a page cross-origin isolated, so that it has shared memory. */

export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

/** The one header that does the same in Chromium 137 and later, for this page alone. */
export const POLICY_HEADERS = { 'Document-Isolation-Policy': 'isolate-and-credentialless' } as const;

/** The headers are spelt out, so that a page's bundle has this sentence alone. */
export const NOT_ISOLATED =
  'this page is not cross-origin isolated, so it has no shared memory: serve it with the headers ' +
  '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" (doctor() says how)';
