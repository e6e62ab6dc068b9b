// SPDX-License-Identifier: MIT
/** WASI calls on paths, each of which is resolved below a directory of the guest (path.ts). */
import { fail, FdFlags, FileType, LookupFlags, OFlags } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { openAppending } from './append.js';
import { putStat } from '../runtime/filestat.js';
import { Kind, type Descriptor, type FileSystem } from './descriptor.js';
import { setTimes } from './filestat.js';
import { hostErrno } from '../errors.js';
import type { Parents } from './parents.js';
import { asksDirectory, followLink, host, resolve, wasiError, type ResolvedPath } from './path.js';
import type { SystemCalls } from '../runtime/process.js';
import type { GuestThread } from './guest-thread.js';
import { RIGHTS_OF_DEVICE, RIGHTS_OF_DIRECTORY, RIGHTS_OF_FILE } from './rights.js';
import { FdTable } from './table.js';
import { textAt } from './text.js';

const WRITING = Rights.fdWrite | Rights.fdAllocate | Rights.fdFilestatSetSize;

/** A file that does not exist is no error, because making an error takes longer than the call. */
const STAT = { bigint: true, throwIfNoEntry: false } as const;

function directory(descriptor: Descriptor, rights: number): Descriptor {
  if (descriptor.kind !== Kind.directory) fail(E.NOTDIR);
  descriptor.need(rights);
  return descriptor;
}

/** Calls work() with the resolved place of a path below fd. */
export function placeBelow<T>(
  thread: GuestThread, fd: number, rights: number, path: string, follow: boolean, work: (place: ResolvedPath, from: Descriptor) => T,
): T {
  return thread.table.use(fd, (from) => {
    directory(from, rights);
    const fs = thread.fs ?? fail(E.NOTSUP);
    return thread.shared.withPaths(() => resolve(fs, thread.parents ?? fail(E.NOTSUP), from, path, follow, (place) => work(place, from)));
  });
}

/** The path of a place that must exist; if the path ended with a slash, it must be a directory. */
export function existingPath(fs: FileSystem, { path, slash }: ResolvedPath): string {
  if (slash && !host(() => fs.lstatSync(path)).isDirectory()) fail(E.NOTDIR);
  return path;
}

