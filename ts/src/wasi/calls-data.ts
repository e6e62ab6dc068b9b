// SPDX-License-Identifier: MIT
/** WASI calls that read and write: files at an offset, streams through their rings. */
import { fail, FdFlags, FileType, RiFlags, SdFlags, WasiError } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import type { Vector } from '../runtime/guest-memory.js';
import { Kind, type Descriptor, type FileSystem } from './descriptor.js';
import { host, wasiError, withoutStacks } from './path.js';
import { errnoOf, guardAll, type GuardedCalls } from '../runtime/system.js';
import type { GuestThread } from './guest-thread.js';
import { PIPE_BUF, type Ring } from './ring.js';
import { Socket } from './socket.js';
import { acceptConnection } from './sockets.js';
import { waitFor } from './wait.js';

/**
 * A file offset that the guest passed. Fails with EINVAL if it is negative; returns Infinity if it is beyond all
 * files.
 */
export function fileOffset(offset: bigint): number {
  const at = Number(offset);
  if (at < 0) fail(E.INVAL);
  return at > Number.MAX_SAFE_INTEGER ? Infinity : at;
}

/** Up to this address Node takes a range of the memory without a view of it. */
const MAX_INT32 = 2 ** 31 - 1;

function sum(vectors: readonly Vector[]): number {
  let total = 0;
  for (const { length } of vectors) total += length;
  return total;
}

/** A flag of sock_recv and sock_send that libc uses for MSG_DONTWAIT; preview1 has none. */
const DONT_WAIT = 0x4000;

