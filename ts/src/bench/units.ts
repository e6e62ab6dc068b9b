// SPDX-License-Identifier: MIT
/** Formats figures for people. */

export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

export const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);

/** Formats ns in a unit with which three or four digits remain. */
export function duration(ns: number): string {
  if (ns < 1e4) return `${(ns / 1e3).toFixed(2)} us`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} us`;
  return ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(1)} s`;
}
