// SPDX-License-Identifier: MIT
/**
 * The system of a module that TypeScript drives, and of a program without a WasiHost: arguments,
 * clocks, random bytes, and standard output and error, which the host writes. It has no other
 * descriptors and can open none, so that the 46 calls of WASI preview1 come to little here.
 */
import type { HostBase } from '../hosts/host.js';
import { ALL_RIGHTS, E, EventType, fail, FdFlags, FileType, Rights, RIGHTS_OF_STREAM, WasiError } from './abi.js';
import { hostErrno } from '../errors.js';
import { errnoNumber } from '../errno.js';
import { hostFiles } from './file-imports.js';
import { putStat, type FileStat } from './filestat.js';
import { GuestMemory, type Vector } from './guest-memory.js';
import { pollCalls, READY } from './poll.js';
import { processCalls, type SystemCalls } from './process.js';
import { POLLIN, POLLNVAL, POLLOUT, type Guest, type MakeSystem } from './system.js';

/** What every thread is given; can be posted. */
export interface ConsoleConfig {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** The words below, which the threads share. */
  readonly words: Int32Array;
}

// Two bits for each of fd 1 and 2: which of the host's outputs it is, 1 or 2; 0: it is closed.
const OUTPUTS = 0;
// By the host's number of an output: its flags, and the rights that are left.
const FLAGS = 0;
const BASE = 2;
// Stays 0: a thread sleeps on it until its clock is due.
const SLEEP = 5;
const WORDS = 6;

const BASE_RIGHTS = RIGHTS_OF_STREAM & ~Rights.fdRead;
/** In the rights: some were given up. */
const NARROWED = 1 << 30;

const shiftOf = (fd: number): number => 2 * (fd - 1);

