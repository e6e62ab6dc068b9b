// SPDX-License-Identifier: MIT
/** The imports by which the event loop of a program waits for WASI descriptors (wasm/port/fd-table.c), and creates pipes. */
import { errnoNumber } from '../errno.js';
import { fail, FileType, RIGHTS_OF_SOCKET, RIGHTS_OF_STREAM, WasiError } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, type HostCall, type LoopImports } from '../runtime/system.js';
import { socketCalls } from './calls-socket.js';
import { Kind, type NewDescriptor } from './descriptor.js';
import type { GuestThread } from './guest-thread.js';
import { OwnerEnd, Ring } from './ring.js';
import { AF_UNIX } from './sockaddr.js';
import { Socket, SocketState } from './socket.js';

export function loopImports(thread: GuestThread, more: readonly HostCall[]): LoopImports {
  const { table, shared, memory } = thread;

  const result = (work: () => number): number => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof WasiError)) throw error;
      return error.errno === E.NOTSUP ? -errnoNumber('ENOTSUP') : -error.errno;
    }
  };

  function pair(pointer: number, sockets: number, flags: number): number {
    memory.check(pointer, 8);
    const rings: Ring[] = [];
    const make = (): Ring => {
      const ring = Ring.allocate(shared, true, OwnerEnd.none) ?? Ring.allocate(shared, false, OwnerEnd.none);
      if (!ring) {
        for (const made of rings) made.free();
        throw new WasiError(E.NFILE);
      }
      rings.push(ring);
      return ring;
    };
    const forth = make();
    const back = sockets ? make() : undefined;
    const base = sockets ? RIGHTS_OF_SOCKET : RIGHTS_OF_STREAM;
    const common = { kind: Kind.stream, domain: AF_UNIX, type: sockets ? FileType.stream : FileType.unknown, flags };
    const reader: NewDescriptor = { ...common, read: forth, write: back, base: back ? base : base & ~Rights.fdWrite };
    const writer: NewDescriptor = { ...common, read: back, write: forth, base: back ? base : base & ~Rights.fdRead };
    let fds: [number, number];
    try {
      fds = table.openBoth(reader, writer);
    } catch (error) {
      for (const ring of rings) ring.free();
      throw error;
    }
    memory.setU32(pointer, fds[0]);
    memory.setU32(pointer + 4, fds[1]);
    return 0;
  }

  /** The readiness of a socket that is not connected. */
  function notConnected(state: number): number {
    if (state === SocketState.connecting) return 0;
    return state === SocketState.failed ? POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP : POLLOUT | POLLHUP;
  }

  /** In the order of HostFdCall (wasm/port/wasm-port.h). */
  const calls: HostCall[] = [
    pair,
    () => table.open({ kind: Kind.own, type: FileType.unknown, base: RIGHTS_OF_STREAM }),
    (fd, minimum, to) => table.dup(fd, minimum, to),
    (fd) => table.alias(fd),
    (fd) => table.use(fd, ({ serial }) => serial),
    ...socketCalls(thread), ...more,
  ];

  return {
    // A descriptor without rings is always ready, so that it need not be watched.
    fd_watch: (fd) => result(() => table.use(fd, ({ readRing, writeRing }) => {
      readRing?.watchReading(fd);
      writeRing?.watchWriting(fd);
      return 0;
    })),

    fd_revents(fd, events) {
      return result(() => table.use(fd, ({ kind, type, index, readRing, writeRing }) => {
        if (kind === Kind.socket) return notConnected(new Socket(shared, index).state) & (events | POLLERR | POLLHUP);
        if (kind !== Kind.stream && kind !== Kind.listener) return events & (POLLIN | POLLOUT);
        let ready = 0;
        const noMoreIn = readRing !== undefined && (readRing.writerGone || readRing.readerGone);
        const noMoreOut = writeRing !== undefined && (writeRing.readerGone || writeRing.writerGone);
        if (readRing && readRing.length > 0) ready |= POLLIN;
        else if (events & POLLIN && !noMoreIn) readRing?.demand();
        if (writeRing?.writable) ready |= POLLOUT;
        if (type === FileType.stream) {
          // A socket can be read at its end, and be written to so that the error is seen.
          if (noMoreIn) ready |= POLLIN | POLLRDHUP;
          if (noMoreOut) ready |= POLLOUT;
          if (noMoreIn && (noMoreOut || !writeRing)) ready |= POLLHUP;
        } else {
          if (noMoreIn) ready |= POLLHUP;
          if (noMoreOut) ready |= POLLERR;
        }
        return ready & (events | POLLERR | POLLHUP);
      }));
    },

    fd_call: (call, ...args) => result(() => calls[call]?.(...args) ?? fail(E.NOSYS)),
  };
}
