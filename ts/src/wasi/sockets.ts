// SPDX-License-Identifier: MIT
/** Accepts connections, which the owner or a thread of the guest has put into the listener's ring. */
import { fail, FdFlags, FileType, RIGHTS_OF_SOCKET } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { Kind, type Descriptor, type NewDescriptor } from './descriptor.js';
import type { GuestThread } from './guest-thread.js';
import { Ring } from './ring.js';
import { AF_UNIX } from './sockaddr.js';
import { CONNECTION_BYTES, Socket, SocketState, unpackConnection } from './socket.js';
import { waitFor } from './wait.js';

/** The descriptor of a connected stream socket with these rings. */
export const socketDescriptor = (read: Ring, write: Ring, flags = 0): NewDescriptor => ({
  kind: Kind.stream, type: FileType.stream, flags, read, write, base: RIGHTS_OF_SOCKET,
});

export function acceptConnection(thread: GuestThread, listener: Descriptor, flags: number): number {
  const { shared, table } = thread;
  if (listener.type !== FileType.stream) fail(E.NOTSOCK);
  if (listener.kind !== Kind.listener) fail(E.INVAL);
  listener.need(Rights.sockAccept);
  const ring = listener.readRing ?? fail(E.BADF);
  const from = new Socket(shared, listener.index);
  let end: number | undefined;
  for (;;) {
    const fd = ring.reading(() => {
      const entry = new Uint8Array(CONNECTION_BYTES);
      if (ring.read(entry, true) < CONNECTION_BYTES) return undefined;
      const { read, write, own, peer } = unpackConnection(entry);
      // The connection is removed from the ring only after it has an fd; without one it waits for the next call.
      const made = table.open(socketDescriptor(new Ring(shared, read), new Ring(shared, write), flags), (index) => {
        const socket = new Socket(shared, index);
        socket.reset(from.domain, SocketState.connected);
        if (from.domain !== AF_UNIX) socket.inherit(from);
        socket.own = own.length > 0 ? own : from.own;
        socket.peer = peer;
      });
      ring.consume(CONNECTION_BYTES);
      return made;
    });
    if (fd !== undefined) return fd;
    if (ring.writerGone) fail(ring.error !== 0 ? ring.error : E.INVAL);
    if (listener.flags & FdFlags.nonblock) fail(E.AGAIN);
    end ??= from.deadline(false);
    if (!waitFor(thread, ring.readers, () => ring.length > 0 || ring.writerGone, end)) fail(E.AGAIN);
  }
}