export const consoleSystem: MakeSystem<ConsoleConfig> = (config, host, memoryOfModule, sleeps) => {
  const { words } = config;
  const memory = new GuestMemory(() => memoryOfModule.memory);

  /** Which output the descriptor is. EBADF. */
  function outputOf(fd: number, among = Atomics.load(words, OUTPUTS)): number {
    return (fd === 1 || fd === 2) && (among >> shiftOf(fd)) & 3 || fail(E.BADF);
  }

  /** Changes in one step which descriptors there are. */
  function change(to: (outputs: number) => number): void {
    for (;;) {
      const before = Atomics.load(words, OUTPUTS);
      if (Atomics.compareExchange(words, OUTPUTS, before, to(before)) === before) return;
    }
  }
  const without = (outputs: number, fd: number): number => outputs & ~(3 << shiftOf(fd));

  /** ENOTCAPABLE unless it has all of these rights; EBADF if it never had. */
  function need(output: number, rights: number): number {
    const base = Atomics.load(words, BASE + output);
    const missing = rights & ~base;
    if (missing === 0) return output;
    return fail(missing & (Rights.fdRead | Rights.fdWrite) && !(base & NARROWED) ? E.BADF : E.NOTCAPABLE);
  }

  function write(output: number, vectors: Vector[]): number {
    let total = 0;
    for (const { length } of vectors) total += length;
    need(output, Rights.fdWrite);
    for (const view of memory.views(vectors)) {
      const failed = host.write(output, view);
      if (failed !== undefined) fail(errnoNumber(failed));
    }
    return total;
  }

  /** What the host knows of an output; undefined: it has no file system. */
  function statOf(output: number): FileStat | undefined {
    const { fs } = host as { fs?: { fstatSync(fd: number, options: { bigint: true }): FileStat } };
    try {
      return fs?.fstatSync(output, { bigint: true });
    } catch (error) {
      return fail(errnoNumber(hostErrno(error)));
    }
  }

  /** A call that no output takes. */
  const refuses = (errno: number) => (fd: number): never => {
    outputOf(fd);
    return fail(errno);
  };
  const all = (names: string, errno: number): SystemCalls => Object.fromEntries(names.split(' ').map((name) => [name, refuses(errno)]));
  const refused: SystemCalls = {
    ...all('fd_advise fd_allocate fd_pread fd_pwrite fd_seek fd_tell', E.SPIPE),
    ...all('fd_datasync fd_sync fd_filestat_set_size fd_filestat_set_times', E.INVAL),
    ...all('fd_prestat_get fd_prestat_dir_name', E.BADF),
    ...all('sock_accept sock_recv sock_send sock_shutdown', E.NOTSOCK),
    ...all(
      'fd_readdir path_create_directory path_filestat_get path_filestat_set_times path_link path_open path_readlink path_remove_directory ' +
      'path_rename path_unlink_file', E.NOTDIR,
    ),
    path_symlink: (_target: number, _length: number, fd: number) => refuses(E.NOTDIR)(fd),
  };

  const answer = (work: () => number): number => {
    try {
      return work();
    } catch (error) {
      if (error instanceof WasiError) return -error.errno;
      throw error;
    }
  };

  return {
    env: {
      // What is always ready is not watched.
      fd_watch: (fd) => answer(() => outputOf(fd) && 0),
      fd_revents: (fd, events) => (answer(() => outputOf(fd)) < 0 ? POLLNVAL : events & (POLLIN | POLLOUT)),
      fd_pair: () => -E.NFILE,
      ...hostFiles(host, memoryOfModule),
    },
    calls: {
      ...processCalls({ config, memory, host }), ...refused,
      ...pollCalls({ config, memory, host }, {
        look(fd, type) {
          const output = need(outputOf(fd), Rights.pollFdReadwrite);
          return type === EventType.fdRead ? { ...READY, nbytes: statOf(output)?.size ?? 0n } : READY;
        },
        prepareSleep: () => 0,
        sleep: (_seen, ms) => void (sleeps ? Atomics.wait(words, SLEEP, 0, ms) : fail(E.AGAIN)),
      }),

      fd_close: (fd: number) => change((outputs) => outputOf(fd, outputs) && without(outputs, fd)),
      fd_renumber: (from: number, to: number) => change((outputs) => {
        const [moved, replaced] = [outputOf(from, outputs), outputOf(to, outputs)];
        return replaced && (from === to ? outputs : without(without(outputs, from), to) | (moved << shiftOf(to)));
      }),

      fd_write(fd: number, iovs: number, count: number, written: number) {
        memory.check(written, 4);
        const vectors = memory.vectors(iovs, count);
        memory.setU32(written, write(outputOf(fd), vectors));
      },
      fd_read(fd: number, iovs: number, count: number, got: number) {
        memory.check(got, 4);
        memory.vectors(iovs, count);
        need(outputOf(fd), Rights.fdRead);
      },

      fd_fdstat_get(fd: number, pointer: number) {
        memory.check(pointer, 24);
        const output = outputOf(fd);
        memory.bytes(pointer, 24).fill(0);
        memory.setU8(pointer, FileType.characterDevice);
        memory.setU16(pointer + 2, Atomics.load(words, FLAGS + output));
        memory.setU64(pointer + 8, BigInt(Atomics.load(words, BASE + output) & ALL_RIGHTS));
      },
      fd_fdstat_set_flags(fd: number, flags: number) {
        if (flags & ~(FdFlags.append | FdFlags.dsync | FdFlags.nonblock | FdFlags.rsync | FdFlags.sync)) fail(E.INVAL);
        const output = need(outputOf(fd), Rights.fdFdstatSetFlags);
        if (flags & ~FdFlags.nonblock) fail(E.INVAL);
        Atomics.store(words, FLAGS + output, flags);
      },
      fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
        const output = outputOf(fd);
        const left = BigInt.asUintN(64, base);
        // Rights go, they never come back.
        if (left & ~BigInt(Atomics.load(words, BASE + output) & ALL_RIGHTS) || inheriting !== 0n) fail(E.NOTCAPABLE);
        Atomics.store(words, BASE + output, Number(left) | NARROWED);
      },
      fd_filestat_get(fd: number, pointer: number) {
        memory.check(pointer, 64);
        const stat = statOf(need(outputOf(fd), Rights.fdFilestatGet)) ?? fail(E.NOTSUP);
        putStat(memory, pointer, FileType.characterDevice, stat);
      },
    },
  };
};

/** The guest of a runtime that is given none. */
export function consoleGuest(host: HostBase, args: readonly string[]): Guest {
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  words[OUTPUTS] = (1 << shiftOf(1)) | (2 << shiftOf(2));
  words[BASE + 1] = words[BASE + 2] = BASE_RIGHTS;
  const config: ConsoleConfig = { args, env: [], words };
  return { config, system: (memory) => consoleSystem(config, host, memory, false) };
}
