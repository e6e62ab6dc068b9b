// SPDX-License-Identifier: MIT
import { fail, WasiError } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import { errnoNumber } from '../errno.js';
import { hostErrno } from '../errors.js';
import type { FileSystem } from './table.js';
import { utf8 } from './text.js';

/** Linux: an fd that stands for a place in the tree, whatever its permissions. */
const O_PATH = 0o10000000;
/** As many symbolic links as Linux follows in one path. */
const MAX_LINKS = 40;

/** A call of the host's file system; its error becomes the errno of the call. */
export function host<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WasiError) throw error;
    const code = hostErrno(error);
    // What Node checks by itself before it asks the system.
    if (code.startsWith('ERR_')) fail(code === 'ERR_FS_FILE_TOO_LARGE' ? E.FBIG : E.INVAL);
    fail(code === 'ENOTSUP' || code === 'EOPNOTSUPP' ? E.NOTSUP : errnoNumber(code));
  }
}

/** A path below a directory that is open: `at` names it for the host. */
export const at = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

export interface ResolvedPath {
  /** An open directory, to be used until the call of resolve() is over. */
  directory: number;
  /** One component, which is no symbolic link if those are followed; '.' for the
   * directory itself, '..' if the path ended with that. */
  name: string;
  /** It ended with a slash, so it must be a directory. */
  slash: boolean;
  /** For the host. */
  path: string;
}

/**
 * Resolves a path of the guest below a directory, component by component, each by
 * the fd of the one before: nothing that is moved or replaced meanwhile, by the
 * guest or by others, leads elsewhere. EPERM where it would lead out of that
 * directory: an absolute path or link, or `..` above the start.
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

/** A '.' counts only at the end: what stands before it must be a directory. */
function components(path: string): string[] {
  if (path.startsWith('/')) fail(E.PERM);
  const parts = path.split('/').filter((part) => part !== '');
  return parts.filter((part, i) => part !== '.' || i === parts.length - 1);
}

/** '/' and '/.' ask for a directory; so does '..', which is one. */
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

/** The directory `name`; undefined if that is a symbolic link. */
function step(fs: FileSystem, directory: number, name: string): number | undefined {
  const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  try {
    return fs.openSync(at(directory, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    // Neither by this flag nor without it does a link open.
    if (hostErrno(error) === 'ENOTDIR' && linkTarget(fs, at(directory, name)) !== undefined) return undefined;
    return host(() => {
      throw error;
    });
  }
}

/** What a symbolic link holds; undefined for all else, also for what is not there. EILSEQ if that is no
 * UTF-8: decoded with replacement characters it would lead to another file. */
function linkTarget(fs: FileSystem, path: string): string | undefined {
  let target: Uint8Array;
  try {
    target = fs.readlinkSync(path, { encoding: 'buffer' });
  } catch {
    return undefined;
  }
  return utf8(target) ?? fail(E.ILSEQ);
}
