// SPDX-License-Identifier: MIT
import { Mode } from './disk.js';

/** What fstat() tells about a file; times in ns. */
export interface FileFacts {
  dev: number;
  ino: number;
  /** Its type and permissions. */
  mode: number;
  nlink: number;
  size: number;
  /** The number of units of 512 bytes. */
  blocks: number;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/** Makes what Node's fs.fstatSync() returns, as far as it is used. */
export function statOf(facts: FileFacts, bigint: boolean): object {
  const { atimeNs, mtimeNs, ctimeNs, ...numbers } = facts;
  const is = (type: number) => () => (facts.mode & Mode.type) === type;
  return {
    ...(bigint ? Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, BigInt(value)])) : numbers),
    atimeNs, mtimeNs, ctimeNs, isDirectory: is(Mode.directory), isSymbolicLink: is(Mode.link), isFile: is(Mode.file),
  };
}

/** A time as Node's utimes() takes it, in s, in ns. */
export const nsOf = (seconds: unknown): bigint => BigInt(Math.round(Number(seconds) * 1e9));

/** What the options that setTimes() gives to touch(1) ask for: one of the times, exactly. */
export function touched(options: readonly string[]): { access: bigint | undefined; modify: bigint | undefined } {
  const [, whole = '0', rest = '0'] = /^@(\d+)\.(\d+)$/.exec(options.at(-1) ?? '') ?? [];
  const time = BigInt(whole) * 1_000_000_000n + BigInt(rest);
  return options.includes('-a') ? { access: time, modify: undefined } : { access: undefined, modify: time };
}
