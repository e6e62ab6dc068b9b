// SPDX-License-Identifier: MIT
import type { CallOptions } from '../abort.js';
import { isMs, isSignal, optionsOf } from '../check.js';
import type { Handle } from '../wire/handle.js';
import type { LiveValues } from '../wire/live.js';
import { methods } from '../wire/packet.js';
import { ended } from '../wire/release.js';
import { kindOf } from '../wire/scan.js';
import type { AnyFunction, Correspondent } from '../wire/unpack.js';
import { iterable } from './iterable.js';

/** What Functions tells of the numbers that it gives and gets. */
export interface Lives extends LiveValues {
  release(what: object): void;
  withdrawn(id: number): void;
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && ['plain', 'array'].includes(kindOf(value));

/** Tells the other side which functions it no longer has to hold. */
export interface Release {
  type: 'release';
  /**
   * Numbers of the receiver's functions that the sender no longer uses, and how often each number had been received.
   */
  unused: (readonly [id: number, received: number])[];
  /** Numbers of the sender's own functions that it has released. */
  released: number[];
}

/** A function of this side that the other side can call. */
interface Held {
  readonly id: number;
  readonly work: AnyFunction;
  readonly self: unknown;
  /** How often its number was sent, minus the sends that the other side has given back. */
  sends: number;
  /** What it becomes when the other side sends it back: work, bound to self. */
  home?: AnyFunction;
  /** Of something else than a function: called when the other side does not use it any more, or the connection ends. unsent: it was not sent after all. */
  readonly end?: (unsent: boolean) => void;
}

/** Stands for a function of the other side while it is in use here. */
interface Stub {
  readonly id: number;
  readonly work: WeakRef<AnyFunction>;
  /** How often its number was received. */
  received: number;
}

/**
 * The functions that were sent over one connection. The side that a function belongs to keeps it by its number as
 * long as the other side can call it. The other side has a stub, to which it keeps only a weak reference.
 *
 * A side may drop a function at any time, even while the same function is being sent once more. So sends are counted,
 * as in distributed reference counting: a stub that is garbage-collected or released gives back as many sends as it
 * has received, and the function is kept until all sends were given back. A number is never used again.
 */
export class Functions implements Correspondent {
  private lastId: number;
  private readonly held = new Map<number, Held>();
  /** The functions that were sent, by function and by the object whose method it is. */
  private readonly sent = new Map<AnyFunction, Map<unknown, Held>>();
  private readonly homes = new WeakMap<AnyFunction, Held>();
  private readonly stubs = new Map<number, Stub>();
  private readonly known = new WeakMap<AnyFunction, Stub>();
  private readonly collected = new FinalizationRegistry<Stub>((stub) => this.giveBack(stub));
  /** The message that the next microtask sends. */
  private untold: Release | undefined;
  private closed = false;
  /** What connects values that are neither copied nor functions. */
  live: Lives | undefined;

  constructor(private readonly way: {
    /** Sends a Release to the other side. */
    tell(message: Release): void;
    /** Calls the other side's function with this number. */
    call(id: number, args: unknown[], options?: CallOptions): Promise<unknown>;
    /** The same, and waits for its answer. */
    callSync?(id: number, args: unknown[], options: CallOptions): unknown;
    /** The error of calls to a function that was released. */
    released(): Error;
    fromHandle(handle: Handle): unknown;
    /** See Correspondent. */
    meet?(peer: object): void;
  }, first = 1) {
    this.lastId = first - 1;
  }

  // ---- Functions of this side

  hold(work: AnyFunction, self: unknown): number {
    const back = this.homes.get(work);
    let held = back && this.held.has(back.id) ? back : this.sent.get(work)?.get(self);
    if (!held) {
      held = this.enter({ id: ++this.lastId, work, self, sends: 0 });
    }
    held.sends++;
    return held.id;
  }

  private enter(held: Held): Held {
    const { id, work, self } = held;
    this.held.set(id, held);
    const of = this.sent.get(work) ?? new Map<unknown, Held>();
    this.sent.set(work, of.set(self, held));
    return held;
  }

  /** Lets the other side call these functions, which another connection has given these numbers, until the connection ends. */
  offer(from: Functions, ids: readonly number[]): void {
    for (const id of ids) {
      const { work, self } = from.find(id);
      this.enter({ id, work, self, sends: Infinity });
      this.lastId = Math.max(this.lastId, id);
    }
  }

  find(id: number): Held {
    const held = this.held.get(id);
    if (!held || held.end) throw this.way.released();
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
    for (const id of ids) this.drop(id, 1, true);
  }

  /** Gives back so many sends of a function. */
  private drop(id: number, sends: number, unsent = false): void {
    const held = this.held.get(id);
    if (held && (held.sends -= sends) <= 0) this.remove(held, unsent);
  }

  private remove({ id, work, self, end }: Held, unsent = false): void {
    this.held.delete(id);
    const of = this.sent.get(work);
    of?.delete(self);
    if (of?.size === 0) this.sent.delete(work);
    end?.(unsent);
  }

  // ---- What else the other side knows by a number

  /** Gives something that is being sent a number, until the other side does not use it any more. Then end() is called. */
  keep(end: (unsent: boolean) => void): number {
    const id = ++this.lastId;
    this.held.set(id, { id, work: end, self: undefined, sends: 1, end });
    return id;
  }

