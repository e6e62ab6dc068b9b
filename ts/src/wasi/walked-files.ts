// SPDX-License-Identifier: MIT
/**
 * The calls of Node's fs that guests need, where there is no procfs (macOS). The WASI calls name everything by an fd and a name in
 * it, as /proc/self/fd/N/NAME. Node has no openat(), so the path at which the fd was opened takes the place of the fd here, after
 * lstat() has said that the same file is there (by device and inode), and once more afterwards.
 *
 * An fd that only stands for a place (O_PATH, which other systems do not have) is a number of this module, with what lstat() said.
 */
import type { BigIntStats } from 'node:fs';
import type { HostBase } from '../hosts/host.js';
import type { FileSystem } from './descriptor.js';
import { parseFdPath } from './fd-path.js';
import { O_PATH } from './parents.js';
import type { Places } from './places.js';

/** The numbers of what only stands for a place begin here. */
const FIRST = 1 << 26;
/** How often a file is opened again that was replaced by another one while it was opened. */
const TRIES = 8;
const STAT = { bigint: true, throwIfNoEntry: false } as const;

type Identity = Pick<BigIntStats, 'dev' | 'ino'>;
interface Standing extends Identity {
  place: string;
}

const failed = (code: string): Error => Object.assign(new Error(code), { code });
const same = (one: Identity | undefined, other: Identity): boolean => one?.dev === other.dev && one.ino === other.ino;

