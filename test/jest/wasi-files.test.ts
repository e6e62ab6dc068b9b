// SPDX-License-Identifier: MIT
/** preview1's calls on files and what they answer when they cannot. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { scratch } from './helpers/child.js';
import { Caller, DATA, E, FdFlags, FILE, FileType, FstFlags, OFlags, OUT, Rights, RIGHTS_OF_DIRECTORY } from './helpers/wasi.js';

const dir = scratch();
let root = '';
let n = 0;
let c: Caller;
beforeEach(async () => {
  root = join(dir.path, `root${n++}`);
  mkdirSync(root);
  c = await Caller.create({ dirs: { '/': root } });
});
afterEach(async () => {
  await c.close();
  rmSync(root, { recursive: true });
});

const { creat, excl, trunc, directory } = OFlags;

test('fd_write, fd_read, fd_seek, fd_tell, fd_close: a file, its offset, and the lowest fd that is free', () => {
  const fd = c.open('f', { oflags: creat });
  expect(fd).toBe(0);                          // standard streams are closed here
  expect(c.write(fd, 'hello world')).toBe(11);
  expect(readFileSync(join(root, 'f'), 'utf8')).toBe('hello world');
  expect(c.call('fd_tell', fd, OUT)).toBe(0);
  expect(c.u64()).toBe(11n);
  expect(c.read(fd, 5)).toBe('');
  expect(c.call('fd_seek', fd, -5n, 2, OUT)).toBe(0);
  expect(c.u64()).toBe(6n);
  expect(c.read(fd, 100)).toBe('world');
  expect(c.call('fd_seek', fd, -6n, 1, OUT)).toBe(0);
  expect(c.read(fd, 2)).toBe(' w');
  expect(c.call('fd_seek', fd, -1n, 0, OUT)).toBe(E.INVAL);
  expect(c.call('fd_seek', fd, 0n, 3, OUT)).toBe(E.INVAL);
  expect(c.call('fd_seek', fd, 100n, 0, OUT)).toBe(0);
  expect(c.write(fd, 'x')).toBe(1);
  expect(statSync(join(root, 'f')).size).toBe(101);
  expect(c.call('fd_close', fd)).toBe(0);
  for (const [name, ...args] of [['fd_close'], ['fd_tell', OUT], ['fd_sync'], ['fd_filestat_get', OUT]] as [string, ...unknown[]][]) {
    expect(c.call(name, fd, ...args)).toBe(E.BADF);
  }
  expect(c.open('f')).toBe(0);
});

test('several vectors, empty ones among them; fd_pread and fd_pwrite leave the offset alone', () => {
  const fd = c.open('f', { oflags: creat });
  expect(c.write(fd, 'abcdefgh')).toBe(8);
  expect(c.write(fd, 'XY', 'fd_pwrite', 2n)).toBe(2);
  expect(c.call('fd_pread', fd, ...c.iovs(2, 0, 3), 1n, OUT)).toBe(0);
  expect([c.u32(), c.bytes.toString('utf8', DATA, DATA + 5)]).toEqual([5, 'bXYef']);
  expect(c.read(fd, 3, 'fd_pread', 6n)).toBe('gh');
  expect(c.read(fd, 0, 'fd_pread', 0n)).toBe('');
  expect(c.read(fd, 3, 'fd_pread', 1n << 62n)).toBe('');
  expect(c.read(fd, 3, 'fd_pread', -1n)).toBe(-E.INVAL);
  expect(c.write(fd, 'x', 'fd_pwrite', 1n << 62n)).toBe(-E.FBIG);
  expect(c.call('fd_tell', fd, OUT)).toBe(0);
  expect(c.u64()).toBe(8n);
});

test('append and fd_fdstat_set_flags: always at the end, also after a seek and beside others; the flag comes and goes', () => {
  writeFileSync(join(root, 'log'), 'one\n');
  const fd = c.open('log', { fdflags: FdFlags.append });
  expect(c.write(fd, 'two\n')).toBe(4);
  execFileSync('sh', ['-c', `printf 'other\\n' >> '${join(root, 'log')}'`]);
  c.call('fd_seek', fd, 0n, 0, OUT);
  expect(c.write(fd, 'three\n')).toBe(6);
  c.call('fd_tell', fd, OUT);
  expect(c.u64()).toBe(20n);
  expect(c.fdstat(fd).flags).toBe(FdFlags.append);
  expect(c.call('fd_fdstat_set_flags', fd, 0)).toBe(0);
  c.call('fd_seek', fd, 0n, 0, OUT);
  expect(c.write(fd, 'ONE')).toBe(3);
  expect(c.call('fd_fdstat_set_flags', fd, FdFlags.append | FdFlags.sync)).toBe(0);
  expect(c.write(fd, 'four\n')).toBe(5);
  expect(readFileSync(join(root, 'log'), 'utf8')).toBe('ONE\ntwo\nother\nthree\nfour\n');
  expect(c.call('fd_fdstat_set_flags', fd, 64)).toBe(E.INVAL);
});

test('path_open: its flags, and what it refuses', () => {
  writeFileSync(join(root, 'f'), 'content');
  mkdirSync(join(root, 'd'));
  expect(c.open('nope')).toBe(-E.NOENT);
  expect(c.open('')).toBe(-E.NOENT);
  expect(c.open('f', { oflags: creat | excl })).toBe(-E.EXIST);
  expect(c.open('f', { oflags: directory, rights: 0 })).toBe(-E.NOTDIR);
  expect(c.open('f/')).toBe(-E.NOTDIR);
  expect(c.open('f/x')).toBe(-E.NOTDIR);
  expect(c.open('new/', { oflags: creat })).toBe(-E.ISDIR);
  expect(c.open('d', { rights: FILE })).toBe(-E.ISDIR);
  expect(c.open('d', { oflags: creat | directory, rights: 0 })).toBe(-E.INVAL);
  expect(c.open('f\0', { rights: 0 })).toBe(-E.INVAL);
  expect(c.open('f', { oflags: 16 })).toBe(-E.INVAL);
  expect(c.open('f'.repeat(300))).toBe(-E.NAMETOOLONG);
  expect(c.open('d/'.repeat(3000))).toBe(-E.NAMETOOLONG);
  expect(c.open('f', { dir: 99 })).toBe(-E.BADF);
  const file = c.open('f');
  expect(c.open('f', { dir: file })).toBe(-E.NOTDIR);
  const sub = c.open('d/.', { rights: RIGHTS_OF_DIRECTORY, inheriting: FILE });
  expect(sub).toBeGreaterThanOrEqual(0);
  expect(c.open('g', { dir: sub, oflags: creat })).toBeGreaterThanOrEqual(0);
  expect(readdirSync(join(root, 'd'))).toEqual(['g']);
  expect(c.open('f', { oflags: trunc })).toBeGreaterThanOrEqual(0);
  expect(statSync(join(root, 'f')).size).toBe(0);
  // Invalid UTF-8
  new Uint8Array(c.memory.buffer, 2048, 1).set([0xff]);
  expect(c.call('path_open', 3, 0, 2048, 1, 0, 0n, 0n, 0, OUT)).toBe(E.ILSEQ);
  // What could not be waited for
  execFileSync('mkfifo', [join(root, 'fifo')]);
  expect(c.open('fifo', { rights: Rights.fdRead })).toBe(-E.NOTSUP);
});

test('no way out: by .., absolute paths, links, and links to links', () => {
  writeFileSync(join(dir.path, 'secret'), 'secret');
  mkdirSync(join(root, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'a/f'), 'inside');
  const escapes = { up: '..', far: '../../..', abs: '/etc/passwd', proc: '/proc/self/root', 'a/out': '../../secret', chain: 'up/secret', dirlink: 'a/b/../../..' };
  for (const [name, target] of Object.entries(escapes)) symlinkSync(target, join(root, name));
  for (const path of ['..', '../secret', '/etc/passwd', '/', 'a/../../secret', 'a/b/../../../secret', './../secret', 'up/secret', 'far', 'abs',
    'proc/etc/passwd', 'a/out', 'chain', 'dirlink/secret', 'a/b/../../../root0/a/f']) {
    for (const follow of [true, false]) {
      const opened = c.open(path, { follow, rights: Rights.fdRead });
      expect([path, follow, opened]).toEqual([path, follow, ['abs', 'a/out', 'chain', 'far'].includes(path) && !follow ? -E.LOOP : -E.PERM]);
    }
    expect(c.call('path_filestat_get', 3, 1, ...c.path(path), OUT)).toBe(E.PERM);
  }
  for (const [name, ...rest] of [['path_create_directory'], ['path_unlink_file'], ['path_remove_directory']] as [string, ...unknown[]][]) {
    expect(c.call(name, 3, ...c.path('../made'), ...rest)).toBe(E.PERM);
  }
  expect(c.call('path_rename', 3, ...c.path('a/f'), 3, ...c.path2('../f'))).toBe(E.PERM);
  expect(c.call('path_link', 3, 0, ...c.path('../secret'), 3, ...c.path2('mine'))).toBe(E.PERM);
  expect(c.call('path_symlink', ...c.path('/etc'), 3, ...c.path2('etc'))).toBe(E.PERM);
  // Inside, `..` is as good as any.
  expect(c.read(c.open('a/b/../f'), 10)).toBe('inside');
  expect(c.read(c.open('./a//b/.././f'), 10)).toBe('inside');
  // A directory that was opened is a start of its own.
  const a = c.open('a', { rights: RIGHTS_OF_DIRECTORY, inheriting: FILE });
  expect(c.open('../a/f', { dir: a })).toBe(-E.PERM);
});

test('symbolic links: followed or not, dangling, in a loop; path_symlink, path_readlink, path_filestat_get', () => {
  expect(c.call('path_symlink', ...c.path('target'), 3, ...c.path2('link'))).toBe(0);
  expect(c.open('link')).toBe(-E.NOENT);
  expect(c.open('link', { follow: false })).toBe(-E.LOOP);
  expect(c.open('link', { follow: false, oflags: directory, rights: 0 })).toBe(-E.NOTDIR);
  expect(c.open('link', { oflags: creat | excl })).toBe(-E.EXIST);
  const fd = c.open('link', { oflags: creat });
  expect(c.write(fd, 'made')).toBe(4);
  expect(readFileSync(join(root, 'target'), 'utf8')).toBe('made');
  expect(c.call('path_readlink', 3, ...c.path('link'), DATA, 100, OUT)).toBe(0);
  expect(c.bytes.toString('utf8', DATA, DATA + c.u32())).toBe('target');
  expect(c.call('path_readlink', 3, ...c.path('link'), DATA, 6, OUT)).toBe(0);
  expect(c.call('path_readlink', 3, ...c.path('link'), DATA, 5, OUT)).toBe(0);
  expect(c.bytes.toString('utf8', DATA, DATA + c.u32())).toBe('targe');
  expect(c.call('path_readlink', 3, ...c.path('target'), DATA, 100, OUT)).toBe(E.INVAL);
  expect(c.call('path_symlink', ...c.path('loop'), 3, ...c.path2('loop'))).toBe(0);
  expect(c.open('loop')).toBe(-E.LOOP);
  expect(c.open('loop/x')).toBe(-E.LOOP);
  expect(c.call('path_symlink', ...c.path('x'), 3, ...c.path2('link'))).toBe(E.EXIST);
  expect(c.call('path_symlink', ...c.path('x'), 3, ...c.path2('none/'))).toBe(E.NOENT);
  // lstat and stat
  expect(c.call('path_filestat_get', 3, 0, ...c.path('link'), OUT)).toBe(0);
  expect(c.statAt()).toMatchObject({ type: FileType.symlink, size: 6n });
  expect(c.call('path_filestat_get', 3, 1, ...c.path('link'), OUT)).toBe(0);
  expect(c.statAt()).toMatchObject({ type: FileType.regular, size: 4n });
  // On the way, links to directories are followed.
  mkdirSync(join(root, 'd'));
  symlinkSync('d', join(root, 'dl'));
  expect(c.open('dl/f', { oflags: creat, follow: false })).toBeGreaterThanOrEqual(0);
  expect(c.open('dl/', { follow: false, rights: 0 })).toBeGreaterThanOrEqual(0);
});

test('path_create_directory, path_remove_directory, path_unlink_file, path_rename, path_link', () => {
  const make = (path: string): number => c.call('path_create_directory', 3, ...c.path(path));
  const remove = (path: string): number => c.call('path_remove_directory', 3, ...c.path(path));
  const unlink = (path: string): number => c.call('path_unlink_file', 3, ...c.path(path));
  const rename = (from: string, to: string): number => c.call('path_rename', 3, ...c.path(from), 3, ...c.path2(to));
  const link = (from: string, to: string, follow = 0): number => c.call('path_link', 3, follow, ...c.path(from), 3, ...c.path2(to));
  writeFileSync(join(root, 'f'), 'f');
  expect([make('d'), make('d'), make('d/e/'), make('x/y'), make('f'), make('.')]).toEqual([0, E.EXIST, 0, E.NOENT, E.EXIST, E.EXIST]);
  expect([remove('d'), remove('f'), remove('f/'), remove('nope'), remove('.')]).toEqual([E.NOTEMPTY, E.NOTDIR, E.NOTDIR, E.NOENT, E.INVAL]);
  expect([unlink('d'), unlink('d/'), unlink('f/'), unlink('nope')]).toEqual([E.ISDIR, E.ISDIR, E.NOTDIR, E.NOENT]);
  expect([rename('f', 'd'), rename('d', 'f'), rename('nope', 'f'), rename('f', 'g/'), rename('f', 'g')]).toEqual([E.ISDIR, E.NOTDIR, E.NOENT, E.NOTDIR, 0]);
  expect([rename('d', 'd/e/x'), rename('.', 'x'), rename('d', 'm/')]).toEqual([E.INVAL, E.BUSY, 0]);
  expect([link('g', 'h'), link('g', 'h'), link('m', 'n'), link('g', 'i', 1), link('g', 'i/')]).toEqual([0, E.EXIST, E.PERM, E.INVAL, E.NOENT]);
  expect(statSync(join(root, 'g')).nlink).toBe(2);
  expect([unlink('g'), unlink('h'), remove('m/e/'), remove('m')]).toEqual([0, 0, 0, 0]);
  expect(readdirSync(root)).toEqual([]);
});

test('fd_filestat_get, fd_filestat_set_size, fd_allocate, fd_advise, fd_sync, fd_datasync', () => {
  const fd = c.open('f', { oflags: creat });
  c.write(fd, '12345');
  const host = statSync(join(root, 'f'), { bigint: true });
  expect(c.stat(fd)).toEqual({ dev: host.dev, ino: host.ino, type: FileType.regular, nlink: 1n, size: 5n, atim: host.atimeNs, mtim: host.mtimeNs });
  expect(c.call('fd_filestat_set_size', fd, 3n)).toBe(0);
  expect(c.call('fd_filestat_set_size', fd, 10n)).toBe(0);
  expect(c.call('fd_filestat_set_size', fd, -1n)).toBe(E.INVAL);
  expect(c.read(fd, 10, 'fd_pread', 0n)).toBe('123\0\0\0\0\0\0\0');
  // Holes have their place afterwards.
  truncateSync(join(root, 'f'), 1 << 20);
  expect(statSync(join(root, 'f')).blocks * 512).toBeLessThan(1 << 20);
  expect(c.call('fd_allocate', fd, 0n, BigInt(1 << 20) + 100n)).toBe(0);
  expect(statSync(join(root, 'f'))).toMatchObject({ size: (1 << 20) + 100 });
  expect(statSync(join(root, 'f')).blocks * 512).toBeGreaterThanOrEqual(1 << 20);
  expect(c.read(fd, 3, 'fd_pread', 0n)).toBe('123');
  expect(c.call('fd_allocate', fd, 0n, 0n)).toBe(E.INVAL);
  expect(c.call('fd_allocate', fd, 1n << 62n, 1n << 62n)).toBe(E.FBIG);
  expect(c.call('fd_allocate', fd, 0n, 1n << 52n)).toBe(E.NOSPC);
  expect(statSync(join(root, 'f')).size).toBe((1 << 20) + 100);
  expect([0, 5, 6].map((advice) => c.call('fd_advise', fd, 0n, 0n, advice))).toEqual([0, 0, E.INVAL]);
  expect(c.call('fd_advise', fd, -1n, 0n, 0)).toBe(E.INVAL);
  expect([c.call('fd_sync', fd), c.call('fd_datasync', fd), c.call('fd_sync', 3)]).toEqual([0, 0, 0]);
});

test('fd_filestat_set_times, path_filestat_set_times: to the nanosecond, one of them or both, or now', () => {
  const fd = c.open('f', { oflags: creat });
  symlinkSync('f', join(root, 'l'));
  const { atim, mtim, atimNow, mtimNow } = FstFlags;
  const a = 1_700_000_000_123_456_789n, m = 1_600_000_000_987_654_321n;
  expect(c.call('fd_filestat_set_times', fd, a, m, atim | mtim)).toBe(0);
  expect(c.stat(fd)).toMatchObject({ atim: a, mtim: m });
  expect(c.call('path_filestat_set_times', 3, 1, ...c.path('l'), 1n, m + 1n, mtim)).toBe(0);
  expect(c.stat(fd)).toMatchObject({ atim: a, mtim: m + 1n });
  expect(c.call('path_filestat_set_times', 3, 0, ...c.path('l'), 5_000_000_000n, 6_000_000_001n, atim | mtim)).toBe(0);
  expect(c.stat(fd)).toMatchObject({ atim: a, mtim: m + 1n });
  c.call('path_filestat_get', 3, 0, ...c.path('l'), OUT);
  expect(c.statAt()).toMatchObject({ type: FileType.symlink, atim: 5_000_000_000n, mtim: 6_000_000_001n });
  const before = BigInt(Date.now() - 1000) * 1_000_000n;
  expect(c.call('fd_filestat_set_times', fd, 0n, 0n, mtimNow)).toBe(0);
  expect(c.stat(fd).mtim).toBeGreaterThan(before);
  expect(c.stat(fd).atim).toBe(a);
  expect(c.call('fd_filestat_set_times', fd, 0n, 0n, atim | atimNow)).toBe(E.INVAL);
  expect(c.call('fd_filestat_set_times', fd, 0n, 0n, 16)).toBe(E.INVAL);
});

/** All entries, read with buffers of that size. */
function list(fd: number, size: number): { name: string; ino: bigint; type: number; next: bigint }[] {
  const entries = [];
  for (let cookie = 0n; ;) {
    expect(c.call('fd_readdir', fd, DATA, size, cookie, OUT)).toBe(0);
    const used = c.u32();
    let at = DATA;
    while (at + 24 <= DATA + used) {
      const length = c.u32(at + 16);
      if (at + 24 + length > DATA + used) break;
      cookie = c.u64(at);
      entries.push({ name: c.bytes.toString('utf8', at + 24, at + 24 + length), ino: c.u64(at + 8), type: c.view().getUint8(at + 20), next: cookie });
      at += 24 + length;
    }
    if (used < size) return entries;
  }
}

