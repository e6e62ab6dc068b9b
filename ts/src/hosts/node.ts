// SPDX-License-Identifier: MIT
/** The host in Node, Deno and Bun: what owner and workers have in common. */
import * as fs from 'node:fs';
import { fdatasyncSync, readSync, readvSync, writeSync, writevSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { hostErrno } from '../errors.js';
import type { HostBase, Range } from './host.js';
import { threadClock } from './thread-clock.js';

/**
 * Measures the difference between performance.now() and hrtime, which are the same clock with different origins; the
 * former is three times as fast to read. Time passes between reading the two, so the quickest of several pairs is
 * used.
 */
function measureOrigin(): number {
  let origin = -Infinity;
  for (let i = 0; i < 50; i++) {
    const hrtime = Number(process.hrtime.bigint());
    origin = Math.max(origin, hrtime - performance.now() * 1e6);
  }
  return origin;
}

/** Whether this is Node itself, and not a runtime that imitates it. */
export const isNode = !('Deno' in globalThis || 'Bun' in globalThis);
/** In Deno an fd belongs to one thread; in Node and Bun it belongs to the process. */
export const fdsAreOwned = 'Deno' in globalThis;

/** Whether all threads read the same clock. In Deno and Bun, hrtime counts from the start of each thread. */
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

  // setImmediate and not a MessageChannel, which would starve other messages in Node.
  turn: () => new Promise((resolve) => setImmediate(resolve)),

  write(fd, bytes) {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(fd, bytes, done);
      } catch (error) {
        // A pipe is full because its reader is slow. All other ways to wait for it are asynchronous.
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