export function dataCalls(thread: GuestThread): GuardedCalls {
  const { memory, table } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);

  const only = { pointer: 0, length: 0 };
  const one: Vector[] = [only];
  const none: Vector[] = [];

  /** The vectors that a call was given. Most calls have one, for which no object is made: it is valid until the next call. */
  function vectorsAt(iovs: number, count: number): Vector[] {
    if (count !== 1) return memory.vectors(iovs, count);
    memory.check(iovs, 8);
    only.pointer = memory.u32(iovs);
    only.length = memory.u32(iovs + 4);
    memory.check(only.pointer, only.length);
    return only.length === 0 ? none : one;
  }

  /** Reads from the host's file, at an offset or where it stands. */
  function readHost(fd: number, vectors: Vector[], position: number | null): number {
    const fs = files();
    const [one] = vectors;
    try {
      return vectors.length === 1 && one && one.pointer + one.length <= MAX_INT32
        ? fs.readSync(fd, memory.all, one.pointer, one.length, position)
        : fs.readvSync(fd, memory.views(vectors), position as number);
    } catch (error) {
      throw wasiError(error);
    }
  }

  function writeHost(fd: number, vectors: Vector[], position: number | null): number {
    const fs = files();
    const [one] = vectors;
    try {
      return vectors.length === 1 && one && one.pointer + one.length <= MAX_INT32
        ? fs.writeSync(fd, memory.all, one.pointer, one.length, position)
        : fs.writevSync(fd, memory.views(vectors), position as number);
    } catch (error) {
      throw wasiError(error);
    }
  }

  function readFile(file: Descriptor, vectors: Vector[]): number {
    if (file.sequential) return readHost(file.hostFd, vectors, null);
    file.lock();
    try {
      const { offset } = file;
      const count = readHost(file.hostFd, vectors, offset);
      file.offset = offset + count;
      return count;
    } finally {
      file.unlock();
    }
  }

  /** Flushes a file after a write, if its flags ask for that. */
  function flushFile(file: Descriptor): void {
    const { flags } = file;
    if (!(flags & (FdFlags.sync | FdFlags.rsync | FdFlags.dsync))) return;
    if (flags & (FdFlags.sync | FdFlags.rsync)) host(() => files().fsyncSync(file.hostFd));
    else host(() => files().fdatasyncSync(file.hostFd));
  }

  function writeFile(file: Descriptor, vectors: Vector[]): number {
    if (file.sequential) return writeHost(file.hostFd, vectors, null);
    file.lock();
    try {
      const { offset } = file;
      const count = writeHost(file.hostFd, vectors, offset);
      flushFile(file);
      // Appended data is at the end of the file, wherever that was.
      file.offset = file.flags & FdFlags.append ? host(() => files().fstatSync(file.hostFd)).size : offset + count;
      return count;
    } finally {
      file.unlock();
    }
  }

  /** Reads or writes a pipe by an fd that does not block. Returns undefined if it would have to wait. */
  function moveNow(move: typeof readHost, fd: number, vectors: Vector[]): number | undefined {
    return withoutStacks(() => {
      try {
        return move(fd, vectors, null);
      } catch (error) {
        if (error instanceof WasiError && error.errno === E.AGAIN) return undefined;
        throw error;
      }
    });
  }

  /** Until when a call on a stream waits that begins now: SO_RCVTIMEO and SO_SNDTIMEO of a socket. */
  function deadline({ type, index }: Descriptor, sends: boolean): number {
    return type === FileType.stream ? new Socket(thread.shared, index).deadline(sends) : Infinity;
  }

  /** Reads from a stream. Blocks until there are bytes, unless the descriptor is non-blocking. Returns 0 at the end. */
  function readStream(stream: Descriptor, vectors: Vector[], peek = false, all = false, wait = true): number {
    const ring = stream.readRing ?? fail(E.BADF);
    const { directFd } = stream;
    let done = 0;
    let end: number | undefined;
    for (;;) {
      if (ring.readerGone) return done;       // shut down
      const ended = ring.writerGone;          // read this before looking for bytes
      done += ring.reading(() => {
        if (peek) return peekAt(ring, vectors);
        if (directFd >= 0 && ring.beginBypass()) {
          try {
            // Where this finds nothing, the owner waits for more, or finds the end or the error.
            return moveNow(readHost, directFd, rest(vectors, done)) ?? 0;
          } catch {
            return 0;
          } finally {
            ring.endBypass();
          }
        }
        let count = 0;
        for (const view of memory.views(rest(vectors, done))) {
          const got = ring.read(view);
          count += got;
          if (got < view.length) break;
        }
        return count;
      });
      if (done >= sum(vectors) || (done > 0 && (!all || peek))) return done;
      if (ended) {
        if (done === 0 && ring.error !== 0) fail(ring.error);
        return done;
      }
      if (!wait || stream.flags & FdFlags.nonblock) return demandLater(ring, done);
      ring.demand();
      end ??= deadline(stream, false);
      if (!waitFor(thread, ring.readers, () => ring.length > 0 || ring.writerGone || ring.mustDemand, end)) return done > 0 ? done : fail(E.AGAIN);
    }
  }

  /** Copies what the ring has, and leaves it there. */
  function peekAt(ring: Ring, vectors: Vector[]): number {
    const bytes = new Uint8Array(Math.min(ring.length, sum(vectors)));
    const count = ring.read(bytes, true);
    let at = 0;
    for (const view of memory.views(vectors)) {
      const piece = bytes.subarray(at, Math.min(count, at + view.length));
      view.set(piece);
      at += piece.length;
    }
    return count;
  }

  function demandLater(ring: Ring, done: number): number {
    ring.demand();
    return done > 0 ? done : fail(E.AGAIN);
  }

  /** Writes to a stream. Blocks until everything is written, unless the descriptor is non-blocking. */
  function writeStream(stream: Descriptor, vectors: Vector[], wait = true): number {
    const ring = stream.writeRing ?? fail(E.BADF);
    const { directFd } = stream;
    const total = sum(vectors);
    // Up to PIPE_BUF bytes are written in one piece, or not at all.
    const needed = total <= PIPE_BUF ? total : 1;
    let done = 0;
    let failed: WasiError | undefined;
    let end: number | undefined;
    while (done < total) {
      if (ring.readerGone || ring.writerGone) return done > 0 ? done : fail(E.PIPE);
      done += ring.writing(() => {
        // What is in the ring goes first.
        if (directFd >= 0 && ring.length === 0) {
          try {
            const put = moveNow(writeHost, directFd, rest(vectors, done));
            if (put !== undefined) return put;
          } catch (error) {
            failed = wasiError(error);
            return 0;
          }
        }
        if (ring.room < needed) return 0;
        let count = 0;
        for (const view of memory.views(rest(vectors, done))) {
          const put = ring.write(view);
          count += put;
          if (put < view.length) break;
        }
        return count;
      });
      if (failed) {
        if (done === 0) throw failed;
        return done;
      }
      if (done === total) break;
      if (!wait || stream.flags & FdFlags.nonblock) return done > 0 ? done : fail(E.AGAIN);
      end ??= deadline(stream, true);
      if (!waitFor(thread, ring.writers, () => ring.room >= needed || ring.readerGone || ring.writerGone, end)) return done > 0 ? done : fail(E.AGAIN);
    }
    return done;
  }

  /** The part of the vectors that is left once `done` bytes have been moved. */
  function rest(vectors: readonly Vector[], done: number): Vector[] {
    const left: Vector[] = [];
    let skip = done;
    for (const { pointer, length } of vectors) {
      if (skip < length) left.push({ pointer: pointer + skip, length: length - skip });
      skip = Math.max(0, skip - length);
    }
    return left;
  }

  function writeConsole(console: Descriptor, vectors: Vector[]): number {
    for (const view of memory.views(vectors)) {
      const failed = thread.host.write(console.hostFd, view);
      if (failed !== undefined) host(() => {
        throw Object.assign(new Error(failed), { code: failed });
      });
    }
    return sum(vectors);
  }

  function read(from: Descriptor, vectors: Vector[]): number {
    if (from.kind === Kind.directory) fail(E.BADF);
    if (from.kind === Kind.listener || from.kind === Kind.socket) fail(E.NOTCONN);
    from.need(Rights.fdRead);
    if (vectors.length === 0) return 0;
    return from.kind === Kind.file ? readFile(from, vectors) : readStream(from, vectors);
  }

  function write(to: Descriptor, vectors: Vector[]): number {
    if (to.kind === Kind.directory) fail(E.BADF);
    if (to.kind === Kind.listener || to.kind === Kind.socket) fail(E.NOTCONN);
    to.need(Rights.fdWrite);
    if (vectors.length === 0) return 0;
    if (to.kind === Kind.console) return writeConsole(to, vectors);
    return to.kind === Kind.file ? writeFile(to, vectors) : writeStream(to, vectors);
  }

  /** Checks that a descriptor is a file that can be read or written at an offset. */
  function positional(file: Descriptor, rights: number): void {
    if (file.kind === Kind.directory) fail(E.BADF);
    if (file.kind !== Kind.file || file.sequential) fail(E.SPIPE);
    file.need(rights | Rights.fdSeek);
  }

  function socket(descriptor: Descriptor): Descriptor {
    if (descriptor.type !== FileType.stream) fail(E.NOTSOCK);
    if (descriptor.kind === Kind.listener || descriptor.kind === Kind.socket) fail(E.NOTCONN);
    return descriptor;
  }

  function readAt(file: Descriptor, vectors: Vector[], offset: bigint): number {
    positional(file, Rights.fdRead);
    const at = fileOffset(offset);
    return vectors.length === 0 || at === Infinity ? 0 : readHost(file.hostFd, vectors, at);
  }

  function writeAt(file: Descriptor, vectors: Vector[], offset: bigint): number {
    positional(file, Rights.fdWrite);
    const at = fileOffset(offset);
    if (vectors.length === 0) return 0;
    if (at === Infinity) fail(E.FBIG);
    // POSIX demands this offset also where the descriptor appends; Linux would append.
    const done = writeHost(file.plainFd, vectors, at);
    flushFile(file);
    return done;
  }

  // These calls are made often, so each catches its errors itself (see guardAll).
  const often: GuardedCalls = {
    fd_read(fd: number, iovs: number, count: number, got: number) {
      try {
        memory.check(got, 4);
        const vectors = vectorsAt(iovs, count);
        const from = table.acquire(fd);
        try {
          memory.setU32(got, read(from, vectors));
        } finally {
          table.letGo(from);
        }
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
    fd_write(fd: number, iovs: number, count: number, written: number) {
      try {
        memory.check(written, 4);
        const vectors = vectorsAt(iovs, count);
        const to = table.acquire(fd);
        try {
          memory.setU32(written, write(to, vectors));
        } finally {
          table.letGo(to);
        }
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
    fd_pread(fd: number, iovs: number, count: number, offset: bigint, got: number) {
      try {
        memory.check(got, 4);
        const vectors = vectorsAt(iovs, count);
        const file = table.acquire(fd);
        try {
          memory.setU32(got, readAt(file, vectors, offset));
        } finally {
          table.letGo(file);
        }
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
    fd_pwrite(fd: number, iovs: number, count: number, offset: bigint, written: number) {
      try {
        memory.check(written, 4);
        const vectors = vectorsAt(iovs, count);
        const file = table.acquire(fd);
        try {
          memory.setU32(written, writeAt(file, vectors, offset));
        } finally {
          table.letGo(file);
        }
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
  };

  const sockets = guardAll({
    sock_recv(fd: number, iovs: number, count: number, flags: number, got: number, roFlags: number) {
      memory.check(got, 4);
      memory.check(roFlags, 2);
      const vectors = vectorsAt(iovs, count);
      if (flags & ~(RiFlags.peek | RiFlags.waitall | DONT_WAIT)) fail(E.INVAL);
      const bytes = table.use(fd, (descriptor) => {
        socket(descriptor).need(Rights.fdRead);
        if (vectors.length === 0) return 0;
        return readStream(descriptor, vectors, (flags & RiFlags.peek) !== 0, (flags & RiFlags.waitall) !== 0, !(flags & DONT_WAIT));
      });
      memory.setU32(got, bytes);
      memory.setU16(roFlags, 0);           // a stream's data is never cut off
    },
    sock_send(fd: number, iovs: number, count: number, flags: number, sent: number) {
      memory.check(sent, 4);
      const vectors = vectorsAt(iovs, count);
      if (flags & ~DONT_WAIT) fail(E.INVAL);
      const bytes = table.use(fd, (descriptor) => {
        socket(descriptor).need(Rights.fdWrite);
        return vectors.length === 0 ? 0 : writeStream(descriptor, vectors, !(flags & DONT_WAIT));
      });
      memory.setU32(sent, bytes);
    },
    sock_shutdown(fd: number, how: number) {
      table.use(fd, (descriptor) => {
        socket(descriptor).need(Rights.sockShutdown);
        if (how === 0 || how & ~(SdFlags.rd | SdFlags.wr)) fail(E.INVAL);
        if (how & SdFlags.rd) descriptor.readRing?.endReading();
        if (how & SdFlags.wr) descriptor.writeRing?.endWriting();
      });
    },
    sock_accept(fd: number, flags: number, result: number) {
      memory.check(result, 4);
      if (flags & ~FdFlags.nonblock) fail(E.INVAL);
      memory.setU32(result, table.use(fd, (listener) => acceptConnection(thread, listener, flags)));
    },
  });
  return { ...often, ...sockets };
}