test('fd_readdir: every entry once, whatever the buffer; stable inodes; cookies can be gone back to', () => {
  const names = Array.from({ length: 50 }, (_, i) => `file-${'x'.repeat(i)}${i}`);
  for (const name of names) writeFileSync(join(root, name), '');
  mkdirSync(join(root, 'sub'));
  const whole = list(3, 65536);
  expect(whole.map(({ name }) => name).sort()).toEqual(['.', '..', 'sub', ...names].sort());
  for (const size of [100, 101, 150, 4096]) expect(list(3, size)).toEqual(whole);
  for (const { name, ino, type } of whole.filter(({ name }) => name !== '..')) {
    expect([ino, type]).toEqual([statSync(join(root, name), { bigint: true }).ino, name === 'sub' || name === '.' ? FileType.directory : FileType.regular]);
  }
  const third = whole[2];
  c.call('fd_readdir', 3, DATA, 4096, third?.next, OUT);
  expect(c.u64(DATA)).toBe((third?.next ?? 0n) + 1n);
  // Too small for one entry: as much as fits, and it is not the end.
  expect(c.call('fd_readdir', 3, DATA, 10, 0n, OUT)).toBe(0);
  expect(c.u32()).toBe(10);
  expect(c.call('fd_readdir', 3, DATA, 100, 1n << 40n, OUT)).toBe(0);
  expect(c.u32()).toBe(0);
  expect(c.call('fd_readdir', c.open(names[0] ?? ''), DATA, 100, 0n, OUT)).toBe(E.NOTDIR);
  // Removed while it is listed: the others come all the same.
  c.call('fd_readdir', 3, DATA, 200, 0n, OUT);
  rmSync(join(root, whole[4]?.name ?? ''));
  expect(list(3, 65536)).toHaveLength(whole.length - 1);
});

