// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import { fail, FstFlags } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import type { FileSystem } from './descriptor.js';
import { host } from './path.js';

const seconds = (ns: bigint): number => Number(ns) / 1e9;

/**
 * Whether Node can set this time exactly. It takes seconds in a double, of which libuv uses the microseconds or, in
 * newer versions, the nanoseconds.
 */
function survives(ns: bigint): boolean {
  const double = seconds(ns);
  const whole = Math.trunc(double);
  return BigInt(Math.trunc(double * 1e6)) * 1000n === ns &&
    BigInt(whole) * 1_000_000_000n + BigInt(Math.trunc((double - whole) * 1e9)) === ns;
}

/**
 * Sets the times of a file. Node takes doubles, whose precision is 238 ns nowadays, and always sets both times. Where
 * that would not be exact, touch(1) is run if it exists.
 */
export function setTimes(runtime: HostBase, path: string, follow: boolean, atim: bigint, mtim: bigint, flags: number): void {
  const fs = (runtime.fs as FileSystem | undefined) ?? fail(E.NOTSUP);
  const { atim: setAtim, atimNow, mtim: setMtim, mtimNow } = FstFlags;
  if (flags & ~(setAtim | atimNow | setMtim | mtimNow)) fail(E.INVAL);
  if ((flags & setAtim && flags & atimNow) || (flags & setMtim && flags & mtimNow)) fail(E.INVAL);
  if (flags === 0) return;

  const stat = follow ? fs.statSync : fs.lstatSync;
  const before = host(() => stat(path, { bigint: true }));
  const now = BigInt(Date.now()) * 1_000_000n;
  const wanted = (set: number, toNow: number, time: bigint, old: bigint): bigint =>
    flags & set ? BigInt.asUintN(64, time) : flags & toNow ? now : old;
  const access = wanted(setAtim, atimNow, atim, before.atimeNs);
  const modified = wanted(setMtim, mtimNow, mtim, before.mtimeNs);
  if (access >= 1n << 63n || modified >= 1n << 63n) fail(E.INVAL);
  if (survives(access) && survives(modified)) return nodeTimes(fs, path, follow, access, modified);
  const done = ([['-a', setAtim | atimNow, access], ['-m', setMtim | mtimNow, modified]] as const)
    .every(([option, bits, time]) => !(flags & bits) || touch(runtime, path, follow, option, time));
  if (!done) nodeTimes(fs, path, follow, access, modified);
}

function nodeTimes(fs: FileSystem, path: string, follow: boolean, access: bigint, modified: bigint): void {
  host(() => (follow ? fs.utimesSync : fs.lutimesSync)(path, seconds(access), seconds(modified)));
}

function touch(runtime: HostBase, path: string, follow: boolean, option: '-a' | '-m', ns: bigint): boolean {
  const time = `@${ns / 1_000_000_000n}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}`;
  return runtime.touch?.([option, ...(follow ? [] : ['-h']), '-d', time], path) ?? false;
}