export function pathCalls(thread: GuestThread): SystemCalls {
  const { memory, table, shared } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);
  const parents = (): Parents => thread.parents ?? fail(E.NOTSUP);

  const below = <T>(fd: number, rights: number, path: string, follow: boolean, work: (place: ResolvedPath, from: Descriptor) => T): T =>
    placeBelow(thread, fd, rights, path, follow, work);

  const following = (flags: number): boolean => {
    if (flags & ~LookupFlags.symlinkFollow) fail(E.INVAL);
    return (flags & LookupFlags.symlinkFollow) !== 0;
  };

  /** The permission bits of what is created next, if the program has set them (file_mode). */
  function takeMode(otherwise: number): number {
    const mode = thread.newMode ?? otherwise;
    thread.newMode = undefined;
    return mode;
  }

  /**
   * The path of a place that is to be removed or renamed, with the slash at its end that the guest passed, because the host's
   * calls differ in what they do about it. A slash after a symbolic link is refused: the host would follow the link, which may
   * lead out of the directory.
   */
  function entry({ path, slash }: ResolvedPath, isLink: number = E.NOTDIR): string {
    if (!slash) return path;
    const stat = files().lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) fail(isLink);
    return `${path}/`;
  }

  /** The same for a place that is to be created. */
  const newEntry = (place: ResolvedPath): string => entry(place, E.EXIST);

  // ---- path_open

  /** Opens the place without following a link, even if the place was replaced by one since it was resolved. */
  function openPath(place: ResolvedPath, oflags: number, rights: number, mode: number): number {
    const { constants, openSync } = files();
    let flags = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
    if (rights & WRITING || oflags & OFlags.trunc) flags |= rights & Rights.fdRead ? constants.O_RDWR : constants.O_WRONLY;
    if (oflags & OFlags.directory || place.slash) flags = constants.O_DIRECTORY | constants.O_NOFOLLOW;
    if (oflags & OFlags.creat) flags |= constants.O_CREAT;
    if (oflags & OFlags.excl) flags |= constants.O_EXCL;
    if (oflags & OFlags.trunc) flags |= constants.O_TRUNC;
    if (place.slash && oflags & OFlags.creat) fail(isDots(place) && oflags & OFlags.excl ? E.EXIST : E.ISDIR);
    try {
      return openSync(place.path, flags, mode);
    } catch (error) {
      // What a symbolic link answers with these flags.
      if (place.maybeLink && /^(ELOOP|ENOTDIR)$/.test(hostErrno(error))) followLink();
      throw wasiError(error);
    }
  }

  function open(
    place: ResolvedPath, from: Descriptor, oflags: number, base: number, inheriting: number, fdflags: number, mode: number,
  ): number {
    const fs = files();
    // The rights for a directory are reduced to those that apply to directories.
    const directoryOnly = (oflags & OFlags.directory) !== 0 || place.slash;
    const hostFd = openPath(place, oflags, directoryOnly ? 0 : base, mode);
    let fd: number;
    let rights: number;
    try {
      const type = FdTable.typeOf(host(() => fs.fstatSync(hostFd)).mode);
      if (type === FileType.directory) {
        if (base & Rights.fdWrite) fail(E.ISDIR);
        return table.open({
          kind: Kind.directory, type, hostFd, base: base & RIGHTS_OF_DIRECTORY, inheriting,
          allowed: from.passed & RIGHTS_OF_DIRECTORY, passed: from.passed,
        });
      }
      // These files are refused: the host does not tell when one is ready, and reading one would block for ever.
      if (type === FileType.unknown || type === FileType.stream) fail(E.NOTSUP);
      const isFile = type === FileType.regular || type === FileType.blockDevice;
      const applying = isFile ? RIGHTS_OF_FILE : RIGHTS_OF_DEVICE;
      rights = base & applying;
      const allowed = from.passed & applying & ~((Rights.fdRead | Rights.fdWrite | (rights & WRITING ? 0 : WRITING)) & ~rights);
      fd = table.open({ kind: Kind.file, type, flags: fdflags, hostFd, base: rights, allowed, sequential: !isFile });
    } catch (error) {
      fs.closeSync(hostFd);
      throw error;
    }
    try {
      if (fdflags & FdFlags.append && rights & Rights.fdWrite) table.use(fd, (file) => openAppending(fs, file));
      return fd;
    } catch (error) {
      table.close(fd);
      throw error;
    }
  }

  return {
    path_open(
      fd: number, lookup: number, pathAt: number, length: number, oflags: number, base: bigint, inheriting: bigint,
      fdflags: number, result: number,
    ) {
      const mode = takeMode(0o666);
      memory.check(result, 4);
      const path = textAt(memory, pathAt, length);
      const follows = following(lookup);
      const { creat, directory: dir, excl, trunc } = OFlags;
      const known = FdFlags.append | FdFlags.dsync | FdFlags.nonblock | FdFlags.rsync | FdFlags.sync;
      if (oflags & ~(creat | dir | excl | trunc) || fdflags & ~known) fail(E.INVAL);
      if (oflags & dir && oflags & (creat | excl | trunc)) fail(E.INVAL);
      let rights: number = Rights.pathOpen;
      if (oflags & creat) rights |= Rights.pathCreateFile;
      if (oflags & trunc) rights |= Rights.pathFilestatSetSize;
      // A path that ends with a slash cannot be created, so that the last link of one need not be followed.
      const follow = oflags & creat ? follows && !(oflags & excl) && !asksDirectory(path) : follows || asksDirectory(path);
      const opened = below(fd, rights, path, follow, (place, from) => {
        // Bits above the defined ones are ignored; inherited rights are limited to those that the directory passes on.
        const wanted = Number(BigInt.asUintN(30, base));
        if (wanted & ~from.passed) fail(E.NOTCAPABLE);
        const passed = Number(BigInt.asUintN(30, inheriting)) & from.passed;
        return open(place, from, oflags, wanted, passed, fdflags, mode);
      });
      memory.setU32(result, opened);
    },

    path_create_directory(fd: number, pathAt: number, length: number) {
      const mode = takeMode(0o777);
      below(fd, Rights.pathCreateDirectory, textAt(memory, pathAt, length), false, (place) => {
        if (isDots(place)) fail(E.EXIST);
        host(() => files().mkdirSync(newEntry(place), mode));
      });
    },
    path_remove_directory(fd: number, pathAt: number, length: number) {
      below(fd, Rights.pathRemoveDirectory, textAt(memory, pathAt, length), false, (place) => {
        if (isDots(place)) fail(place.name === '.' ? E.INVAL : E.NOTEMPTY);
        host(() => files().rmdirSync(entry(place)));
      });
    },
    path_unlink_file(fd: number, pathAt: number, length: number) {
      below(fd, Rights.pathUnlinkFile, textAt(memory, pathAt, length), false, (place) => {
        if (isDots(place)) fail(E.ISDIR);
        host(() => files().unlinkSync(entry(place)));
      });
    },

    path_filestat_get(fd: number, lookup: number, pathAt: number, length: number, pointer: number) {
      memory.check(pointer, 64);
      const path = textAt(memory, pathAt, length);
      below(fd, Rights.pathFilestatGet, path, following(lookup) || asksDirectory(path), (place) => {
        const stat = host(() => files().lstatSync(existing(place), STAT)) ?? fail(E.NOENT);
        if (place.maybeLink && stat.isSymbolicLink()) followLink();
        putStat(memory, pointer, FdTable.typeOf(Number(stat.mode)), stat);
      });
    },
    path_filestat_set_times(
      fd: number, lookup: number, pathAt: number, length: number, atim: bigint, mtim: bigint, flags: number,
    ) {
      const path = textAt(memory, pathAt, length);
      below(fd, Rights.pathFilestatSetTimes, path, following(lookup) || asksDirectory(path), (place) => {
        if (place.maybeLink && host(() => files().lstatSync(place.path, STAT))?.isSymbolicLink()) followLink();
        setTimes(thread.host, existing(place), false, atim, mtim, flags);
      });
    },

    path_readlink(fd: number, pathAt: number, length: number, buffer: number, size: number, used: number) {
      memory.check(buffer, size >>> 0);
      memory.check(used, 4);
      const path = textAt(memory, pathAt, length);
      below(fd, Rights.pathReadlink, path, asksDirectory(path), (place) => {
        const target = host(() => files().readlinkSync(existing(place), { encoding: 'buffer' }));
        // A target that does not fit is cut off, as readlink(2) does.
        const fits = target.subarray(0, size >>> 0);
        memory.bytes(buffer, fits.length).set(fits);
        memory.setU32(used, fits.length);
      });
    },
    path_symlink(targetAt: number, targetLength: number, fd: number, pathAt: number, length: number) {
      const target = textAt(memory, targetAt, targetLength);
      if (target.includes('\0')) fail(E.INVAL);
      below(fd, Rights.pathSymlink, textAt(memory, pathAt, length), false, (place) => {
        // An absolute link would lead out of every directory of the guest, and other programs may follow it.
        if (target.startsWith('/')) fail(E.PERM);
        if (isDots(place)) fail(E.EXIST);
        host(() => files().symlinkSync(target, newEntry(place)));
      });
    },
    path_link(
      oldFd: number, lookup: number, oldAt: number, oldLength: number, newFd: number, newAt: number, newLength: number,
    ) {
      const [from, to] = [textAt(memory, oldAt, oldLength), textAt(memory, newAt, newLength)];
      if (lookup !== 0) fail(E.INVAL);             // hard links are made to a symbolic link itself only
      both(oldFd, Rights.pathLinkSource, from, newFd, Rights.pathLinkTarget, to, (source, target) => {
        host(() => files().linkSync(entry(source), newEntry(target)));
      }, asksDirectory(from));
    },
    path_rename(oldFd: number, oldAt: number, oldLength: number, newFd: number, newAt: number, newLength: number) {
      const [from, to] = [textAt(memory, oldAt, oldLength), textAt(memory, newAt, newLength)];
      both(oldFd, Rights.pathRenameSource, from, newFd, Rights.pathRenameTarget, to, (source, target) => {
        if (isDots(source) || isDots(target)) fail(E.BUSY);
        host(() => files().renameSync(entry(source), entry(target)));
      });
    },
  };

  /** Whether the name is `.` or `..`, which cannot be created or removed. */
  function isDots({ name }: ResolvedPath): boolean {
    return name === '.' || name === '..';
  }

  function existing(place: ResolvedPath): string {
    return existingPath(files(), place);
  }

  function both(
    oldFd: number, oldRights: number, from: string, newFd: number, newRights: number, to: string,
    work: (source: ResolvedPath, target: ResolvedPath) => void, follow = false,
  ): void {
    table.use(oldFd, (oldDirectory) => {
      directory(oldDirectory, oldRights);
      table.use(newFd, (newDirectory) => {
        directory(newDirectory, newRights);
        shared.withPaths(() =>
          resolve(files(), parents(), oldDirectory, from, follow, (source) =>
            resolve(files(), parents(), newDirectory, to, false, (target) => work(source, target)),
          ),
        );
      });
    });
  }
}