test('what a directory has none of is EBADF, also for a descriptor without rights', () => {
  mkdirSync(join(root, 'd'));
  const fd = c.open('d', { oflags: directory, rights: 0 });
  expect(c.read(fd, 1)).toBe(-E.BADF);
  expect(c.write(fd, 'x')).toBe(-E.BADF);
  expect(c.read(fd, 1, 'fd_pread', 0n)).toBe(-E.BADF);
  expect(c.write(fd, 'x', 'fd_pwrite', 0n)).toBe(-E.BADF);
  expect(c.call('fd_seek', fd, 0n, 1, OUT)).toBe(E.BADF);
  expect(c.call('fd_tell', fd, OUT)).toBe(E.BADF);
  expect(c.call('fd_allocate', fd, 0n, 1n)).toBe(E.BADF);
  expect(c.call('fd_advise', fd, 0n, 1n, 0)).toBe(E.BADF);
  expect(c.call('fd_filestat_set_size', fd, 0n)).toBe(E.BADF);
  expect(c.fdstat(fd)).toEqual({ type: FileType.directory, flags: 0, base: 0n, inheriting: 0n });
});

test('fd_fdstat_get, fd_fdstat_set_rights: rights are checked, can be given up and not be had back', () => {
  const fd = c.open('f', { oflags: creat, rights: FILE });
  expect(c.fdstat(fd)).toEqual({ type: FileType.regular, flags: 0, base: BigInt(FILE), inheriting: 0n });
  expect(c.call('fd_fdstat_set_rights', fd, BigInt(Rights.fdRead | Rights.fdTell), 0n)).toBe(0);
  expect(c.write(fd, 'x')).toBe(-E.NOTCAPABLE);
  expect(c.call('fd_seek', fd, 1n, 0, OUT)).toBe(E.NOTCAPABLE);
  expect(c.call('fd_tell', fd, OUT)).toBe(0);
  expect(c.call('fd_filestat_get', fd, OUT)).toBe(E.NOTCAPABLE);
  expect(c.call('fd_fdstat_set_flags', fd, 0)).toBe(E.NOTCAPABLE);
  expect(c.read(fd, 1)).toBe('');
  expect(c.call('fd_fdstat_set_rights', fd, BigInt(FILE), 0n)).toBe(E.NOTCAPABLE);
  const base = RIGHTS_OF_DIRECTORY & ~Rights.pathCreateFile & ~Rights.pathUnlinkFile;
  expect(c.call('fd_fdstat_set_rights', 3, BigInt(base), BigInt(Rights.fdRead))).toBe(0);
  expect(c.open('g', { oflags: creat, rights: Rights.fdRead })).toBe(-E.NOTCAPABLE);
  expect(c.open('f', { rights: Rights.fdWrite })).toBe(-E.NOTCAPABLE);
  expect(c.call('path_unlink_file', 3, ...c.path('f'))).toBe(E.NOTCAPABLE);
  // Of the inherited ones only what there is; of the bits that mean nothing, nothing.
  const sub = c.open('.', { rights: 0, inheriting: FILE });
  expect(c.fdstat(sub).inheriting).toBe(BigInt(Rights.fdRead));
});

