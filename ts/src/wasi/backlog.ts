// SPDX-License-Identifier: MIT
import type { Ring } from './ring.js';
import { CONNECTION_BYTES } from './sockets.js';
import type { AioStream } from './stream.js';

/** The most connections that wait for the guest with rings. Further connections wait without. */
const READY = 16;

/** The connections of a listening socket that the guest has not accepted yet, in the owner's thread. */
export class Backlog {
  private readonly waiting: AioStream[] = [];
  private closed = false;
  whenClosed: (() => void) | undefined;

  constructor(
    private readonly ring: Ring, private readonly ringAt: (index: number) => Ring,
    private readonly connect: (stream: AioStream) => { read?: Ring; write?: Ring },
  ) {}

  add(stream: AioStream): void {
    this.waiting.push(stream);
    this.look();
  }

  look(): void {
    if (this.closed) return;
    for (;;) {
      this.ring.awaitRoom();
      if (this.ring.readerGone) return this.close();
      if (this.ring.length >= READY * CONNECTION_BYTES) return;
      const stream = this.waiting.shift();
      if (!stream) return;
      try {
        const { read, write } = this.connect(stream);
        this.ring.write(new Uint8Array(Int32Array.of(read?.index ?? -1, write?.index ?? -1).buffer));
      } catch {
        // No ring is left: the connection waits until another one is closed and the next one is accepted.
        this.waiting.unshift(stream);
        return;
      }
    }
  }

  private close(): void {
    this.closed = true;
    this.whenClosed?.();
    // For connections that had rings and were never accepted, the owner closes the guest's ends.
    const entry = new Int32Array(CONNECTION_BYTES / 4);
    while (this.ring.read(new Uint8Array(entry.buffer)) === CONNECTION_BYTES) {
      const [read = -1, write = -1] = entry;
      this.ringAt(read).closeReader();
      this.ringAt(write).closeWriter();
    }
    for (const stream of this.waiting.splice(0)) {
      stream.cancel();
      stream.end().catch(() => {});
    }
    this.ring.endWriting();
    this.ring.drop();
  }
}
