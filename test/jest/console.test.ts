// SPDX-License-Identifier: MIT
/**
 * A program without a WasiHost has the console of runtime/console.ts. Its calls answer as those of a
 * guest do that has a console for standard output and error and nothing else.
 */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { HostBase } from '../../dist/hosts/host.js';
import type * as consoleFile from '../../dist/runtime/console.js';
import type * as moreFile from '../../dist/runtime/console-more.js';
import type * as memoryFile from '../../dist/runtime/memory.js';
import type * as systemFile from '../../dist/runtime/system.js';
import type * as guestFile from '../../dist/wasi/guest-system.js';
import type * as wasiGuestFile from '../../dist/wasi/wasi-guest.js';
import { dist, pathOf } from './helpers/paths.js';
import { seeded } from './helpers/random.js';
import { ALL_RIGHTS } from './helpers/wasi.js';
import { ownerHost } from './helpers/workers.js';

const { COMMON, consoleGuest, consoleSystem } = (await import(dist('runtime/console.js'))) as typeof consoleFile;
const { moreCalls } = (await import(dist('runtime/console-more.js'))) as typeof moreFile;
const library = new WebAssembly.Module(readFileSync(pathOf('dist/aio.wasm')));
const { Memory } = (await import(dist('runtime/memory.js'))) as typeof memoryFile;
const { guestSystem } = (await import(dist('wasi/guest-system.js'))) as typeof guestFile;
const { WasiGuest } = (await import(dist('wasi/wasi-guest.js'))) as typeof wasiGuestFile;

const { random, seed } = seeded();
const PAGE = 65536;
const [IOVS, RESULT, TEXT, BEYOND] = [1024, 8192, 16384, PAGE - 2];

type Calls = Record<string, (...args: unknown[]) => number>;

/** One system, and what it has written. */
class Side {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  readonly written: [fd: number, text: string][] = [];
  readonly host: HostBase = { ...ownerHost, write: (fd, bytes) => void this.written.push([fd, Buffer.from(bytes).toString()]) };
  system!: systemFile.System;
  calls!: Calls;

  use(system: systemFile.System): this {
    this.system = system;
    this.calls = system.calls as unknown as Calls;
    new Uint8Array(this.memory.buffer).set(new TextEncoder().encode('some text'), TEXT);
    const words = new Uint32Array(this.memory.buffer, IOVS, 4);
    words.set([TEXT, 4, TEXT + 4, 5]);
    return this;
  }
}

async function sides(): Promise<[Side, Side]> {
  const args = ['program', 'argument'];
  const [one, other] = [new Side(), new Side()];
  const { config } = await consoleGuest(one.host, library, args);
  one.use(consoleSystem(config as never, one.host, new Memory(one.memory), true, moreCalls));
  // Without surroundings, as in a page, it has a console and no standard input.
  const guest = await WasiGuest.create(ownerHost, { makeWorker: () => ({ postMessage() {}, terminate() {} }) }, { args });
  other.use(guestSystem(guest.config, other.host, new Memory(other.memory), true));
  return [one, other];
}

const pick = <T>(...of: T[]): T => of[Math.floor(random() * of.length)] as T;
const fd = (): number => pick(0, 1, 1, 1, 2, 2, 2, 3, -1);
const result = (): number => RESULT;
/** Where a result goes that is written whatever becomes of the call. */
const anywhere = (): number => pick(RESULT, RESULT, BEYOND);
const rights = (): bigint => pick(BigInt(ALL_RIGHTS), 0n, 2n ** 31n, BigInt(Math.floor(random() * (ALL_RIGHTS + 1))), 0x8000048n, 0x8200048n, 0x48n);

