// SPDX-License-Identifier: MIT
/** The owner's side of host streams: it moves bytes between the streams and the rings of guests. */
import { errnoNumber } from '../errno.js';
import { hostErrno } from '../errors.js';
import type { OwnerHost } from '../hosts/host.js';
import { Helpers } from '../runtime/helpers.js';
import { makeWaiter, type Waiter } from '../runtime/waiter.js';
import type { GuestHost } from './guest-host.js';
import type { Ring } from './ring.js';
import type { Shared } from './shared.js';
import type { AioStream } from './stream.js';

/** How long a stream may take to accept the bytes that are left when the guest has ended. */
const PATIENCE_MS = 3000;

/** Resolves with the promise, or after PATIENCE_MS. */
async function inTime(promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))]);
  clearTimeout(timer);
}

/** Something with a ring that the owner examines when the guest asks it to. */
interface Attended {
  look(): void;
}

/**
 * Serves the rings that guests have marked for the owner's attention. It waits on one word, with at most one wait
 * outstanding.
 */
export class Pump {
  private readonly attended = new Map<number, Attended>();
  private readonly drains = new Set<Drain>();
  /** Called for a ring that needs attention and is not served yet. */
  onRequest: ((ring: number) => void) | undefined;
  private stopped = false;
  private whenStopped: (() => void) | undefined;
  private waiting = false;
  private readonly helpers: Helpers;
  private readonly waiter: Waiter;

  /** onError: nothing can wake it up, because no helper can be started. */
  constructor(private readonly shared: Shared, host: OwnerHost, guests: GuestHost, onError: (error: unknown) => void) {
    const { words, ownerWord } = shared;
    this.helpers = new Helpers(host, guests.makeWorker);
    this.waiter = makeWaiter(words.subarray(ownerWord, ownerWord + 1), this.helpers.start, this.woken, (error) => {
      this.waiting = false;
      onError(error);
      this.whenStopped?.();
    });
    this.run();
  }

  /** Moves bytes from the stream to the ring, whose writing end the owner has. */
  feed(stream: AioStream, ring: Ring): void {
    const feed = new Feed(stream, ring, () => this.attended.delete(ring.index));
    this.attended.set(ring.index, feed);
    feed.look();
  }

  /** Moves bytes from the ring, whose reading end the owner has, to the stream. */
  drain(stream: AioStream, ring: Ring): void {
    const drain = new Drain(stream, ring, () => {
      this.attended.delete(ring.index);
      this.drains.delete(drain);
    });
    this.attended.set(ring.index, drain);
    this.drains.add(drain);
    drain.look();
  }

  /** Serves a ring in another way than feed() and drain(). */
  attach(ring: Ring, worker: Attended): void {
    this.attended.set(ring.index, worker);
  }

  detach(ring: Ring): void {
    this.attended.delete(ring.index);
  }

  /**
   * Resolves when everything written so far has been taken by the streams, or nobody takes it. A peer that does not
   * read is waited for no longer than PATIENCE_MS.
   */
  async flush(): Promise<void> {
    const drains = [...this.drains];
    const emptied = (owned: boolean): Promise<unknown> =>
      Promise.all(drains.filter(({ stream }) => stream.owned === owned).map((drain) => drain.empty()));
    await Promise.all([emptied(false), inTime(emptied(true))]);
  }

  /**
   * Called when the guest has ended and its ends are closed. Resolves when all streams have ended or were let go, and
   * no wait is outstanding.
   */
  async finish(): Promise<void> {
    for (const worker of [...this.attended.values()]) worker.look();
    const drains = [...this.drains];
    await inTime(Promise.all(drains.map((drain) => drain.ended)));
    for (const { stream } of this.drains) stream.abort();
    await this.stop();
  }

