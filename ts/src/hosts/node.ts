// SPDX-License-Identifier: MIT
/** Node: what owner and workers share. */
import * as fs from 'node:fs';
import { fdatasyncSync, readSync, readvSync, writeSync, writevSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { hostErrno } from '../errors.js';
import type { HostBase, Range } from './host.js';
import { threadClock } from './thread-clock.js';

/**
 * performance.now() and hrtime are one clock with different origins; the first
 * is three times as fast to read. Time passes between the two readings, so the
 * origin is what the quickest of some pairs says.
 */
function measureOrigin(): number {
  let origin = -Infinity;
  for (let i = 0; i < 50; i++) {
    const hrtime = Number(process.hrtime.bigint());
    origin = Math.max(origin, hrtime - performance.now() * 1e6);
  }
  return origin;
}

/** Not one of those that are made to look like it. */
export const isNode = !('Deno' in globalThis || 'Bun' in globalThis);

/** Deno's and Bun's hrtime counts from the start of each thread. */
export const clockIsShared = isNode;

function sharedClock(): () => number {
  const origin = measureOrigin();
  return () => origin + performance.now() * 1e6;
}

const pause = new Int32Array(new SharedArrayBuffer(4));

const viewsOf = (memory: Uint8Array, ranges: readonly Range[]): Uint8Array[] =>
  ranges.map(({ start, length }) => memory.subarray(start, start + length));

export const nodeBase: HostBase = {
  name: 'node',
  fs,

  monotonic: clockIsShared ? sharedClock() : threadClock,

  // A MessageChannel's turn would starve other messages here.
  turn: () => new Promise((resolve) => setImmediate(resolve)),

  write(fd, bytes) {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(fd, bytes, done);
      } catch (error) {
        // A pipe whose reader is slow: all other ways to wait are asynchronous.
        if (hostErrno(error) !== 'EAGAIN') return hostErrno(error);
        Atomics.wait(pause, 0, 0, 1);
      }
    }
    return undefined;
  },

  pread(handle, memory, start, length, offset) {
    try {
      return readSync(handle, memory, start, length, offset);
    } catch (error) {
      return hostErrno(error);
    }
  },

  pwrite(handle, memory, start, length, offset) {
    try {
      return writeSync(handle, memory, start, length, offset);
    } catch (error) {
      return hostErrno(error);
    }
  },

  preadv(handle, memory, ranges, offset) {
    try {
      return readvSync(handle, viewsOf(memory, ranges), offset);
    } catch (error) {
      return hostErrno(error);
    }
  },

  pwritev(handle, memory, ranges, offset) {
    try {
      return writevSync(handle, viewsOf(memory, ranges), offset);
    } catch (error) {
      return hostErrno(error);
    }
  },

  fdatasync(handle) {
    try {
      fdatasyncSync(handle);
      return undefined;
    } catch (error) {
      return hostErrno(error);
    }
  },
};