test('what is not opened for reading, or writing, is EBADF; all else goes with it unless it is given up', () => {
  writeFileSync(join(root, 'f'), 'content');
  const reader = c.open('f', { rights: Rights.fdRead });
  const writer = c.open('f', { rights: Rights.fdWrite });
  expect(c.write(reader, 'x')).toBe(-E.BADF);
  expect(c.read(writer, 1)).toBe(-E.BADF);
  expect(c.call('fd_filestat_set_size', reader, 1n)).toBe(E.NOTCAPABLE);
  expect([c.call('fd_seek', reader, 3n, 0, OUT), c.call('fd_filestat_get', reader, OUT), c.call('fd_filestat_set_size', writer, 5n)]).toEqual([0, 0, 0]);
  expect(c.read(reader, 9)).toBe('te');
  expect(c.fdstat(reader).base).toBe(BigInt(Rights.fdRead));
  mkdirSync(join(root, 'd'));
  const sub = c.open('d', { oflags: directory, rights: 0 });
  expect(c.open('g', { dir: sub, oflags: creat })).toBeGreaterThan(0);
});

test('fd_renumber: moves, closes what was there; both must be open', () => {
  const a = c.open('a', { oflags: creat });
  const b = c.open('b', { oflags: creat });
  c.write(a, 'A');
  expect(c.call('fd_renumber', a, 77)).toBe(E.BADF);
  expect(c.call('fd_renumber', 77, a)).toBe(E.BADF);
  expect(c.call('fd_renumber', a, a)).toBe(0);
  expect(c.call('fd_renumber', a, b)).toBe(0);
  expect(c.call('fd_tell', a, OUT)).toBe(E.BADF);
  expect(c.write(b, 'B')).toBe(1);
  expect(readFileSync(join(root, 'a'), 'utf8')).toBe('AB');
  expect(readFileSync(join(root, 'b'), 'utf8')).toBe('');
});

