// SPDX-License-Identifier: MIT
/** The WASI calls of a console that only some programs import. */
import { errnoNumber } from '../errno.js';
import { hostErrno } from '../errors.js';
import { ALL_RIGHTS, EventType, fail, FdFlags, FileType } from './abi.js';
import { BASE, FLAGS, NARROWED, SLEEP, type MoreCalls } from './outputs.js';
import { putStat, type FileStat } from './filestat.js';
import { pollCalls, READY } from './poll.js';
import { moreProcessCalls } from './process-more.js';
import type { SystemCalls } from './process.js';
import * as E from './wasi-errno.js';
import * as Rights from './wasi-rights.js';

export const moreCalls: MoreCalls = (thread, outputs, sleeps) => {
  const { memory, host } = thread;
  const { words } = outputs;

  /** The host's fstat() of an output; undefined if the host has no file system. */
  function statOf(output: number): FileStat | undefined {
    const { fs } = host as { fs?: { fstatSync(fd: number, options: { bigint: true }): FileStat } };
    try {
      return fs?.fstatSync(output, { bigint: true });
    } catch (error) {
      return fail(errnoNumber(hostErrno(error)));
    }
  }

  /** Calls that fail with this errno for every output. */
  const refused = (names: string, errno: number): SystemCalls => Object.fromEntries(names.split(' ').map((name) => [
    name, (fd: number) => outputs.of(fd) && fail(errno),
  ]));

  return {
    ...moreProcessCalls(thread),
    ...refused('fd_advise fd_allocate fd_pread fd_pwrite fd_tell', E.SPIPE),
    ...refused('fd_datasync fd_sync fd_filestat_set_size fd_filestat_set_times', E.INVAL),
    ...refused('fd_prestat_get fd_prestat_dir_name', E.BADF),
    ...refused('sock_accept sock_recv sock_send sock_shutdown', E.NOTSOCK),
    ...refused(
      'fd_readdir path_create_directory path_filestat_get path_filestat_set_times path_link path_open path_readlink path_remove_directory ' +
      'path_rename path_unlink_file', E.NOTDIR,
    ),
    path_symlink: (_target: number, _length: number, fd: number) => outputs.of(fd) && fail(E.NOTDIR),

    ...pollCalls(thread, {
      look(fd, type) {
        const output = outputs.with(Rights.pollFdReadwrite, fd);
        return type === EventType.fdRead ? { ...READY, nbytes: statOf(output)?.size ?? 0n } : READY;
      },
      prepareSleep: () => 0,
      sleep: (_seen, ms) => void (sleeps ? Atomics.wait(words, SLEEP, 0, ms) : fail(E.AGAIN)),
    }),

    fd_renumber: (from: number, to: number) => outputs.renumber(from, to),
    fd_fdstat_get(fd: number, pointer: number) {
      memory.check(pointer, 24);
      const output = outputs.of(fd);
      memory.bytes(pointer, 24).fill(0);
      memory.setU8(pointer, FileType.characterDevice);
      memory.setU16(pointer + 2, Atomics.load(words, FLAGS + output));
      memory.setU64(pointer + 8, BigInt(Atomics.load(words, BASE + output) & ALL_RIGHTS));
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      if (flags & ~(FdFlags.append | FdFlags.dsync | FdFlags.nonblock | FdFlags.rsync | FdFlags.sync)) fail(E.INVAL);
      const output = outputs.with(Rights.fdFdstatSetFlags, fd);
      if (flags & ~FdFlags.nonblock) fail(E.INVAL);
      Atomics.store(words, FLAGS + output, flags);
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
      const output = outputs.of(fd);
      const left = BigInt.asUintN(64, base);
      // Rights can be given up, but not regained.
      if (left & ~BigInt(Atomics.load(words, BASE + output) & ALL_RIGHTS) || inheriting !== 0n) fail(E.NOTCAPABLE);
      Atomics.store(words, BASE + output, Number(left) | NARROWED);
    },
    fd_filestat_get(fd: number, pointer: number) {
      memory.check(pointer, 64);
      const stat = statOf(outputs.with(Rights.fdFilestatGet, fd)) ?? fail(E.NOTSUP);
      putStat(memory, pointer, FileType.characterDevice, stat);
    },
  };
};
