// SPDX-License-Identifier: MIT
/** Directories in memory: they answer as directories of the system do, and threads and runs share nothing that they should not. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { scratch, spawned, wasmAio } from './helpers/child.js';
import { cli, pathOf } from './helpers/paths.js';
import { seeded } from './helpers/random.js';
import { Caller, DATA, E, FILE, OFlags, OUT, Rights, RIGHTS_OF_DIRECTORY } from './helpers/wasi.js';

// A file system in memory, as its times and limits are like ours.
const dir = scratch(true);
afterAll(dir.remove);

/** WASI's errno for a rename to another device. */
const XDEV = 75;

const NAMES = ['a', 'b', 'c', 'a/b', 'a/c', 'b/a', 'a/b/c', 'l', 'l/a', 'a/l', 'a/', 'b/.', 'c/..', './a', 'a/../b', '../x', 'l/', '', 'a//b'];
const TARGETS = ['a', 'b', '../a', 'a/b', 'l', '..', './b', 'missing', '../../..'];

/** What one directory answers to a call that is made by numbers, as text. */
function answer(c: Caller, fd: number, open: number[], kind: number, n: (most: number) => number): string {
  const name = (): string => NAMES[n(NAMES.length)] ?? '';
  const [one, two] = [name(), name()];
  const follow = n(2);
  const target = TARGETS[n(TARGETS.length)] ?? '';
  const oflags = [0, OFlags.creat, OFlags.creat | OFlags.excl, OFlags.creat | OFlags.trunc, OFlags.directory, OFlags.trunc][n(6)] ?? 0;
  const file = open[n(open.length)] ?? -1;
  const [size, position] = [n(9000), n(20000)];
  const rights = oflags & OFlags.directory ? RIGHTS_OF_DIRECTORY : FILE | (n(4) === 0 ? Rights.fdReaddir : 0);
  const path = (errno: number): string => `${errno}`;
  const stat = (errno: number): string => {
    if (errno !== 0) return `${errno}`;
    const { type, nlink, size: bytes } = c.statAt();
    return type === 3 ? 'directory' : `${type} ${nlink} ${bytes}`;
  };
  switch (kind) {
    case 0: case 1: case 2: {
      const made = c.open(one, { dir: fd, follow: follow === 1, oflags, rights, fdflags: n(4) === 0 ? 1 : 0 });
      if (made >= 0) open.push(made);
      return `open ${one} ${oflags} ${made >= 0 ? 'opened' : made}`;
    }
    case 3: return `mkdir ${one} ${path(c.call('path_create_directory', fd, ...c.path(one)))}`;
    case 4: return `rmdir ${one} ${path(c.call('path_remove_directory', fd, ...c.path(one)))}`;
    case 5: return `unlink ${one} ${path(c.call('path_unlink_file', fd, ...c.path(one)))}`;
    case 6: return `rename ${one} ${two} ${path(c.call('path_rename', fd, ...c.path(one), fd, ...c.path2(two)))}`;
    case 7: return `link ${one} ${two} ${path(c.call('path_link', fd, 0, ...c.path(one), fd, ...c.path2(two)))}`;
    case 8: return `symlink ${target} ${one} ${path(c.call('path_symlink', ...c.path2(target), fd, ...c.path(one)))}`;
    case 9: {
      const errno = c.call('path_readlink', fd, ...c.path(one), DATA, 100, OUT);
      return `readlink ${one} ${errno === 0 ? c.bytes.toString('utf8', DATA, DATA + c.u32()) : errno}`;
    }
    case 10: return `stat ${one} ${follow} ${stat(c.call('path_filestat_get', fd, follow, ...c.path(one), OUT))}`;
    case 11: return `fstat ${stat(c.call('fd_filestat_get', file, OUT))}`;
    case 12: return `write ${c.write(file, Buffer.alloc(size, position))}`;
    case 13: return `pwrite ${c.write(file, Buffer.alloc(size, position), 'fd_pwrite', BigInt(position))}`;
    case 14: return `pread ${sum(c.read(file, size, 'fd_pread', BigInt(position)))}`;
    case 15: return `seek ${c.call('fd_seek', file, BigInt(position), 0, OUT)}`;
    case 16: return `read ${sum(c.read(file, size))}`;
    case 17: return `truncate ${c.call('fd_filestat_set_size', file, BigInt(position))}`;
    case 18: return `allocate ${c.call('fd_allocate', file, BigInt(position), BigInt(size + 1))}`;
    case 19: {
      if (open.length < 8) return '';
      return `close ${c.call('fd_close', open.splice(n(open.length), 1)[0])}`;
    }
    default: return `list ${list(c, fd)}`;
  }
}

