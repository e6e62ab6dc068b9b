// SPDX-License-Identifier: MIT
/** The table of descriptors is used without a lock: here another thread does something between two steps of acquire(). */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { dist } from './helpers/paths.js';

interface Table {
  open(made: object): number;
  openAt(fd: number, made: object): void;
  dup(from: number, minimum: number, to: number): number;
  close(fd: number): void;
  use(fd: number, work: (descriptor: { hostFd: number }) => number): number;
}
const { FdTable } = (await import(dist('wasi/table.js'))) as { FdTable: new (shared: unknown, fs: object) => Table };
const { Shared } = (await import(dist('wasi/shared.js'))) as { Shared: { create(streams: boolean): { buffer: SharedArrayBuffer }; new (buffer: SharedArrayBuffer): unknown } };
const { Kind } = (await import(dist('wasi/descriptor.js'))) as { Kind: { file: number } };

const FD = 5;
const file = (hostFd: number): object => ({ kind: Kind.file, type: 4, hostFd, base: 0 });
const { compareExchange } = Atomics;

let table: Table;
let ofOther: Table;
/** What was closed in the host. */
let closed: number[];
beforeEach(() => {
  closed = [];
  const fs = { closeSync: (fd: number) => void closed.push(fd) };
  const shared = Shared.create(false);
  table = new FdTable(shared, fs);
  ofOther = new FdTable(new Shared(shared.buffer), fs);
  table.openAt(FD, file(10));
});
afterEach(() => {
  Atomics.compareExchange = compareExchange;
});

/** The file's host fd as a call on FD sees it, while another thread does that just before the call takes its reference. */
function seenWhile(work: () => void): number {
  Atomics.compareExchange = ((...args: Parameters<typeof compareExchange>) => {
    Atomics.compareExchange = compareExchange;
    work();
    return compareExchange(...args);
  }) as typeof compareExchange;
  return table.use(FD, ({ hostFd }) => hostFd);
}

test('nothing: the call has the file', () => {
  expect(seenWhile(() => {})).toBe(10);
  table.close(FD);
  expect(closed).toEqual([10]);
});

test('the file is closed, and another one takes its place in memory under another fd: EBADF, and that one is left alone', () => {
  let other = -1;
  expect(() => seenWhile(() => {
    ofOther.close(FD);
    other = ofOther.open(file(11));
  })).toThrow(expect.objectContaining({ errno: 8 }));
  expect(other).not.toBe(FD);
  expect(closed).toEqual([10]);
  expect(table.use(other, ({ hostFd }) => hostFd)).toBe(11);
  table.close(other);
  expect(closed).toEqual([10, 11]);
});

test('the file is closed, and its fd is another one\'s, with the same place in memory or without: the call has that one', () => {
  expect(seenWhile(() => {
    ofOther.close(FD);
    ofOther.openAt(FD, file(11));
  })).toBe(11);
  const from = table.open(file(12));
  expect(seenWhile(() => ofOther.dup(from, 0, FD))).toBe(12);
  expect(closed).toEqual([10, 11]);
});

test('the file is closed while the call uses it: the host closes it after the call', () => {
  expect(table.use(FD, ({ hostFd }) => {
    ofOther.close(FD);
    expect(closed).toEqual([]);
    return hostFd;
  })).toBe(10);
  expect(closed).toEqual([10]);
});
