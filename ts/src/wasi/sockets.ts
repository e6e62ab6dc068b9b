// SPDX-License-Identifier: MIT
/** Accepts connections, which the owner has put into the listener's ring. */
import { fail, FdFlags, FileType, RIGHTS_OF_SOCKET } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import type { GuestThread } from './guest-thread.js';
import { Ring } from './ring.js';
import { Kind, type Descriptor, type NewDescriptor } from './table.js';
import { waitFor } from './wait.js';

/** The size of one connection in a listener's ring: the numbers of the connection's two rings. */
export const CONNECTION_BYTES = 8;

/** The descriptor of a stream socket with these rings. */
export const socketDescriptor = (read: Ring, write: Ring, flags = 0): NewDescriptor => ({
  kind: Kind.stream, type: FileType.stream, flags, read, write, base: RIGHTS_OF_SOCKET,
});

export function acceptConnection(thread: GuestThread, listener: Descriptor, flags: number): number {
  if (listener.type !== FileType.stream) fail(E.NOTSOCK);
  if (listener.kind !== Kind.listener) fail(E.INVAL);
  listener.need(Rights.sockAccept);
  const ring = listener.readRing ?? fail(E.BADF);
  for (;;) {
    const fd = ring.reading(() => {
      const entry = new Uint8Array(CONNECTION_BYTES);
      if (ring.read(entry, true) < CONNECTION_BYTES) return undefined;
      const [read = -1, write = -1] = new Int32Array(entry.buffer);
      // The connection is removed from the ring only after it has an fd; without one it waits for the next call.
      const made = thread.table.open(socketDescriptor(new Ring(thread.shared, read), new Ring(thread.shared, write), flags));
      ring.consume(CONNECTION_BYTES);
      return made;
    });
    if (fd !== undefined) return fd;
    if (ring.writerGone) fail(ring.error !== 0 ? ring.error : E.INVAL);
    if (listener.flags & FdFlags.nonblock) fail(E.AGAIN);
    waitFor(thread, ring.readers, () => ring.length > 0 || ring.writerGone);
  }
}
