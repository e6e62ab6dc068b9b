// SPDX-License-Identifier: MIT
/** What the line with a script's result begins with. */
export const RESULT = 'conformance result: ';
