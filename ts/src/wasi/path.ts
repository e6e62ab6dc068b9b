// SPDX-License-Identifier: MIT
import { fail, WasiError } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import { errnoNumber } from '../errno.js';
import { hostErrno } from '../errors.js';
import type { FileSystem } from './table.js';
import { utf8 } from './text.js';

/** Linux's flag for an fd that only stands for a place in the tree, whatever the permissions there are. */
const O_PATH = 0o10000000;
/** The most symbolic links that are followed in one path, as on Linux. */
const MAX_LINKS = 40;

/** Calls the host's file system. An error becomes the errno of the WASI call. */
export function host<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WasiError) throw error;
    const code = hostErrno(error);
    // Node checks some arguments itself, before it calls the system.
    if (code.startsWith('ERR_')) fail(code === 'ERR_FS_FILE_TOO_LARGE' ? E.FBIG : E.INVAL);
    fail(code === 'ENOTSUP' || code === 'EOPNOTSUPP' ? E.NOTSUP : errnoNumber(code));
  }
}

/** The host's path of a name in an open directory. */
export const at = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

export interface ResolvedPath {
  /** An open directory, which may be used until resolve() returns. */
  directory: number;
  /** One component, which is no symbolic link if links are followed; `.` for the directory itself, `..` if the path ended so. */
  name: string;
  /** The path ended with a slash, so the place must be a directory. */
  slash: boolean;
  /** The host's path of the place. */
  path: string;
}

/**
 * Resolves a path of the guest below a directory. Each component is opened by the fd of the one before, so that
 * nothing that the guest or others move or replace meanwhile can lead elsewhere. Fails with EPERM where the path
 * would lead out of the directory: an absolute path or link, or `..` above the start.
 */
export function resolve<T>(fs: FileSystem, start: number, path: string, follow: boolean, work: (place: ResolvedPath) => T): T {
  if (path === '') fail(E.NOENT);
  if (path.includes('\0')) fail(E.INVAL);
  const opened: number[] = [];
  try {
    return work(walk(fs, start, path, follow, opened));
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

/** Splits a path into components. A `.` counts only at the end, where it demands a directory before it. */
function components(path: string): string[] {
  if (path.startsWith('/')) fail(E.PERM);
  const parts = path.split('/').filter((part) => part !== '');
  return parts.filter((part, i) => part !== '.' || i === parts.length - 1);
}

/** Whether a path demands a directory: it ends with `/` or `/.`. (A final `..` is a directory anyway.) */
export const asksDirectory = (path: string): boolean => /(^|\/)\.?$/.test(path);

function walk(fs: FileSystem, start: number, path: string, follow: boolean, opened: number[]): ResolvedPath {
  const left = components(path);
  let slash = asksDirectory(path);
  let links = 0;
  const top = (): number => opened.at(-1) ?? start;
  const place = (name: string): ResolvedPath => ({ directory: top(), name, slash, path: at(top(), name) });
  const expand = (target: string): void => {
    if (++links > MAX_LINKS) fail(E.LOOP);
    if (target === '') fail(E.NOENT);
    if (left.length === 0 && asksDirectory(target)) slash = true;
    left.unshift(...components(target));
  };

  for (;;) {
    const name = left.shift() ?? '.';
    if (name === '..') {
      const above = opened.pop();
      if (above === undefined) fail(E.PERM);
      fs.closeSync(above);
      if (left.length === 0) return { ...place('.'), name };
      continue;
    }
    if (name === '.') {
      if (left.length === 0) return place(name);
      continue;
    }
    if (left.length === 0) {
      const target = follow ? linkTarget(fs, at(top(), name)) : undefined;
      if (target === undefined) return place(name);
      expand(target);
      continue;
    }
    const next = step(fs, top(), name);
    if (next !== undefined) opened.push(next);
    else expand(linkTarget(fs, at(top(), name)) ?? fail(E.NOENT));
  }
}

/** Opens the directory `name`; undefined if that is a symbolic link. */
function step(fs: FileSystem, directory: number, name: string): number | undefined {
  const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  try {
    return fs.openSync(at(directory, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    // A symbolic link fails to open with these flags.
    if (hostErrno(error) === 'ENOTDIR' && linkTarget(fs, at(directory, name)) !== undefined) return undefined;
    return host(() => {
      throw error;
    });
  }
}

/**
 * The target of a symbolic link; undefined for anything else, and for something that does not exist. Fails with
 * EILSEQ if the target is not UTF-8, because decoding it with replacement characters would lead to another file.
 */
function linkTarget(fs: FileSystem, path: string): string | undefined {
  let target: Uint8Array;
  try {
    target = fs.readlinkSync(path, { encoding: 'buffer' });
  } catch {
    return undefined;
  }
  return utf8(target) ?? fail(E.ILSEQ);
}
