// SPDX-License-Identifier: MIT
/** Figures as people read them. */

export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

export const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);

/** ns in a unit that leaves three or four digits. */
export function duration(ns: number): string {
  if (ns < 1e4) return `${(ns / 1e3).toFixed(2)} us`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} us`;
  return ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(1)} s`;
}
