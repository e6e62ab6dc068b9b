// SPDX-License-Identifier: MIT
/** WASI calls on the properties of a file descriptor. */
import { fail, FdFlags, FileType, Whence } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { openAppending } from './append.js';
import { Kind, type Descriptor, type FileSystem } from './descriptor.js';
import { fdPath } from './fd-path.js';
import { fileOffset } from './calls-data.js';
import { putStat } from '../runtime/filestat.js';
import { setTimes } from './filestat.js';
import { host, wasiError } from './path.js';
import { errnoOf, guardAll, type GuardedCalls } from '../runtime/system.js';
import type { GuestThread } from './guest-thread.js';

const STAT = { bigint: true } as const;

/** The number of zero bytes that are written at a time. */
const ZEROS = 1 << 20;

export function fdCalls(thread: GuestThread): GuardedCalls {
  const { memory, table, config } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);

  /** Checks that a descriptor is a file with offsets. Fails with EBADF for a directory and with ESPIPE for a stream. */
  function seekable(file: Descriptor): Descriptor {
    if (file.kind === Kind.directory) fail(E.BADF);
    if (file.kind !== Kind.file || file.sequential) fail(E.SPIPE);
    return file;
  }

  /** Checks that a descriptor is a file or a directory of the host. */
  function ofHost(file: Descriptor): Descriptor {
    if (file.kind !== Kind.file && file.kind !== Kind.directory) fail(E.INVAL);
    return file;
  }

  const size = (file: Descriptor): number => host(() => files().fstatSync(file.hostFd)).size;

  /** offset: inexact if it is beyond all files, in either direction. */
  function seek(file: Descriptor, offset: number, whence: number): number {
    seekable(file).need(whence === Whence.cur && offset === 0 ? Rights.fdTell : Rights.fdSeek);
    file.lock();
    try {
      const origin = whence === Whence.set ? 0 : whence === Whence.cur ? file.offset : whence === Whence.end ? size(file) : fail(E.INVAL);
      const target = origin + offset;
      if (target < 0 || target > Number.MAX_SAFE_INTEGER) fail(E.INVAL);
      file.offset = target;
      return target;
    } finally {
      file.unlock();
    }
  }

  /** Allocates disk space for a range of a file, as posix_fallocate() does. Node has no such call, so the range is written. */
  function allocate(file: Descriptor, offset: number, length: number): void {
    const fs = files();
    const end = offset + length;
    if (end > Number.MAX_SAFE_INTEGER) fail(E.FBIG);
    file.locked(() => {
      const stat = host(() => fs.fstatSync(file.hostFd));
      const { bavail, bsize } = host(() => fs.statfsSync(fdPath(file.hostFd)));
      if (Math.max(0, end - stat.size) > bavail * bsize) fail(E.NOSPC);
      const buffer = new Uint8Array(Math.min(ZEROS, length));
      const write = (start: number, readFd?: number): void => {
        for (let at = start; at < end;) {
          const piece = buffer.fill(0).subarray(0, Math.min(buffer.length, end - at));
          // Existing bytes are written unchanged, the others become zeros.
          if (readFd !== undefined && at < stat.size) host(() => fs.readSync(readFd, piece, 0, piece.length, at));
          at += host(() => fs.writeSync(file.plainFd, piece, 0, piece.length, at));
        }
      };
      if (stat.blocks * 512 >= stat.size || !readable(file, (fd) => write(offset, fd))) write(Math.max(offset, stat.size));
    });
  }

  /** Calls work() with an fd that can read the file, however the file itself was opened; false if there is none. */
  function readable(file: Descriptor, work: (fd: number) => void): boolean {
    const fs = files();
    let fd: number;
    try {
      fd = fs.openSync(fdPath(file.plainFd), fs.constants.O_RDONLY);
    } catch {
      return false;                               // the file's mode does not allow reading
    }
    try {
      work(fd);
    } finally {
      fs.closeSync(fd);
    }
    return true;
  }

  function setFlags(descriptor: Descriptor, flags: number): void {
    if (descriptor.kind === Kind.directory) fail(E.BADF);
    descriptor.need(Rights.fdFdstatSetFlags);
    const changed = descriptor.flags ^ flags;
    if (descriptor.kind === Kind.file) {
      if (changed & flags & FdFlags.append && descriptor.base & Rights.fdWrite) {
        seekable(descriptor);
        openAppending(files(), descriptor);
      }
    } else if (changed & ~FdFlags.nonblock) {
      fail(E.INVAL);
    }
    descriptor.flags = flags;
  }

  function putStatOf(descriptor: Descriptor, pointer: number): void {
    descriptor.need(Rights.fdFilestatGet);
    const { hostFd } = descriptor;
    if (hostFd >= 0) {
      let stat;
      try {
        stat = files().fstatSync(hostFd, STAT);
      } catch (error) {
        throw wasiError(error);
      }
      return putStat(memory, pointer, descriptor.type, stat);
    }
    memory.bytes(pointer, 64).fill(0);
    memory.setU8(pointer + 16, descriptor.type);
    memory.setU16(pointer + 18, 0o600);      // the permission bits of a pipe: see putStat()
    memory.setU64(pointer + 24, 1n);
  }

  // These calls are made often, so each catches its errors itself (see guardAll).
  const often: GuardedCalls = {
    fd_fdstat_get(fd: number, pointer: number) {
      try {
        memory.check(pointer, 24);
        const descriptor = table.acquire(fd);
        memory.setWhole(pointer, descriptor.type + descriptor.flags * 0x10000);
        memory.setWhole(pointer + 8, descriptor.base);
        memory.setWhole(pointer + 16, descriptor.inheriting);
        table.letGo(descriptor);
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
    fd_seek(fd: number, offset: bigint, whence: number, result: number) {
      try {
        memory.check(result, 8);
        const file = table.acquire(fd);
        try {
          memory.setWhole(result, seek(file, Number(offset), whence));
        } finally {
          table.letGo(file);
        }
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
    fd_filestat_get(fd: number, pointer: number) {
      try {
        memory.check(pointer, 64);
        const descriptor = table.acquire(fd);
        try {
          putStatOf(descriptor, pointer);
        } finally {
          table.letGo(descriptor);
        }
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
  };

  const others = guardAll({
    fd_close: (fd: number) => table.close(fd),
    fd_renumber: (from: number, to: number) => table.renumber(from, to),

    fd_fdstat_set_flags(fd: number, flags: number) {
      if (flags & ~(FdFlags.append | FdFlags.dsync | FdFlags.nonblock | FdFlags.rsync | FdFlags.sync)) fail(E.INVAL);
      table.use(fd, (descriptor) => setFlags(descriptor, flags));
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
      table.use(fd, (descriptor) => {
        const [b, i] = [BigInt.asUintN(64, base), BigInt.asUintN(64, inheriting)];
        // Rights can be given up, but not regained.
        if (b & ~BigInt(descriptor.base) || i & ~BigInt(descriptor.inheriting)) fail(E.NOTCAPABLE);
        descriptor.narrow(Number(b), Number(i));
      });
    },

    fd_prestat_get(fd: number, pointer: number) {
      memory.check(pointer, 8);
      table.use(fd, (descriptor) => {
        const name = config.preopens[descriptor.preopen] ?? fail(E.BADF);
        memory.setU32(pointer, 0);                // a directory
        memory.setU32(pointer + 4, new TextEncoder().encode(name).length);
      });
    },
    fd_prestat_dir_name(fd: number, pointer: number, length: number) {
      table.use(fd, (descriptor) => {
        const name = new TextEncoder().encode(config.preopens[descriptor.preopen] ?? fail(E.BADF));
        if (length >>> 0 < name.length) fail(E.NAMETOOLONG);
        memory.bytes(pointer, name.length).set(name);
      });
    },

    fd_tell(fd: number, result: number) {
      memory.check(result, 8);
      memory.setWhole(result, table.use(fd, (file) => seek(file, 0, Whence.cur)));
    },

    fd_sync(fd: number) {
      table.use(fd, (file) => {
        ofHost(file).need(Rights.fdSync);
        host(() => files().fsyncSync(file.hostFd));
      });
    },
    fd_datasync(fd: number) {
      table.use(fd, (file) => {
        ofHost(file).need(Rights.fdDatasync);
        host(() => files().fdatasyncSync(file.hostFd));
      });
    },
    /** Advice has no binding effect. It is checked, but Node has no call to which it could be passed on. */
    fd_advise(fd: number, offset: bigint, length: bigint, advice: number) {
      table.use(fd, (file) => {
        seekable(file).need(Rights.fdAdvise);
        if (advice < 0 || advice > 5 || offset < 0n || length < 0n) fail(E.INVAL);
      });
    },
    fd_allocate(fd: number, offset: bigint, length: bigint) {
      table.use(fd, (file) => {
        seekable(file).need(Rights.fdAllocate);
        if (length <= 0n) fail(E.INVAL);
        allocate(file, fileOffset(offset), fileOffset(length));
      });
    },

    fd_filestat_set_size(fd: number, length: bigint) {
      table.use(fd, (file) => {
        if (file.kind === Kind.directory) fail(E.BADF);
        if (file.kind !== Kind.file || file.type !== FileType.regular) fail(E.INVAL);
        file.need(Rights.fdFilestatSetSize);
        const bytes = fileOffset(length);
        if (bytes === Infinity) fail(E.FBIG);
        host(() => files().ftruncateSync(file.hostFd, bytes));
      });
    },
    fd_filestat_set_times(fd: number, atim: bigint, mtim: bigint, flags: number) {
      table.use(fd, (file) => {
        ofHost(file).need(Rights.fdFilestatSetTimes);
        setTimes(thread.host, fdPath(file.hostFd), true, atim, mtim, flags);
      });
    },
  });
  return { ...often, ...others };
}