  /** Stops the pump. Resolves when no wait is outstanding. */
  async stop(): Promise<void> {
    this.stopped = true;
    // An outstanding wait does not keep the process alive by itself.
    const alive = setInterval(() => {}, 0x7fffffff);
    const stopped = new Promise<void>((resolve) => {
      this.whenStopped = () => {
        clearInterval(alive);
        resolve();
      };
    });
    if (this.waiting) {
      Atomics.add(this.shared.words, this.shared.ownerWord, 1);
      Atomics.notify(this.shared.words, this.shared.ownerWord);
    } else {
      this.whenStopped?.();
    }
    await stopped;
    this.waiter.close();
    await this.helpers.close(PATIENCE_MS);
  }

  private run(): void {
    const { words, ownerWord } = this.shared;
    for (;;) {
      const seen = Atomics.load(words, ownerWord);
      for (const ring of this.shared.takeAttention()) {
        // A request may detach what attends to the ring: a socket that was bound connects.
        this.onRequest?.(ring);
        this.attended.get(ring)?.look();
      }
      if (this.stopped) return this.whenStopped?.();
      if (!this.waiter.arm(seen)) continue;
      this.waiting = true;
      return;
    }
  }

  private readonly woken = (): void => {
    this.waiting = false;
    this.run();
  };
}

class Feed implements Attended {
  private piece: Uint8Array | undefined;
  private reading = false;
  private over = false;

  constructor(private readonly stream: AioStream, private readonly ring: Ring, private readonly done: () => void) {}

  look(): void {
    if (this.over) return;
    const { ring, stream } = this;
    if (this.piece) {
      ring.awaitRoom();
      const taken = ring.write(this.piece);
      this.piece = taken < this.piece.length ? this.piece.subarray(taken) : undefined;
      if (!this.piece && stream.lazy) ring.metDemand(stream.unread);
    }
    if (ring.readerGone) return this.cancel();
    if (this.piece || this.reading) return;
    // Ask to be told when the reader has closed its end, or there is room.
    ring.awaitRoom();
    if (ring.readerGone) return this.cancel();
    if (ring.room === 0 || (stream.lazy && !ring.takeDemand())) return;
    this.reading = true;
    stream.read().then(
      (piece) => {
        this.reading = false;
        if (this.over) return piece && stream.giveBack(piece);
        if (!piece) return this.finish(() => ring.endWriting());
        this.piece = piece;
        this.look();
      },
      (error: unknown) => {
        this.reading = false;
        if (!this.over) this.finish(() => ring.endWriting(errnoNumber(hostErrno(error))));
      },
    );
  }

  /** The reader has closed its end. Bytes that are left in the ring are given back to the stream. */
  private cancel(): void {
    const { ring, stream } = this;
    const left = new Uint8Array(ring.length + (this.piece?.length ?? 0));
    left.set(this.piece ?? [], ring.read(left));
    this.finish(() => {
      stream.cancel();
      if (left.length > 0) stream.giveBack(left);
    });
  }

  private finish(last: () => void): void {
    this.over = true;
    last();
    this.ring.endWriting();
    this.ring.drop();
    this.done();
  }
}

class Drain implements Attended {
  private writing = false;
  private over = false;
  private readonly whenEmpty: (() => void)[] = [];
  private end!: () => void;
  /** Resolves when no more bytes are written. */
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  constructor(readonly stream: AioStream, private readonly ring: Ring, private readonly done: () => void) {}

  look(): void {
    if (this.over || this.writing) return;
    const { ring, stream } = this;
    const ended = ring.writerGone;                 // read this before looking for bytes
    const bytes = ring.peek();
    if (bytes.length === 0) {
      if (ended) this.finish(stream.end());
      this.tellEmpty();
      return;
    }
    this.writing = true;
    stream.write(bytes).then(
      () => {
        this.writing = false;
        ring.consume(bytes.length);
        this.look();
      },
      () => {
        // The stream accepts no more bytes: the guest gets EPIPE.
        this.writing = false;
        this.finish(Promise.resolve());
        this.tellEmpty();
      },
    );
  }

  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.whenEmpty.push(resolve);
      this.look();
    });
  }

  private tellEmpty(): void {
    for (const tell of this.whenEmpty.splice(0)) tell();
  }

  private finish(ended: Promise<void>): void {
    this.over = true;
    ended.then(this.end, this.end);
    this.ring.closeReader();
    this.done();
  }
}