test('fd_prestat_get, fd_prestat_dir_name: the directories given, and EBADF for all else', () => {
  expect(c.call('fd_prestat_get', 3, OUT)).toBe(0);
  expect([c.u32(OUT), c.u32(OUT + 4)]).toEqual([0, 1]);
  expect(c.call('fd_prestat_dir_name', 3, OUT, 1)).toBe(0);
  expect(c.bytes.toString('utf8', OUT, OUT + 1)).toBe('/');
  expect(c.call('fd_prestat_dir_name', 3, OUT, 0)).toBe(E.NAMETOOLONG);
  expect(c.call('fd_prestat_get', 4, OUT)).toBe(E.BADF);
  expect(c.call('fd_prestat_get', c.open('f', { oflags: creat }), OUT)).toBe(E.BADF);
  expect(c.call('fd_close', 3)).toBe(0);
  expect(c.open('f')).toBe(-E.BADF);
});

test('a file that is unlinked lives until it is closed; no host fd is left behind', () => {
  const fds = (): string[] => readdirSync('/proc/self/fd');
  const before = fds().length;
  const fd = c.open('f', { oflags: creat, fdflags: FdFlags.append });
  expect(c.call('path_unlink_file', 3, ...c.path('f'))).toBe(0);
  expect(c.write(fd, 'still')).toBe(5);
  expect(c.read(fd, 9, 'fd_pread', 0n)).toBe('still');
  for (const path of ['nope/x', '../x', 'f/x', 'loop']) c.open(path);
  expect(c.call('fd_close', fd)).toBe(0);
  expect(fds().length).toBe(before);
});

