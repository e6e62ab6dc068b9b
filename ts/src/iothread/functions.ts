// SPDX-License-Identifier: MIT
import type { Handle } from '../wire/handle.js';
import { methods } from '../wire/packet.js';
import type { AnyFunction, Correspondent } from '../wire/unpack.js';

/** Tells the other side which functions need not be held any more. */
export interface Release {
  type: 'release';
  /** Of the receiver's functions: numbers that nobody has here any more, and how often each had been received. */
  unused: (readonly [id: number, received: number])[];
  /** Of the sender's: numbers that it has released. */
  released: number[];
}

/** A function of ours that the other side can call. */
interface Held {
  readonly id: number;
  readonly work: AnyFunction;
  readonly self: unknown;
  /** How often its number was sent, less what the other side has given back. */
  sends: number;
  /** What it is when it comes back: work, bound to self. */
  home?: AnyFunction;
}

/** A function of the other side's, as long as somebody has it here. */
interface Stub {
  readonly id: number;
  readonly work: WeakRef<AnyFunction>;
  /** How often its number was received. */
  received: number;
}

/**
 * The functions that have crossed one connection. The side whose function it is holds it by
 * number as long as the other side can call it; the other side has a stub, which it holds weakly.
 *
 * Each side may let go at any time while the function is under way once more, so sends are
 * counted, as in a distributed reference count: a stub that is collected or released gives back
 * as many sends as it stood for, and the function is held until all have been given back. A
 * number is never used again.
 */
export class Functions implements Correspondent {
  private lastId = 0;
  private readonly held = new Map<number, Held>();
  /** By function and by the object that it is a method of. */
  private readonly sent = new Map<AnyFunction, Map<unknown, Held>>();
  private readonly homes = new WeakMap<AnyFunction, Held>();
  private readonly stubs = new Map<number, Stub>();
  private readonly known = new WeakMap<AnyFunction, Stub>();
  private readonly collected = new FinalizationRegistry<Stub>((stub) => this.giveBack(stub));
  /** What is told in the next microtask. */
  private untold: Release | undefined;
  private closed = false;

  constructor(private readonly way: {
    tell(message: Release): void;
    /** Calls the other side's function of that number. */
    call(id: number, args: unknown[]): Promise<unknown>;
    /** What a call of a function that was released is rejected with. */
    released(): Error;
    fromHandle(handle: Handle): unknown;
  }) {}

  // ---- Ours

  hold(work: AnyFunction, self: unknown): number {
    const back = this.homes.get(work);
    let held = back && this.held.has(back.id) ? back : this.sent.get(work)?.get(self);
    if (!held) {
      held = { id: ++this.lastId, work, self, sends: 0 };
      this.held.set(held.id, held);
      const of = this.sent.get(work) ?? new Map<unknown, Held>();
      this.sent.set(work, of.set(self, held));
    }
    held.sends++;
    return held.id;
  }

  find(id: number): Held {
    const held = this.held.get(id);
    if (!held) throw this.way.released();
    return held;
  }

  own(id: number): AnyFunction {
    const held = this.find(id);
    const { work, self } = held;
    if (!held.home) {
      held.home = self === undefined ? work : (...args) => work.apply(self, args);
      this.homes.set(held.home, held);
    }
    return held.home;
  }

  unsent(ids: number[]): void {
    for (const id of ids) this.drop(id, 1);
  }

  /** So many of the sends of a function are over. */
  private drop(id: number, sends: number): void {
    const held = this.held.get(id);
    if (held && (held.sends -= sends) <= 0) this.remove(held);
  }

  private remove({ id, work, self }: Held): void {
    this.held.delete(id);
    const of = this.sent.get(work);
    of?.delete(self);
    if (of?.size === 0) this.sent.delete(work);
  }

  // ---- The other side's

  numberOf(work: AnyFunction): number | undefined {
    return this.known.get(work)?.id;
  }

  stub(id: number): AnyFunction {
    const before = this.stubs.get(id);
    const alive = before?.work.deref();
    if (before && alive) {
      before.received++;
      return alive;
    }
    // While a call is open its promise holds this function, and so the stub.
    const work = async (...args: unknown[]): Promise<unknown> => {
      if (!this.known.has(work)) throw this.way.released();
      return this.way.call(id, args);
    };
    const stub: Stub = { id, work: new WeakRef<AnyFunction>(work), received: 1 };
    this.stubs.set(id, stub);
    this.known.set(work, stub);
    this.collected.register(work, stub, stub);
    return work;
  }

  /** Nobody here got the functions that were sent. */
  notReceived(ids: number[]): void {
    for (const id of ids) this.untell().unused.push([id, 1]);
  }

  private giveBack(stub: Stub): void {
    // There may be a newer one of that number.
    if (this.stubs.get(stub.id) === stub) this.stubs.delete(stub.id);
    this.untell().unused.push([stub.id, stub.received]);
  }

  private forget(stub: Stub): void {
    const work = stub.work.deref();
    if (work) this.known.delete(work);
    this.collected.unregister(stub);
  }

  // ---- Both

  fromHandle(handle: Handle): unknown {
    return this.way.fromHandle(handle);
  }

  /** What a user releases: a function of either side, or all that are methods of an object. */
  release(what: object): void {
    if (typeof what === 'function') this.releaseAll(what as AnyFunction, this.sent.get(what as AnyFunction)?.values() ?? []);
    else for (const [, method] of methods(what)) {
      if (typeof method !== 'function') continue;
      const held = this.sent.get(method as AnyFunction)?.get(what);
      this.releaseAll(method as AnyFunction, held ? [held] : []);
    }
  }

  private releaseAll(work: AnyFunction, ours: Iterable<Held>): void {
    for (const held of [...ours]) {
      this.remove(held);
      this.untell().released.push(held.id);
    }
    const stub = this.known.get(work);
    if (!stub) return;
    this.forget(stub);
    this.giveBack(stub);
  }

  receive({ unused, released }: Release): void {
    for (const [id, received] of unused) this.drop(id, received);
    for (const id of released) {
      const stub = this.stubs.get(id);
      if (stub) this.forget(stub);
      this.stubs.delete(id);
    }
  }

  private untell(): Release {
    if (!this.untold) {
      this.untold = { type: 'release', unused: [], released: [] };
      queueMicrotask(() => {
        const message = this.untold as Release;
        this.untold = undefined;
        if (!this.closed) this.way.tell(message);
      });
    }
    return this.untold;
  }

  close(): void {
    this.closed = true;
    this.held.clear();
    this.sent.clear();
    this.stubs.clear();
  }
}
