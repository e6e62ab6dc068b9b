// SPDX-License-Identifier: MIT
/** The calls on sockets that WASI does not have, for the libc of a program that aiocc has built (wasm/libc/inet.c). */
import { errnoNumber } from '../errno.js';
import { fail, FdFlags, FileType, RIGHTS_OF_SOCKET } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import type { HostCall } from '../runtime/system.js';
import { Kind, type Descriptor } from './descriptor.js';
import type { GuestThread } from './guest-thread.js';
import { OwnerEnd, Ring } from './ring.js';
import { ADDRESS_BYTES, AF_INET, AF_UNIX } from './sockaddr.js';
import { CONNECTION_BYTES, endWaiting, NAME_BYTES, packConnection, Socket, SocketState } from './socket.js';
import { waitFor } from './wait.js';

const failBy = (name: string): never => fail(errnoNumber(name));

export function socketCalls(thread: GuestThread): HostCall[] {
  const { table, shared, memory } = thread;

  const socketOf = (descriptor: Descriptor): Socket => {
    if (descriptor.type !== FileType.stream) fail(E.NOTSOCK);
    return new Socket(shared, descriptor.index);
  };

  /** Reads a HostName of the guest's memory. */
  function hostName(pointer: number): { name: Uint8Array; key: number[] } {
    memory.check(pointer, 4 + NAME_BYTES + 16);
    const length = memory.u32(pointer);
    if (length > NAME_BYTES) fail(E.INVAL);
    return {
      name: memory.bytes(pointer + 4, length).slice(),
      key: [0, 4, 8, 12].map((at) => memory.u32(pointer + 4 + NAME_BYTES + at) | 0),
    };
  }

  function open(domain: number, flags: number): number {
    const unix = domain === AF_UNIX;
    const read = Ring.allocate(shared, false, unix ? OwnerEnd.none : OwnerEnd.writer) ?? fail(E.NFILE);
    const write = Ring.allocate(shared, false, unix ? OwnerEnd.none : OwnerEnd.reader);
    try {
      return table.open(
        { kind: Kind.socket, type: FileType.stream, flags, read, write: write ?? fail(E.NFILE), base: RIGHTS_OF_SOCKET | Rights.sockAccept },
        (index) => new Socket(shared, index).reset(domain, SocketState.fresh),
      );
    } catch (error) {
      read.free();
      write?.free();
      throw error;
    }
  }

  /** Asks the owner for something and waits until the socket has left the state. Returns false if it has not by the time `end`. */
  function askOwner(descriptor: Descriptor, socket: Socket, during: number, end = Infinity): boolean {
    const ring = descriptor.readRing ?? fail(E.BADF);
    ring.ask(descriptor.index);
    return waitFor(thread, ring.readers, () => socket.state !== during, end);
  }

  function bind(descriptor: Descriptor, pointer: number): number {
    const socket = socketOf(descriptor);
    const { name, key } = hostName(pointer);
    if (descriptor.kind !== Kind.socket || socket.state !== SocketState.fresh) fail(E.INVAL);
    if (socket.domain === AF_UNIX) {
      const there = key.every((word) => word === 0) ? listener(name, key) : undefined;
      if (there) {
        table.letGo(there);
        failBy('EADDRINUSE');
      }
      socket.own = name;
      socket.key = key;
      socket.state = SocketState.bound;
      return 0;
    }
    socket.own = name;
    socket.state = SocketState.binding;
    askOwner(descriptor, socket, SocketState.binding);
    if (socket.state === SocketState.failed) {
      socket.state = SocketState.fresh;
      socket.own = new Uint8Array(0);
      fail(socket.takeError());
    }
    return 0;
  }

  function listen(descriptor: Descriptor, backlog: number): number {
    const socket = socketOf(descriptor);
    socket.backlog = Math.max(1, backlog);
    if (descriptor.kind === Kind.listener) return 0;
    if (descriptor.kind !== Kind.socket || socket.state !== SocketState.bound) fail(E.INVAL);
    socket.state = SocketState.listening;
    descriptor.become(Kind.listener);
    return 0;
  }

  /** The socket in the guest that is bound to this name. */
  function listener(name: Uint8Array, key: readonly number[]): Descriptor | undefined {
    const named = key.some((word) => word !== 0);
    return table.find(({ kind, index, type }) => {
      if (type !== FileType.stream || (kind !== Kind.listener && kind !== Kind.socket)) return false;
      const socket = new Socket(shared, index);
      if (socket.domain !== AF_UNIX || (socket.state !== SocketState.bound && socket.state !== SocketState.listening)) return false;
      if (named) return socket.key.every((word, i) => word === key[i]);
      return socket.key.every((word) => word === 0) && sameBytes(socket.own, name);
    });
  }

  function connectWithin(descriptor: Descriptor, socket: Socket, pointer: number): number {
    const { name, key } = hostName(pointer);
    const to = listener(name, key) ?? failBy('ECONNREFUSED');
    const end = socket.deadline(true);
    try {
      const ring = to.kind === Kind.listener ? to.readRing : undefined;
      if (!ring) return failBy('ECONNREFUSED');
      const server = new Socket(shared, to.index);
      const entry = packConnection({
        read: descriptor.writeRing?.index ?? -1, write: descriptor.readRing?.index ?? -1, own: new Uint8Array(0), peer: socket.own,
      });
      const most = (): number => (Math.min(server.backlog, 128) + 1) * CONNECTION_BYTES;
      for (;;) {
        const done = ring.writing(() => {
          if (ring.readerGone) failBy('ECONNREFUSED');
          if (ring.length >= most()) return false;
          socket.peer = server.own;
          socket.state = SocketState.connected;
          descriptor.become(Kind.stream);
          ring.write(entry);
          return true;
        });
        if (done) break;
        if (descriptor.flags & FdFlags.nonblock) fail(E.AGAIN);
        if (!waitFor(thread, ring.writers, () => ring.readerGone || ring.length < most(), end)) fail(E.AGAIN);
      }
      // The listener may have been closed just before the entry came.
      if (ring.readerGone) ring.reading(() => endWaiting(shared, ring));
      descriptor.writeRing?.changed();
      return 0;
    } finally {
      table.letGo(to);
    }
  }

  function connect(descriptor: Descriptor, pointer: number): number {
    const socket = socketOf(descriptor);
    if (descriptor.kind === Kind.listener) failBy('EISCONN');
    if (socket.state === SocketState.connecting) failBy('EALREADY');
    if (socket.state === SocketState.connected) failBy('EISCONN');
    if (descriptor.kind !== Kind.socket) failBy('EISCONN');
    if (socket.domain === AF_UNIX) return connectWithin(descriptor, socket, pointer);
    if (socket.state === SocketState.failed) descriptor.replaceRings();
    socket.peer = hostName(pointer).name;
    socket.state = SocketState.connecting;
    if (descriptor.flags & FdFlags.nonblock) {
      descriptor.readRing?.ask(descriptor.index);
      return failBy('EINPROGRESS');
    }
    if (!askOwner(descriptor, socket, SocketState.connecting, socket.deadline(true))) failBy('EINPROGRESS');
    return socket.state === SocketState.connected ? 0 : fail(socket.takeError() || E.IO);
  }

  /** Stores a name and returns its length. */
  function getName(descriptor: Descriptor, peer: boolean, pointer: number): number {
    const socket = socketOf(descriptor);
    if (peer && (descriptor.kind !== Kind.stream || socket.state !== SocketState.connected)) fail(E.NOTCONN);
    // The owner tells the port of a connection that is being made as soon as there is one.
    const ring = descriptor.readRing;
    if (!peer && ring && socket.domain !== AF_UNIX) {
      waitFor(thread, ring.readers, () => socket.state !== SocketState.connecting || socket.own.length > 0);
    }
    const name = peer ? socket.peer : socket.own;
    memory.check(pointer, NAME_BYTES);
    const family = new Uint8Array(socket.domain === AF_UNIX ? 2 : socket.domain === 10 ? 28 : 16);
    family[0] = socket.domain;
    const text = name.length > 0 ? name : family;
    memory.bytes(pointer, text.length).set(text);
    return text.length;
  }

  /** What getsockopt() and setsockopt() need to know: the word, and its value. */
  function state(descriptor: Descriptor, which: number, value: number): number {
    const socket = socketOf(descriptor);
    switch (which) {
      case 0: return socket.takeError();
      case 1: return socket.domain;
      case 2: return descriptor.kind === Kind.listener ? 1 : 0;
      case 3: return socket.options;
      case 4:
        socket.options = value;
        return 0;
      default: {
        // Two for each number: the first gets it, the second sets it.
        const n = (which - 5) >> 1;
        if ((which - 5) & 1) socket.setNumber(n, value);
        return socket.number(n);
      }
    }
  }

  /**
   * Has the owner look up the name of a host. It is written into a socket that is opened for this, from which the addresses are read.
   * pointer: to a HostQuery. Stores one sockaddr in ADDRESS_BYTES each, at most `room` of them, and returns how many there are.
   */
  function resolve(pointer: number, answers: number, room: number): number {
    memory.check(pointer, 8);
    const [length, family] = [memory.u32(pointer), memory.u32(pointer + 4)];
    const name = memory.bytes(pointer + 8, length).slice();
    const into = memory.bytes(answers, room * ADDRESS_BYTES);
    const fd = open(family || AF_INET, 0);
    try {
      return table.use(fd, (descriptor) => {
        const { writeRing, readRing } = descriptor;
        if (!writeRing || !readRing) return fail(E.BADF);
        const socket = socketOf(descriptor);
        writeRing.writing(() => writeRing.write(name));
        socket.options = family;
        socket.state = SocketState.resolving;
        askOwner(descriptor, socket, SocketState.resolving);
        if (socket.state === SocketState.failed) fail(socket.takeError());
        return readRing.reading(() => readRing.read(into)) / ADDRESS_BYTES;
      });
    } finally {
      table.close(fd);
    }
  }

  return [
    open,
    (fd, pointer) => table.use(fd, (descriptor) => bind(descriptor, pointer)),
    (fd, backlog) => table.use(fd, (descriptor) => listen(descriptor, backlog)),
    (fd, pointer) => table.use(fd, (descriptor) => connect(descriptor, pointer)),
    (fd, peer, pointer) => table.use(fd, (descriptor) => getName(descriptor, peer !== 0, pointer)),
    (fd, which, value) => table.use(fd, (descriptor) => state(descriptor, which, value)),
    resolve,
  ];
}

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, i) => byte === other[i]);