test("a path that ends with '.' or '..': the errors of POSIX, and nothing is made, renamed or removed", () => {
  for (const name of ['x', 'x/in', 'y']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'file'), '');
  symlinkSync('x', join(root, 'to-x'));
  const one = (call: string, path: string): number => c.call(call, 3, ...c.path(path));
  const rename = (from: string, to: string): number => c.call('path_rename', 3, ...c.path(from), 3, ...c.path2(to));
  for (const dot of ['x/.', 'x/./', 'x//.', './x/.', 'to-x/.']) {
    expect([dot, one('path_remove_directory', dot)]).toEqual([dot, E.INVAL]);
    expect([dot, one('path_create_directory', dot)]).toEqual([dot, E.EXIST]);
    expect([dot, one('path_unlink_file', dot)]).toEqual([dot, E.ISDIR]);
    expect([dot, rename(dot, 'z')]).toEqual([dot, E.BUSY]);
    expect([dot, rename('y', dot)]).toEqual([dot, E.BUSY]);
    expect([dot, c.open(dot, { oflags: creat })]).toEqual([dot, -E.ISDIR]);
    expect([dot, c.call('path_symlink', ...c.path2('y'), 3, ...c.path(dot))]).toEqual([dot, E.EXIST]);
  }
  expect(one('path_remove_directory', 'x/in/..')).toBe(E.NOTEMPTY);
  expect(rename('x/in/..', 'z')).toBe(E.BUSY);
  for (const gone of ['new/.', 'new/..']) {
    expect([gone, one('path_create_directory', gone)]).toEqual([gone, E.NOENT]);
    expect([gone, one('path_remove_directory', gone)]).toEqual([gone, E.NOENT]);
    expect([gone, rename('y', gone)]).toEqual([gone, E.NOENT]);
    expect([gone, c.open(gone, { oflags: creat })]).toEqual([gone, -E.NOENT]);
    expect([gone, c.call('path_symlink', ...c.path2('y'), 3, ...c.path(gone))]).toEqual([gone, E.NOENT]);
  }
  for (const call of ['path_create_directory', 'path_remove_directory', 'path_unlink_file']) {
    expect([call, one(call, 'file/.')]).toEqual([call, E.NOTDIR]);
  }
  expect(readdirSync(root).sort()).toEqual(['file', 'to-x', 'x', 'y']);
  expect(readdirSync(join(root, 'x'))).toEqual(['in']);
});

