// SPDX-License-Identifier: MIT
import { fail, WasiError } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import { errnoNumber } from '../errno.js';
import { hostErrno } from '../errors.js';
import type { Descriptor, FileSystem } from './descriptor.js';
import { at } from './fd-path.js';
import { O_PATH, type Parents } from './parents.js';
import { utf8 } from './text.js';

/** The most symbolic links that are followed in one path, as on Linux. */
const MAX_LINKS = 40;

/** The error of a WASI call that stands for an error of the host. */
export function wasiError(error: unknown): WasiError {
  if (error instanceof WasiError) return error;
  const code = hostErrno(error);
  // Node checks some arguments itself, before it calls the system.
  if (code.startsWith('ERR_')) return new WasiError(code === 'ERR_FS_FILE_TOO_LARGE' ? E.FBIG : E.INVAL);
  return new WasiError(code === 'ENOTSUP' || code === 'EOPNOTSUPP' ? E.NOTSUP : errnoNumber(code));
}

/** Calls the host's file system. An error becomes the errno of the WASI call. */
export function host<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw wasiError(error);
  }
}

export interface ResolvedPath {
  /** An open directory, which may be used until resolve() returns. */
  directory: number;
  /** One component, which is no symbolic link if links are followed; `.` for the directory itself, `..` if the path ended so. */
  name: string;
  /** The path ended with a slash, so the place must be a directory. */
  slash: boolean;
  /** The host's path of the place. */
  path: string;
  /** Links are followed, and the place may be one: then followLink() has to be called before anything is changed. */
  maybeLink: boolean;
}

/** Thrown by followLink(). */
const IS_LINK = new WasiError(E.LOOP);

/** Called by what resolve() calls, when it finds that the place is a symbolic link: it is called again with the link's target. */
export function followLink(): never {
  throw IS_LINK;
}

/** Calls work() without recording where errors are made, which takes longer than the calls that fail. */
export function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Resolves a path of the guest below a directory, and calls work() with the place. Fails with EPERM where the path would lead out
 * of the directory: an absolute path or link, or `..` above the start.
 *
 * Most paths are plain, and found at once (Parents). For the others, each component is opened by the fd of the one before. Either
 * way nothing that the guest or others move or replace meanwhile can lead elsewhere.
 */
export function resolve<T>(
  fs: FileSystem, parents: Parents, start: Descriptor, path: string, follow: boolean, work: (place: ResolvedPath) => T,
): T {
  if (path === '') fail(E.NOENT);
  if (path.includes('\0')) fail(E.INVAL);
  return withoutStacks(() => {
    let plain = path;
    for (let links = 0; links < MAX_LINKS; links++) {
      const direct = findDirectly(parents, start, plain, follow);
      if (!direct) break;
      let target: string | undefined;
      if (follow && parents.wasLink(start, plain)) {
        target = linkTarget(fs, direct.path);
        if (target === undefined) parents.forgetLink(start, plain);
      }
      if (target === undefined) {
        try {
          return work(direct);
        } catch (error) {
          if (error !== IS_LINK) throw error;
        }
        target = linkTarget(fs, direct.path);
        if (target === undefined) break;
        parents.noteLink(start, plain);
      }
      plain = plain.slice(0, plain.lastIndexOf('/') + 1) + target;
    }
    const opened: number[] = [];
    try {
      return work(walk(fs, start.hostFd, path, follow, opened));
    } finally {
      for (const fd of opened) fs.closeSync(fd);
    }
  });
}

/** Matches a path that has an empty component, `.` or `..`. */
const SPECIAL = /(^|\/)\.{0,2}(\/|$)/;

/** The place of a path that consists of plain names, unless a symbolic link is on the way. */
function findDirectly(parents: Parents, start: Descriptor, path: string, follow: boolean): ResolvedPath | undefined {
  if (SPECIAL.test(path)) return undefined;
  const end = path.lastIndexOf('/');
  const directory = end < 0 ? start.hostFd : parents.find(start, path.slice(0, end));
  if (directory === undefined) return undefined;
  const name = path.slice(end + 1);
  return { directory, name, slash: false, path: at(directory, name), maybeLink: follow };
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
  const place = (name: string): ResolvedPath => ({ directory: top(), name, slash, path: at(top(), name), maybeLink: false });
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
      // (Asking first takes less time than an error of readlink().)
      const isLink = follow && host(() => fs.lstatSync(at(top(), name), { throwIfNoEntry: false }))?.isSymbolicLink();
      const target = isLink ? linkTarget(fs, at(top(), name)) : undefined;
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
