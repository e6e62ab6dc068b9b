// SPDX-License-Identifier: MIT
/** The tests of wasi-files on a host without procfs, as on macOS, and what is different there. */
import { beforeAll, expect, test } from '@jest/globals';
import { linkSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './helpers/child.js';
import { Caller, E, OFlags, OUT } from './helpers/wasi.js';

process.env['AIO_NO_PROCFS'] = '1';
await import('./wasi-files.test.js');

const dir = scratch();
let top: string;
beforeAll(() => {
  expect(process.env['AIO_NO_PROCFS']).toBe('1');
  top = join(dir.path, 'top');
  for (const path of ['top/in/deep', 'outside']) mkdirSync(join(dir.path, path), { recursive: true });
  writeFileSync(join(dir.path, 'outside/file'), 'outside');
});

async function guest(work: (c: Caller) => void): Promise<void> {
  const c = await Caller.create({ dirs: { '/': top } });
  try {
    work(c);
  } finally {
    await c.close();
  }
}

test('a descriptor follows its directory when the guest renames what it is in', () => guest((c) => {
  const deep = c.open('in/deep', { oflags: OFlags.directory, rights: 0 });
  const file = c.open('file', { dir: deep, oflags: OFlags.creat });
  expect(c.call('path_rename', 3, ...c.path('in'), 3, ...c.path2('renamed'))).toBe(0);
  expect(c.open('other', { dir: deep, oflags: OFlags.creat })).toBeGreaterThan(0);
  expect(readFileSync(join(top, 'renamed/deep/other'), 'utf8')).toBe('');
  // Appending opens the file once more.
  expect(c.call('fd_fdstat_set_flags', file, 1)).toBe(0);
  expect(c.write(file, 'text')).toBe(4);
  expect(readFileSync(join(top, 'renamed/deep/file'), 'utf8')).toBe('text');
  expect(c.call('path_rename', 3, ...c.path('renamed'), 3, ...c.path2('in'))).toBe(0);
}));

test('a directory that others have put elsewhere is ENOENT, also if something else is in its place', () => guest((c) => {
  const deep = c.open('in/deep', { oflags: OFlags.directory, rights: 0 });
  renameSync(join(top, 'in'), join(top, 'kept'));
  expect(c.open('made', { dir: deep, oflags: OFlags.creat })).toBe(-E.NOENT);
  symlinkSync(join(dir.path, 'outside'), join(top, 'in'));
  mkdirSync(join(dir.path, 'outside/deep'));
  expect(c.open('made', { dir: deep, oflags: OFlags.creat })).toBe(-E.NOENT);
  expect(c.call('path_create_directory', deep, ...c.path('made'))).toBe(E.NOENT);
  expect(c.call('path_filestat_get', 3, 1, ...c.path('in/file'), OUT)).toBe(E.PERM);
  expect(c.open('in/file')).toBe(-E.PERM);
}));

test('Windows has no directories of the host: the error says what there is', async () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? {};
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
  try {
    const refused = Caller.create({ dirs: { '/': top } });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_AIO_UNSUPPORTED' });
    await expect(refused).rejects.toThrow("on Windows, which has no calls to use them safely; a directory in memory works everywhere ('mem' in place of the path)");
  } finally {
    Object.defineProperty(process, 'platform', platform);
  }
});

test('O_TRUNC and O_CREAT change nothing behind a link, and a hard link is the file itself', () => guest((c) => {
  symlinkSync(join(dir.path, 'outside/file'), join(top, 'link'));
  const both = OFlags.creat | OFlags.trunc;
  expect(c.open('link', { oflags: both, follow: false })).toBe(-E.LOOP);
  expect(c.open('link', { oflags: both })).toBe(-E.PERM);
  expect(readFileSync(join(dir.path, 'outside/file'), 'utf8')).toBe('outside');
  writeFileSync(join(top, 'one'), 'one');
  linkSync(join(top, 'one'), join(top, 'two'));
  const fd = c.open('two', { oflags: both });
  expect(c.write(fd, '2')).toBe(1);
  expect(readFileSync(join(top, 'one'), 'utf8')).toBe('2');
}));