  /** The same is sent once more. Returns false if it is not kept any more. */
  keepAgain(id: number): boolean {
    const held = this.held.get(id);
    if (held) held.sends++;
    return held !== undefined;
  }

  /** Both sides know that it is not used any more. */
  forgetKept(id: number): void {
    this.held.delete(id);
  }

  /** This side does not offer it any more. */
  withdraw(id: number): void {
    const held = this.held.get(id);
    if (!held) return;
    this.remove(held);
    this.untell().released.push(id);
  }

  /** This side does not use any more what has come so often with that number of the other side's. */
  giveBackNumber(id: number, received: number): void {
    this.untell().unused.push([id, received]);
  }

  // ---- Functions of the other side

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
    // While a call is pending, its promise keeps this function alive, and with it the stub.
    const work = iterable(async (...args: unknown[]): Promise<unknown> => {
      if (!this.known.has(work)) throw this.way.released();
      return this.way.call(id, args);
    });
    const stub: Stub = { id, work: new WeakRef<AnyFunction>(work), received: 1 };
    this.stubs.set(id, stub);
    this.known.set(work, stub);
    this.collected.register(work, stub, stub);
    return work;
  }

  /** Binds functions of the other side to options: see withOptions() in release.ts. */
  withOptions(what: object, given: CallOptions): object | undefined {
    if (!this.hasStub(what, new Set())) return undefined;
    const options = optionsOf(given, { signal: isSignal, timeout: isMs });
    return this.bind(what, (work) => this.boundTo(work, options));
  }

  /** Makes blocking calls of functions of the other side: see sync() in sync.ts. */
  sync(what: object, given: CallOptions): object | undefined {
    if (!this.hasStub(what, new Set())) return undefined;
    const options = optionsOf(given, { signal: isSignal, timeout: isMs });
    return this.bind(what, (work) => (...args) => {
      const stub = this.known.get(work);
      if (!stub) throw this.way.released();
      return this.way.callSync?.(stub.id, args, options);
    });
  }

  private bind(what: object, bindOne: (work: AnyFunction) => AnyFunction): object {
    const bound = (value: unknown): unknown => {
      if (typeof value === 'function') return this.known.has(value as AnyFunction) ? bindOne(value as AnyFunction) : value;
      // Members are bound when they are used: an object may have many, of which one is called.
      return isPlain(value) ? new Proxy(value, { get: (object, key) => bound(Reflect.get(object, key)) }) : value;
    };
    return bound(what) as object;
  }

  private hasStub(value: unknown, seen: Set<unknown>): boolean {
    if (typeof value === 'function') return this.known.has(value as AnyFunction);
    return isPlain(value) && !seen.has(value) && seen.add(value) !== undefined && Object.values(value).some((member) => this.hasStub(member, seen));
  }

  private boundTo(work: AnyFunction, options: CallOptions): AnyFunction {
    const stub = this.known.get(work) as Stub;
    // It refers to the function, whose stub lives as long as this does.
    const withOptions = iterable(async (...args: unknown[]): Promise<unknown> => {
      if (!this.known.has(work)) throw this.way.released();
      return this.way.call(stub.id, args, options);
    });
    // Sent back, it is the same function.
    this.known.set(withOptions, stub);
    return withOptions;
  }

  /** Gives back functions that were sent in a message which could not be read here. */
  notReceived(ids: number[]): void {
    for (const id of ids) this.giveBackNumber(id, 1);
  }

  private giveBack(stub: Stub): void {
    // There may be a newer stub with this number.
    if (this.stubs.get(stub.id) === stub) this.stubs.delete(stub.id);
    this.giveBackNumber(stub.id, stub.received);
  }

  private forget(stub: Stub): void {
    const work = stub.work.deref();
    if (work) this.known.delete(work);
    this.collected.unregister(stub);
  }

  // ---- Functions of both sides

  fromHandle(handle: Handle): unknown {
    return this.way.fromHandle(handle);
  }

  meet(peer: object): void {
    this.way.meet?.(peer);
  }

  /** Releases, for the user, a function of either side or all functions that are methods of an object. */
  release(what: object): void {
    this.live?.release(what);
    if (typeof what === 'function') this.releaseAll(what as AnyFunction, this.sent.get(what as AnyFunction)?.values() ?? []);
    else for (const [, method] of methods(what)) {
      if (typeof method !== 'function') continue;
      const held = this.sent.get(method as AnyFunction)?.get(what);
      this.releaseAll(method as AnyFunction, held ? [held] : []);
    }
  }

  private releaseAll(work: AnyFunction, ours: Iterable<Held>): void {
    for (const held of [...ours]) this.withdraw(held.id);
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
      this.live?.withdrawn(id);
    }
  }

  private untell(): Release {
    if (!this.untold) {
      this.untold = { type: 'release', unused: [], released: [] };
      // Not queueMicrotask(), which counts as work of the user's code in Node (node-work.ts).
      void Promise.resolve().then(() => {
        const message = this.untold as Release;
        this.untold = undefined;
        if (!this.closed) this.way.tell(message);
      });
    }
    return this.untold;
  }

  close(): void {
    this.closed = true;
    const kept = [...this.held.values()];
    this.held.clear();
    this.sent.clear();
    for (const { work } of this.stubs.values()) {
      const alive = work.deref();
      if (alive) ended.set(alive, this);
    }
    this.stubs.clear();
    for (const { end } of kept) end?.(false);
  }
}
