// SPDX-License-Identifier: MIT
import { FIRST_WINDOW, Flow, WINDOW, type Batch } from './flow.js';

/** What a sequence needs of its connection. */
export interface Inlet {
  send(flow: number, value: unknown): void;
  /** Both sides know that it has ended. */
  over(): void;
  /** Makes a promise that settle() settles, by the number that start() gets, or the end of the other side. */
  ask(start: (id: number) => void): Promise<unknown>;
  settle(id: number, how: 'resolve' | 'reject', value: unknown): void;
  /** Throws if the other side does not exist any more. */
  assertOpen(): void;
}

type Result = IteratorResult<unknown, unknown>;

/** A sequence of the other side that this side consumes. */
export class Incoming {
  private items: unknown[] = [];
  /** The units of each. */
  private sizes: number[] = [];
  private at = 0;
  /** What comes after the items: the last value, or an error. */
  private end: { how: 'done' | 'failed'; value: unknown } | undefined;
  /** next() after that. */
  private finished = false;
  /** Units that may be granted now, because items were consumed or the window has grown. */
  private owed = FIRST_WINDOW;
  private window = FIRST_WINDOW;
  /** Whether the consumer had to wait since the last grant. */
  private waited = false;
  /** What next() waits by. */
  private waiting: number | undefined;
  /** What return() or throw() wait by, and what becomes of them if the sequence has ended before the other side heard of it. */
  private stopping: { id: number; how: 'resolve' | 'reject'; value: unknown } | undefined;
  /** Calls of next() that were not answered yet, each after the one before. */
  private queued = 0;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly inlet: Inlet) {}

  /** Takes what the other side has sent. */
  take(flow: number, value: unknown): void {
    if (flow === Flow.items) this.takeItems(value as Batch);
    else if (flow === Flow.stopped) this.stoppedBy('resolve', value as Result);
    else {
      this.inlet.over();
      if (this.stopping && flow === Flow.failed) return this.stoppedBy('reject', value);
      this.end ??= { how: flow === Flow.done ? 'done' : 'failed', value };
      if (this.stopping) return this.stoppedBy(this.stopping.how, this.stopping.value);
    }
    this.wakeUp();
  }

  private takeItems(batch: Batch): void {
    const { items, units } = Array.isArray(batch) ? { items: batch, units: batch.map(() => 1) } : batch;
    if (this.stopping) {
      for (const size of units) this.owed += size;
      return;
    }
    const isEmpty = this.items.length === 0;
    this.items = isEmpty ? items : [...this.items.slice(this.at), ...items];
    this.sizes = isEmpty ? units : [...this.sizes.slice(this.at), ...units];
    this.at = 0;
  }

  private stoppedBy(how: 'resolve' | 'reject', value: unknown): void {
    const { stopping } = this;
    this.stopping = undefined;
    if (how === 'reject' || (value as Result).done) {
      this.inlet.over();
      this.finished = true;
    }
    if (stopping) this.inlet.settle(stopping.id, how, value);
    this.wakeUp();
  }

  private wakeUp(): void {
    const id = this.waiting;
    this.waiting = undefined;
    if (id !== undefined) this.inlet.settle(id, 'resolve', undefined);
  }

  next(): Promise<Result> {
    if (this.queued === 0 && this.at < this.items.length) return Promise.resolve(this.shift());
    this.queued++;
    const result = this.tail.then(() => this.step()).finally(() => this.queued--);
    this.tail = result.catch(() => {});
    return result;
  }

  private shift(): Result {
    const value = this.items[this.at];
    this.items[this.at] = undefined;
    this.owed += this.sizes[this.at++] as number;
    if (this.at === this.items.length) this.empty();
    // More arrives while the rest of the window is consumed.
    if (this.owed >= this.window / 2 && !this.end) this.grant();
    return { done: false, value };
  }

  private empty(): void {
    this.items = [];
    this.sizes = [];
    this.at = 0;
  }

  private grant(): void {
    if (this.owed <= 0) return;
    if (this.window < WINDOW && this.waited) {
      this.owed += this.window;
      this.window *= 2;
    }
    this.waited = false;
    const { owed } = this;
    this.owed = 0;
    this.inlet.send(Flow.pull, owed);
  }

  private async step(): Promise<Result> {
    for (;;) {
      if (this.finished) return { done: true, value: undefined };
      if (this.at < this.items.length) return this.shift();
      if (this.end) {
        const { how, value } = this.end;
        this.finished = true;
        if (how === 'failed') throw value;
        return { done: true, value };
      }
      this.inlet.assertOpen();
      this.grant();
      this.waited = true;
      await this.inlet.ask((id) => (this.waiting = id));
    }
  }

  async stop(how: typeof Flow.return | typeof Flow.throw, value: unknown): Promise<Result> {
    const over = this.finished || this.stopping !== undefined || this.end !== undefined;
    const early = how === Flow.throw ? { how: 'reject' as const, value } : { how: 'resolve' as const, value: { done: true, value } };
    for (; this.at < this.items.length; this.at++) this.owed += this.sizes[this.at] as number;
    this.empty();
    if (how === Flow.return || over) this.finished = true;
    this.wakeUp();
    if (over) {
      if (how === Flow.throw) throw value;
      return { done: true, value };
    }
    this.inlet.assertOpen();
    return this.inlet.ask((id) => {
      this.stopping = { id, ...early };
      this.inlet.send(how, value);
    }) as Promise<Result>;
  }
}

/** What stands for an async iterable, or a generator, of the other side. It can be iterated once, as a generator. */
export class RemoteSequence {
  readonly #incoming: Incoming;

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  next(): Promise<Result> {
    return this.#incoming.next();
  }

  return(value?: unknown): Promise<Result> {
    return this.#incoming.stop(Flow.return, value);
  }

  throw(error: unknown): Promise<Result> {
    return this.#incoming.stop(Flow.throw, error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  get [Symbol.toStringTag](): string {
    return 'AsyncGenerator';
  }
}

/** Makes what stands for a ReadableStream of the other side. */
export function makeStream(incoming: Incoming, ofBytes: boolean): ReadableStream<unknown> {
  const source = {
    async pull(controller: ReadableStreamDefaultController<unknown>): Promise<void> {
      for (;;) {
        const { done, value } = await incoming.next();
        if (done) {
          controller.close();
          (controller as unknown as ReadableByteStreamController).byobRequest?.respond(0);
          return;
        }
        // A stream of bytes has no empty pieces.
        if (ofBytes && (value as Uint8Array).byteLength === 0) continue;
        return controller.enqueue(value);
      }
    },
    async cancel(reason: unknown): Promise<void> {
      await incoming.stop(Flow.return, reason);
    },
  };
  return new ReadableStream<unknown>({ ...source, ...(ofBytes && { type: 'bytes' }) } as UnderlyingDefaultSource<unknown>, { highWaterMark: 0 });
}