/** The arguments of each call. Pointers of those that no console takes are right: what is wrong with them is told first or last. */
const calls: Record<string, () => unknown[]> = {
  args_sizes_get: () => [anywhere(), RESULT], args_get: () => [anywhere(), TEXT + 100],
  environ_sizes_get: () => [anywhere(), RESULT], environ_get: () => [anywhere(), RESULT],
  clock_res_get: () => [pick(0, 1, 2), anywhere()],
  fd_advise: () => [fd(), 0n, 0n, 0], fd_allocate: () => [fd(), 0n, 1n], fd_close: () => [fd()], fd_datasync: () => [fd()], fd_sync: () => [fd()],
  fd_fdstat_get: () => [fd(), anywhere()], fd_fdstat_set_flags: () => [fd(), pick(0, 1, 4, 4, 5, 32)],
  fd_fdstat_set_rights: () => [fd(), rights(), pick(0n, 0n, 0n, 1n)], fd_filestat_get: () => [fd(), anywhere()],
  fd_filestat_set_size: () => [fd(), 0n], fd_filestat_set_times: () => [fd(), 0n, 0n, 0],
  fd_pread: () => [fd(), IOVS, 2, 0n, result()], fd_pwrite: () => [fd(), IOVS, 2, 0n, result()],
  fd_prestat_get: () => [fd(), result()], fd_prestat_dir_name: () => [fd(), RESULT, 8],
  fd_read: () => [fd(), pick(IOVS, BEYOND), pick(0, 1, 2), anywhere()], fd_write: () => [fd(), pick(IOVS, IOVS, BEYOND), pick(0, 1, 2), anywhere()],
  fd_readdir: () => [fd(), RESULT, 64, 0n, result()], fd_renumber: () => [fd(), fd()],
  fd_seek: () => [fd(), 0n, 0, result()], fd_tell: () => [fd(), result()],
  path_create_directory: () => [fd(), TEXT, 4], path_filestat_get: () => [fd(), 0, TEXT, 4, result()],
  path_filestat_set_times: () => [fd(), 0, TEXT, 4, 0n, 0n, 0], path_link: () => [fd(), 0, TEXT, 4, fd(), TEXT, 4],
  path_open: () => [fd(), 0, TEXT, 4, 0, 0n, 0n, 0, result()], path_readlink: () => [fd(), TEXT, 4, RESULT, 64, result()],
  path_remove_directory: () => [fd(), TEXT, 4], path_rename: () => [fd(), TEXT, 4, fd(), TEXT, 4], path_symlink: () => [TEXT, 4, fd(), TEXT, 4],
  path_unlink_file: () => [fd(), TEXT, 4], sched_yield: () => [],
  sock_accept: () => [fd(), 0, result()], sock_recv: () => [fd(), IOVS, 2, 0, result(), RESULT + 8], sock_send: () => [fd(), IOVS, 2, 0, result()],
  sock_shutdown: () => [fd(), 1],
};

test('every call answers the same, and leaves the same in the memory', async () => {
  const [one, other] = await sides();
  expect(Object.keys(one.calls).sort()).toEqual(Object.keys(other.calls).sort());
  for (let round = 0; round < 400; round++) {
    const [mine, theirs] = await sides();
    // A few at a time: with both outputs closed all is EBADF.
    for (let step = 0; step < 12; step++) {
      const name = pick(...Object.keys(calls));
      const args = calls[name]?.() ?? [];
      const [got, wanted] = [mine, theirs].map((side) => side.calls[name]?.(...args));
      const call = `${name}(${args.join(', ')}), step ${step} of round ${round} of seed ${seed}`;
      expect([call, got]).toEqual([call, wanted]);
      if (Buffer.compare(Buffer.from(mine.memory.buffer), Buffer.from(theirs.memory.buffer))) throw new Error(`${call}: the memories differ`);
      for (const events of [1, 4, 5]) {
        const fds = [0, 1, 2, 3];
        expect([call, fds.map((n) => mine.system.env.fd_revents(n, events))]).toEqual([call, fds.map((n) => theirs.system.env.fd_revents(n, events))]);
        expect([call, fds.map((n) => mine.system.env.fd_watch(n))]).toEqual([call, fds.map((n) => theirs.system.env.fd_watch(n))]);
      }
    }
    expect(mine.written).toEqual(theirs.written);
  }
});

test('the calls that are there without the others are those that every module imports', async () => {
  const imported = WebAssembly.Module.imports(library).filter(({ module }) => module === 'wasi_snapshot_preview1').map(({ name }) => name);
  const side = new Side();
  const guest = await consoleGuest(side.host, library, []);
  expect(Object.keys(guest.system(new Memory(side.memory)).calls).sort()).toEqual([...COMMON].sort());
  expect(COMMON).toEqual(expect.arrayContaining(imported));
});

test('poll_oneoff reports both outputs at once, and a clock when it is due', async () => {
  for (const side of await sides()) {
    const view = new DataView(side.memory.buffer);
    const subscribe = (n: number, type: number, what: number, ns = 0n): void => {
      view.setBigUint64(48 * n, BigInt(n), true);
      view.setUint8(48 * n + 8, type);
      view.setUint32(48 * n + 16, what, true);
      view.setBigUint64(48 * n + 24, ns, true);
    };
    const poll = (count: number): unknown => {
      const errno = side.calls['poll_oneoff']?.(0, RESULT, count, RESULT - 4);
      const events = Array.from({ length: view.getUint32(RESULT - 4, true) }, (_, n) => [
        Number(view.getBigUint64(RESULT + 32 * n, true)), view.getUint16(RESULT + 32 * n + 8, true), view.getUint8(RESULT + 32 * n + 10),
      ]);
      return [errno, events];
    };
    subscribe(0, 2, 1);
    subscribe(1, 0, 1, 10n ** 12n);
    subscribe(2, 1, 2);
    subscribe(3, 2, 0);
    expect(poll(4)).toEqual([0, [[0, 0, 2], [2, 0, 1], [3, 8, 2]]]);
    subscribe(0, 0, 1, 1000n);
    expect(poll(1)).toEqual([0, [[0, 0, 0]]]);
  }
});
