// SPDX-License-Identifier: MIT
import { Live, type LiveParts } from '../wire/live.js';
import type { Functions } from './functions.js';

/** A signal that came from the other side. */
interface Received {
  readonly controller: AbortController;
  /** How often its number was received. */
  received: number;
}

/**
 * The AbortSignals that were sent over one connection. The side that a signal came from keeps only a weak reference to
 * it, and a listener. The other side keeps its own signal, whose listeners may be all that uses it, until the original is
 * aborted, released, or collected because nobody can abort it any more.
 */
export class Signals {
  private readonly sent = new WeakMap<AbortSignal, number>();
  private readonly received = new Map<number, Received>();
  /** The controllers of signals that came from the other side, and the numbers of these. */
  private readonly known = new WeakMap<object, { id: number; controller: AbortController }>();
  private readonly collected = new FinalizationRegistry<number>((id) => this.functions.withdraw(id));

  /** tell: sends the other side the reason for which the signal with this number was aborted. */
  constructor(private readonly functions: Functions, private readonly tell: (id: number, reason: unknown) => void) {}

  get size(): number {
    return this.received.size;
  }

  send(signal: AbortSignal): LiveParts {
    if (signal.aborted) return { live: Live.aborted, id: 0, reason: signal.reason };
    const before = this.sent.get(signal);
    if (before !== undefined && this.functions.keepAgain(before)) return { live: Live.signal, id: before };
    const original = new WeakRef(signal);
    const listener = (): void => {
      this.tell(id, original.deref()?.reason);
      this.functions.forgetKept(id);
    };
    const id = this.functions.keep(() => {
      const alive = original.deref();
      if (!alive) return;
      alive.removeEventListener('abort', listener);
      this.collected.unregister(alive);
    });
    signal.addEventListener('abort', listener, { once: true });
    this.collected.register(signal, id, signal);
    this.sent.set(signal, id);
    return { live: Live.signal, id };
  }

  receive({ live, id }: LiveParts): AbortSignal {
    const before = live === Live.signal ? this.received.get(id) : undefined;
    if (before) {
      before.received++;
      return before.controller.signal;
    }
    const controller = new AbortController();
    this.known.set(controller.signal, { id, controller });
    if (live === Live.signal) this.received.set(id, { controller, received: 1 });
    return controller.signal;
  }

  /** The number of a signal that came from the other side and may still be aborted there. */
  numberOf(signal: object): number | undefined {
    const { id } = this.known.get(signal) ?? {};
    return id !== undefined && this.received.get(id)?.controller.signal === signal ? id : undefined;
  }

  complete(signal: object, { live, reason }: LiveParts): void {
    if (live === Live.aborted) this.known.get(signal)?.controller.abort(reason);
  }

  /** The original was aborted. */
  abort(id: number, reason: unknown): void {
    const entry = this.received.get(id);
    this.received.delete(id);
    entry?.controller.abort(reason);
  }

  /** The other side has released the original, or it was collected. */
  withdrawn(id: number): void {
    this.received.delete(id);
  }

  /** Releases, for the user, a signal of either side. */
  release(signal: object): void {
    const ours = this.sent.get(signal as AbortSignal);
    if (ours !== undefined) this.functions.withdraw(ours);
    const id = this.known.get(signal)?.id ?? 0;
    const entry = this.received.get(id);
    // Another signal may have come with the same number after this one was released.
    if (entry?.controller.signal !== signal) return;
    this.received.delete(id);
    this.functions.giveBackNumber(id, entry.received);
  }

  close(): void {
    this.received.clear();
  }
}
