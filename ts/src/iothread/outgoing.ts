// SPDX-License-Identifier: MIT
import { reportUncaught } from '../errors.js';
import { isAsyncIterable, isStream } from '../wire/live.js';
import { BATCH, Flow, units, type Batch } from './flow.js';

/** An iterator whose methods may answer at once or by promises. */
interface AnyIterator {
  next(): IteratorResult<unknown, unknown> | PromiseLike<IteratorResult<unknown, unknown>>;
  return?(value?: unknown): unknown;
  throw?(error: unknown): unknown;
}

/** What a sequence needs of its connection. */
export interface Outlet {
  /** Sends what Flow says. Throws if the value cannot be sent. */
  send(flow: number, value: unknown): void;
  /** Both sides know that it has ended. */
  over(): void;
  /** It works, and (settled) it does not any more: meanwhile the thread's JavaScript event loop has to run. */
  began(): void;
  settled(): void;
}

/** So many microtasks in a row without a new item are a pause, in which the items so far are sent. */
const PAUSE = 10;

const isPromise = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> => typeof (value as Partial<PromiseLike<T>> | undefined)?.then === 'function';

function readerOf(stream: ReadableStream<unknown>): AnyIterator & { unlock(): void } {
  const reader = stream.getReader();
  return {
    next: () => reader.read(),
    return: async (reason) => {
      await reader.cancel(reason);
      return { done: true, value: undefined };
    },
    unlock: () => reader.releaseLock(),
  };
}

/** Whether a stream that is not locked can be read into buffers of the reader's. */
export function isOfBytes(stream: ReadableStream<unknown>): boolean {
  try {
    (stream as ReadableStream<Uint8Array>).getReader({ mode: 'byob' }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

/** A sequence of this side (an async iterable, a generator, a ReadableStream) that the other side consumes. */
export class Outgoing {
  private iterator: AnyIterator | undefined;
  private readonly reader: ReturnType<typeof readerOf> | undefined;
  private credit = 0;
  private pumping = false;
  /** The other side has called return() or throw(), or the sequence has ended. */
  private stopped = false;
  private over = false;
  private batch: unknown[] = [];
  /** The units of each item in the batch, and of all. */
  private sizes: number[] = [];
  private size = 0;
  /** Counts the items, so that a pause is noticed. */
  private produced = 0;
  private watching = false;

  constructor(private readonly source: object, private readonly outlet: Outlet) {
    if (isStream(source)) this.reader = readerOf(source);
  }

  private begin(): AnyIterator {
    return (this.iterator ??= this.reader ?? (isAsyncIterable(this.source) ? this.source[Symbol.asyncIterator]() as AnyIterator : this.source as AnyIterator));
  }

  pull(credit: number): void {
    this.credit += credit;
    void this.pump();
  }

  /** Produces items as long as they may be sent. */
  private async pump(): Promise<void> {
    if (this.pumping || this.stopped) return;
    this.pumping = true;
    this.outlet.began();
    // Whether an error is the producer's own.
    let theirs = true;
    try {
      const iterator = this.begin();
      while (this.credit > 0 && !this.stopped) {
        theirs = true;
        const step = iterator.next();
        const { done, value } = isPromise(step) ? await step : step;
        if (this.stopped) break;
        const item = isPromise(value) ? await value : value;
        theirs = false;
        if (done) {
          this.flush();
          this.end(Flow.done, item);
        } else this.add(item);
      }
      if (this.credit <= 0) this.flush();
    } catch (error) {
      this.fail(error, theirs);
    } finally {
      this.pumping = false;
      this.outlet.settled();
    }
  }

  private add(item: unknown): void {
    this.produced++;
    this.batch.push(item);
    const size = units(item);
    this.sizes.push(size);
    this.size += size;
    this.credit -= size;
    if (this.size >= BATCH) this.flush();
    else if (!this.watching) void this.watch();
  }

  /** Sends the items when the producer pauses: it waits for something else than its own microtasks. */
  private async watch(): Promise<void> {
    this.watching = true;
    for (let seen = -1; seen !== this.produced;) {
      seen = this.produced;
      for (let n = 0; n < PAUSE; n++) await Promise.resolve();
    }
    this.watching = false;
    try {
      this.flush();
    } catch (error) {
      this.fail(error, false);
    }
  }

  private flush(): void {
    const { batch, sizes } = this;
    if (batch.length === 0 || this.stopped) return;
    this.drop();
    try {
      return this.send(batch, sizes);
    } catch (error) {
      if (batch.length === 1) throw error;
    }
    // One of them cannot be sent; those before it can.
    batch.forEach((item, n) => this.send([item], sizes.slice(n, n + 1)));
  }

  private send(items: unknown[], sizes: number[]): void {
    const batch: Batch = sizes.some((size) => size > 1) ? { items, units: sizes } : items;
    this.outlet.send(Flow.items, batch);
  }

  /** Forgets the items that were not sent yet. */
  private drop(): void {
    this.batch = [];
    this.sizes = [];
    this.size = 0;
  }

  /** The producer has failed (theirs), or has produced something that cannot be sent. */
  private fail(error: unknown, theirs: boolean): void {
    if (this.stopped) return;
    try {
      this.flush();
      this.end(Flow.failed, error);
    } catch (why) {
      this.end(Flow.failed, why);
    }
    if (!theirs) this.clean(this.begin().return?.());
  }

  private end(flow: number, value: unknown): void {
    this.stopped = this.over = true;
    this.outlet.over();
    try {
      this.outlet.send(flow, value);
    } catch (error) {
      this.outlet.send(Flow.failed, error);
    }
  }

  /** The other side has called return() or throw(), and waits for the answer. */
  async stop(how: number, value: unknown): Promise<void> {
    if (this.over) return;
    this.stopped = true;
    this.credit += this.size;
    this.drop();
    this.outlet.began();
    try {
      const iterator = this.begin();
      if (how === Flow.throw && !iterator.throw) {
        await iterator.return?.();
        throw value;
      }
      const answer = await (how === Flow.throw ? iterator.throw?.(value) : iterator.return?.(value)) as IteratorResult<unknown> | undefined;
      const { done = true, value: last = value } = answer ?? {};
      if (done || how === Flow.return) return this.end(Flow.stopped, { done: true, value: last });
      // It has caught the error, and goes on.
      this.outlet.send(Flow.stopped, { done: false, value: last });
      this.stopped = false;
      void this.pump();
    } catch (error) {
      this.end(Flow.failed, error);
    } finally {
      this.outlet.settled();
    }
  }

  /** Nobody consumes it any more. unsent: nobody was to, because it was not sent after all. */
  abandon(unsent: boolean): void {
    if (this.over) return;
    this.stopped = this.over = true;
    if (unsent) this.reader?.unlock();
    // A generator that was never started has nothing to clean up.
    else if (this.reader ?? this.iterator) this.clean(this.begin().return?.());
  }

  private clean(returned: unknown): void {
    this.outlet.began();
    Promise.resolve(returned).catch(reportUncaught).then(() => this.outlet.settled(), () => {});
  }
}
