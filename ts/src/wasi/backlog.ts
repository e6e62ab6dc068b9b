// SPDX-License-Identifier: MIT
import type { Ring } from './ring.js';
import type { Shared } from './shared.js';
import { AF_INET, nameOf, type Endpoint } from './sockaddr.js';
import { CONNECTION_BYTES, endWaiting, packConnection } from './socket.js';
import type { AioStream } from './stream.js';
import type { Ends } from './surroundings.js';

/** The most connections that wait for the guest with rings. Further connections wait without. */
const READY = 16;

/** The connections of a listening socket that the guest has not accepted yet, in the owner's thread. */
export class Backlog {
  private readonly waiting: { stream: AioStream; ends: Ends | undefined }[] = [];
  private closed = false;
  whenClosed: (() => void) | undefined;

  constructor(
    private readonly shared: Shared, private readonly ring: Ring,
    private readonly connect: (stream: AioStream) => { read?: Ring; write?: Ring }, private readonly domain: number = AF_INET,
  ) {}

  add(stream: AioStream, ends?: Ends): void {
    this.waiting.push({ stream, ends });
    this.look();
  }

  look(): void {
    if (this.closed) return;
    for (;;) {
      this.ring.awaitRoom();
      if (this.ring.readerGone) return this.close();
      if (this.ring.length >= READY * CONNECTION_BYTES) return;
      const next = this.waiting.shift();
      if (!next) return;
      const name = (end: Endpoint | undefined): Uint8Array => (end ? nameOf(end, this.domain) : new Uint8Array(0));
      try {
        const { read, write } = this.connect(next.stream);
        this.ring.write(packConnection({
          read: read?.index ?? -1, write: write?.index ?? -1, own: name(next.ends?.local), peer: name(next.ends?.remote),
        }));
      } catch {
        // No ring is left: the connection waits until another one is closed and the next one is accepted.
        this.waiting.unshift(next);
        return;
      }
    }
  }

  private close(): void {
    this.closed = true;
    this.whenClosed?.();
    // For connections that had rings and were never accepted, the owner closes the guest's ends.
    endWaiting(this.shared, this.ring);
    for (const { stream } of this.waiting.splice(0)) {
      stream.cancel();
      stream.end().catch(() => {});
    }
    this.ring.endWriting();
    this.ring.drop();
  }
}