test('names of the host that are not UTF-8 are not listed, and a link to one leads nowhere else', () => {
  const at = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/`), name]);
  const bytes = Buffer.from([0xff]);
  writeFileSync(at(bytes), 'not UTF-8');
  // What a decoder makes of it.
  writeFileSync(join(root, '\ufffd'), 'precious');
  symlinkSync(bytes, join(root, 'link'));
  symlinkSync(Buffer.concat([bytes, Buffer.from('/x')]), join(root, 'way'));
  expect(c.open('link')).toBe(-E.ILSEQ);
  expect(c.open('link', { oflags: creat | trunc })).toBe(-E.ILSEQ);
  expect(c.open('way/on')).toBe(-E.ILSEQ);
  expect(readFileSync(join(root, '\ufffd'), 'utf8')).toBe('precious');
  expect(c.call('path_readlink', 3, ...c.path('link'), DATA, 6, OUT)).toBe(0);
  expect([...c.bytes.subarray(DATA, DATA + c.u32())]).toEqual([0xff]);
  expect(c.call('fd_readdir', 3, DATA, 4096, 0n, OUT)).toBe(0);
  const listed: string[] = [];
  for (let entry = DATA; entry < DATA + c.u32();) {
    const length = c.u32(entry + 16);
    listed.push(c.bytes.toString('latin1', entry + 24, entry + 24 + length));
    entry += 24 + length;
  }
  expect(listed.sort()).toEqual(['.', '..', 'link', 'way', Buffer.from('\ufffd').toString('latin1')]);
});

test('an fd that appends: fd_pwrite goes to its offset, fd_allocate moves nothing', () => {
  const fd = c.open('f', { oflags: creat, fdflags: FdFlags.append });
  expect(c.write(fd, 'abcdef')).toBe(6);
  expect(c.write(fd, 'XY', 'fd_pwrite', 1n)).toBe(2);
  expect(readFileSync(join(root, 'f'), 'utf8')).toBe('aXYdef');
  truncateSync(join(root, 'f'), 1 << 20);
  expect(c.call('fd_allocate', fd, 0n, 8192n)).toBe(0);
  expect(statSync(join(root, 'f')).size).toBe(1 << 20);
  expect(readFileSync(join(root, 'f'), 'utf8').slice(0, 6)).toBe('aXYdef');
  expect(c.write(fd, 'end')).toBe(3);
  expect(readFileSync(join(root, 'f'), 'utf8').slice(1 << 20)).toBe('end');
});

test('fd_allocate of an fd that is for writing only keeps what is there', () => {
  writeFileSync(join(root, 'f'), 'content');
  truncateSync(join(root, 'f'), 1 << 20);
  const fd = c.open('f', { rights: FILE & ~Rights.fdRead });
  expect(c.call('fd_allocate', fd, 0n, 8192n)).toBe(0);
  expect(statSync(join(root, 'f')).size).toBe(1 << 20);
  expect(readFileSync(join(root, 'f'), 'utf8').slice(0, 7)).toBe('content');
  expect(c.call('fd_allocate', fd, 1n << 20n, 10n)).toBe(0);
  expect(statSync(join(root, 'f')).size).toBe((1 << 20) + 10);
});

test('a directory cannot be opened for writing', () => {
  mkdirSync(join(root, 'd'));
  expect(c.open('d', { oflags: directory, rights: Rights.fdRead | Rights.fdWrite })).toBe(-E.ISDIR);
  expect(c.open('d', { oflags: directory, rights: Rights.fdReaddir })).toBeGreaterThanOrEqual(0);
});

test('fd_readdir again from the beginning tells what has changed since', () => {
  // Every time counts as old, so listings are used again as long as the time of the directory is the same.
  const later = Date.now() + 3_600_000;
  const clock = jest.spyOn(Date, 'now').mockReturnValue(later);
  try {
    const changed = (): bigint => statSync(root, { bigint: true }).ctimeNs;
    /** Repeats a change until the directory has another time than before. */
    const until = (change: (n: number) => void): void => {
      const before = changed();
      for (let i = 0; changed() === before; i++) change(i);
    };
    const agrees = (): void => {
      const listed = list(3, 4096);
      expect(listed.map(({ name }) => name).sort()).toEqual(['.', '..', ...readdirSync(root)].sort());
      for (const { name, ino } of listed.slice(2)) expect(ino).toBe(statSync(join(root, name), { bigint: true }).ino);
    };
    const moved = join(dir.path, 'moved');
    agrees();
    until((i) => writeFileSync(join(root, `made${i}`), ''));
    agrees();
    until((i) => {
      writeFileSync(moved, String(i));
      renameSync(moved, join(root, 'made0'));
    });
    agrees();
    until(() => {
      rmSync(join(root, 'made0'));
      writeFileSync(join(root, 'other'), '');
    });
    agrees();
    agrees();
  } finally {
    clock.mockRestore();
  }
});

test('a path that was a link, is a file, and is another link', () => {
  for (const name of ['one', 'two']) writeFileSync(join(root, name), name);
  const link = join(root, 'link');
  const text = (): unknown => {
    const fd = c.open('link', { rights: Rights.fdRead });
    const read = fd < 0 ? fd : c.read(fd, 100);
    if (fd >= 0) c.call('fd_close', fd);
    return read;
  };
  symlinkSync('one', link);
  expect([text(), text()]).toEqual(['one', 'one']);
  rmSync(link);
  writeFileSync(link, 'file');
  expect([text(), text()]).toEqual(['file', 'file']);
  rmSync(link);
  symlinkSync('two', link);
  expect([text(), text()]).toEqual(['two', 'two']);
  rmSync(link);
  expect(text()).toBe(-E.NOENT);
  symlinkSync('link', link);
  expect([text(), text()]).toEqual([-E.LOOP, -E.LOOP]);
});
