// SPDX-License-Identifier: MIT
/** The interface to the JavaScript runtime (Node, Deno, Bun, browsers). Everything else in ts/src is the same on all of them. */
export {};
//# sourceMappingURL=host.js.map