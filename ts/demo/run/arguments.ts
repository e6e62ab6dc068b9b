// SPDX-License-Identifier: MIT

/** The arguments in a line: spaces separate them, and those in double quotes may have spaces. */
export function argumentsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"?|[^\s"]+/g)].map(([all, quoted]) => quoted ?? all);
}
