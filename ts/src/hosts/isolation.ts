// SPDX-License-Identifier: MIT
/** The headers that make a page cross-origin isolated, so that it has shared memory. */

export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

/** The one header that does the same in Chromium 137 and later, for this page alone. */
export const POLICY_HEADERS = { 'Document-Isolation-Policy': 'isolate-and-credentialless' } as const;

export const NOT_ISOLATED =
  'this page is not cross-origin isolated, so it has no shared memory: serve it with the headers ' +
  `${Object.entries(ISOLATION_HEADERS).map(([name, value]) => `"${name}: ${value}"`).join(' and ')} (doctor() says how)`;