const sum = (data: string | number): string => (typeof data === 'number' ? `${data}` : `${data.length} ${[...data].reduce((s, ch) => (s * 31 + ch.charCodeAt(0)) | 0, 7)}`);

function list(c: Caller, fd: number): string {
  const errno = c.call('fd_readdir', fd, DATA, 65536, 0n, OUT);
  if (errno !== 0) return `${errno}`;
  const names: string[] = [];
  const end = DATA + c.u32();
  for (let at = DATA; at < end;) {
    const length = c.u32(at + 16);
    names.push(c.bytes.toString('utf8', at + 24, at + 24 + length) + c.view().getUint8(at + 20));
    at += 24 + length;
  }
  return names.sort().join(' ');
}

test('whatever is done to a directory in memory, it answers as one of the system does', async () => {
  const { random, seed } = seeded();
  for (let round = 0; round < Number(process.env['ROUNDS'] ?? 12); round++) {
    const root = join(dir.path, `root${round}`);
    mkdirSync(root);
    const c = await Caller.create({ dirs: { '/system': root, '/memory': 'mem' } });
    const history: string[] = [];
    const opens: [number[], number[]] = [[], []];
    for (let step = 0; step < 400; step++) {
      const numbers = Array.from({ length: 16 }, random);
      const [system, memory] = [0, 1].map((which) => {
        let at = 0;
        const n = (most: number): number => Math.floor((numbers[at++] ?? 0) * most);
        return answer(c, 3 + which, opens[which as 0 | 1], n(21), n);
      });
      history.push(system ?? '');
      if (memory !== system) throw new Error(`seed ${seed}, round ${round}:\n${history.slice(-30).join('\n')}\nin memory: ${memory}`);
    }
    expect(list(c, 4)).toBe(list(c, 3));
    await c.close();
  }
}, 120_000);

test('two of them are two, and nothing leads from one to another or to the system', async () => {
  const c = await Caller.create({ dirs: { '/a': 'mem', '/b': 'mem', '/': dir.path } });
  expect(c.open('f', { oflags: OFlags.creat })).toBe(0);
  expect(c.open('f', { dir: 4 })).toBe(-E.NOENT);
  for (const from of [3, 4]) expect(c.open('../f', { dir: from })).toBe(-E.PERM);
  expect(c.call('path_rename', 3, ...c.path('f'), 5, ...c.path2('f'))).toBe(XDEV);
  expect(c.call('path_link', 3, 0, ...c.path('f'), 5, ...c.path2('f'))).toBe(XDEV);
  expect(c.call('path_rename', 3, ...c.path('f'), 4, ...c.path2('g'))).toBe(0);
  await c.close();
});

test('a file that was removed exists until it is closed, and its room is given back', async () => {
  const c = await Caller.create({ dirs: { '/': 'mem' } });
  const piece = Buffer.alloc(65536, 1);
  // 40 times 8 MiB is more than there is room for.
  for (let i = 0; i < 40; i++) {
    const fd = c.open('f', { oflags: OFlags.creat });
    expect(c.call('path_unlink_file', 3, ...c.path('f'))).toBe(0);
    for (let k = 0; k < 128; k++) expect(c.write(fd, piece)).toBe(65536);
    expect(c.stat(fd)).toMatchObject({ nlink: 0n, size: 8388608n });
    expect(c.call('fd_close', fd)).toBe(0);
  }
  const fd = c.open('big', { oflags: OFlags.creat });
  let room = 0;
  for (let wrote = 0; (wrote = c.write(fd, piece)) > 0;) room += wrote;
  expect(c.write(fd, piece)).toBe(-E.NOSPC);
  expect(room).toBeGreaterThan(250 * 1048576);
  await c.close();
});

test('programs of aiocc use them, with libc', async () => {
  const program = pathOf('build/fixtures/libc-files.wasm');
  const system = await wasmAio('run', '--dir', `${dir.path}::/`, '--env=WHO=me', program);
  expect(await wasmAio('run', '--dir', 'mem::/', '--env=WHO=me', program)).toEqual(system);
  expect(system.code).toBe(0);
});

test('without procfs, as on macOS, programs use directories of the host and in memory all the same', async () => {
  const program = pathOf('build/fixtures/libc-files.wasm');
  const run = (preopen: string): ReturnType<typeof spawned> =>
    spawned('/usr/bin/env', ['AIO_NO_PROCFS=1', process.execPath, cli, 'run', '--dir', preopen, '--env=WHO=me', program]);
  const [host, memory] = await Promise.all([run(`${dir.path}::/`), run('mem::/')]);
  expect(memory).toEqual(await wasmAio('run', '--dir', 'mem::/', '--env=WHO=me', program));
  expect(host).toEqual(memory);
  expect(memory.code).toBe(0);
});