/** on(): calls work() with the path that the host knows in place of one that leads through an fd. */
function walkedFiles(fs: FileSystem, places: Places): { fs: FileSystem; on<T>(path: string, work: (path: string) => T): T } {
  const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC } = fs.constants;
  const standing = new Map<number, Standing>();
  let next = FIRST;

  function parse(path: string): { fd: number; name: string | undefined } {
    const parsed = parseFdPath(path);
    if (!parsed) throw failed('ENOENT');
    return parsed;
  }

  /** Where an fd is. Fails with ENOENT if it is not where it was opened. */
  function placeOf(fd: number): string {
    const known = standing.get(fd);
    const place = known?.place ?? places.get(fd);
    if (place === undefined || !same(fs.lstatSync(place, STAT), known ?? fs.fstatSync(fd, { bigint: true }))) throw failed('ENOENT');
    return place;
  }

  /** The host's path of a name in a directory that is at `place`. */
  const below = (place: string, name: string | undefined): string =>
    name === undefined || name === '.' ? place : `${place === '/' ? '' : place}/${name}`;

  /** Calls work() with the host's path, and checks before and afterwards that the directory is there. */
  function on<T>(path: string, work: (path: string) => T): T {
    const { fd, name } = parse(path);
    const result = work(below(placeOf(fd), name));
    placeOf(fd);
    return result;
  }

  function stand(path: string, flags: number): number {
    // Whole paths are not opened at once: nothing would say afterwards whether a link was followed.
    if (!(flags & O_NOFOLLOW)) throw failed('ENOSYS');
    return on(path, (place) => {
      const stat = fs.lstatSync(place, STAT);
      if (!stat) throw failed('ENOENT');
      if (flags & O_DIRECTORY && !stat.isDirectory()) throw failed('ENOTDIR');
      standing.set(next, { place, dev: stat.dev, ino: stat.ino });
      return next++;
    });
  }

  /**
   * Opens a place; undefined if it was replaced meanwhile, in which case nothing was changed. What is there is not truncated before it
   * is known to be what the path names, and only what is not there is created.
   */
  function openOnce(place: string, flags: number, mode: number | undefined): number | undefined {
    const safe = flags & ~O_TRUNC | O_NOFOLLOW;
    let fd: number;
    try {
      fd = fs.openSync(place, flags & O_EXCL ? safe : safe & ~O_CREAT, mode);
    } catch (error) {
      if (flags & O_EXCL || !(flags & O_CREAT) || (error as { code?: string }).code !== 'ENOENT') throw error;
      try {
        fd = fs.openSync(place, safe | O_EXCL, mode);
      } catch (again) {
        if ((again as { code?: string }).code === 'EEXIST' && fs.lstatSync(place, STAT)?.isSymbolicLink() !== true) return undefined;
        throw again;
      }
    }
    try {
      if (same(fs.lstatSync(place, STAT), fs.fstatSync(fd, { bigint: true }))) return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    fs.closeSync(fd);
    return undefined;
  }

  function openAt(path: string, flags: number, mode: number | undefined): number {
    const { fd: from, name } = parse(path);
    for (let tries = 0; tries < TRIES; tries++) {
      const place = below(placeOf(from), name);
      const fd = openOnce(place, flags, mode);
      if (fd === undefined) continue;
      try {
        placeOf(from);
        // Another descriptor of an open file.
        if (name === undefined && !same(fs.fstatSync(from, { bigint: true }), fs.fstatSync(fd, { bigint: true }))) throw failed('ENOENT');
        if (flags & O_TRUNC && fs.fstatSync(fd).isFile()) fs.ftruncateSync(fd, 0);
        if (!places.set(fd, place.replace(/\/+$/, '') || '/')) throw failed('EMFILE');
        return fd;
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
    }
    throw failed('ENOENT');
  }

  /** Changes the permissions of what stands at a place, of which links are followed by no call. */
  function chmodStanding(place: string, mode: number): void {
    let fd: number;
    try {
      fd = fs.openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      return fs.chmodSync(place, mode);           // it may not be read
    }
    try {
      if (!same(fs.lstatSync(place, STAT), fs.fstatSync(fd, { bigint: true }))) throw failed('ENOENT');
      fs.fchmodSync(fd, mode);
    } finally {
      fs.closeSync(fd);
    }
  }

  function fstat(fd: number, options: object | undefined): unknown {
    return standing.has(fd) ? fs.lstatSync(placeOf(fd), options) : fs.fstatSync(fd, options);
  }

  const calls = {
    openSync: (path: string, flags: number, mode?: number) => (flags & O_PATH ? stand(path, flags) : openAt(path, flags, mode)),
    closeSync(fd: number) {
      if (standing.delete(fd)) return;
      places.delete(fd);
      fs.closeSync(fd);
    },
    fstatSync: fstat,
    lstatSync: (path: string, options?: object) => on(path, (place) => fs.lstatSync(place, options)),
    statSync(path: string, options?: object) {
      const { fd, name } = parse(path);
      return name === undefined ? fstat(fd, options) : on(path, (place) => fs.lstatSync(place, options));
    },
    readlinkSync(path: string, options?: object) {
      const { fd, name } = parse(path);
      return name === undefined ? placeOf(fd) : on(path, (place) => fs.readlinkSync(place, options));
    },
    readdirSync: (path: string, options?: object) => on(path, (place) => fs.readdirSync(place, options)),
    statfsSync(path: string) {
      // The file may have been removed: a directory above it is on the same file system.
      for (let place = places.get(parse(path).fd) ?? '/'; ; place = place.slice(0, place.lastIndexOf('/')) || '/') {
        try {
          return fs.statfsSync(place);
        } catch (error) {
          if (place === '/') throw error;
        }
      }
    },
    accessSync: (path: string, mode: number) => on(path, (place) => fs.accessSync(place, mode)),
    chmodSync(path: string, mode: number) {
      const { fd } = parse(path);
      if (standing.has(fd)) on(path, (place) => chmodStanding(place, mode));
      else fs.fchmodSync(fd, mode);
    },
    utimesSync: (path: string, access: number, modified: number) => fs.futimesSync(parse(path).fd, access, modified),
    lutimesSync: (path: string, access: number, modified: number) => on(path, (place) => fs.lutimesSync(place, access, modified)),
    mkdirSync: (path: string, mode?: number) => on(path, (place) => fs.mkdirSync(place, mode)),
    rmdirSync: (path: string) => on(path, (place) => fs.rmdirSync(place)),
    unlinkSync: (path: string) => on(path, (place) => fs.unlinkSync(place)),
    symlinkSync: (target: string, path: string) => on(path, (place) => fs.symlinkSync(target, place)),
    linkSync: (from: string, to: string) => on(from, (source) => on(to, (target) => fs.linkSync(source, target))),
    renameSync: (from: string, to: string) => on(from, (source) => on(to, (target) => {
      fs.renameSync(source, target);
      places.moved(source.replace(/\/+$/, ''), target.replace(/\/+$/, ''));
    })),
  };
  return { fs: { ...fs, ...calls } as unknown as FileSystem, on };
}

/** A host whose guests have directories although it has no procfs. */
export function hostThatWalks<H extends HostBase>(host: H, places: Places): H {
  const { fs, on } = walkedFiles(host.fs as FileSystem, places);
  return { ...host, fs, touch: (options, path) => on(path, (place) => host.touch?.(options, place) ?? false) };
}
