// SPDX-License-Identifier: MIT
/** The types of what an IOThread's code serves, as the thread that owns it sees them. */
import type { CallOptions } from '../abort.js';
import type { Handle } from '../wire/handle.js';
import type { HasHandle } from '../wire/scan.js';

declare const api: unique symbol;

/**
 * The result of serve(), whose type tells the owner's side what the IOThread serves: `export type Disk = typeof
 * disk`.
 */
export interface Served<T> {
  /** The served object's type. No such property exists at run time. */
  readonly [api]: T;
}

/**
 * What stands for an async iterable, an async generator or a generator of another thread. It is iterated once. The items come
 * in batches, and the producer is ahead by a limited number of them. Ending the loop early, or {@link return}, runs the
 * producer's `finally` blocks.
 */
export interface RemoteGenerator<T, R = unknown> {
  /** Resolves with the next item, or with what the generator has returned. */
  next(): Promise<IteratorResult<T, R>>;
  /** Ends the sequence: resolves when the producer's `finally` blocks have run. */
  return(value?: R): Promise<IteratorResult<T, R>>;
  /** Throws an error into the generator, at the place where it waits. Items that were on their way are dropped. */
  throw(error: unknown): Promise<IteratorResult<T, R>>;
  /** Returns the object itself. */
  [Symbol.asyncIterator](): this;
  /** Ends the sequence. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What has items that another thread can iterate. */
type Sequence = AsyncIterable<unknown> | Generator<unknown, unknown, never>;
/** What a sequence yields. */
type ItemOf<T> = T extends AsyncIterable<infer V> ? V : T extends Generator<infer V, unknown, never> ? V : never;
/** What a generator returns at its end. */
type ReturnOf<T> = T extends AsyncGenerator<unknown, infer R, never> | Generator<unknown, infer R, never> ? R : unknown;

/** The promise of a call's result. If that can be iterated, so can the promise: `for await (const row of io.remote.rows())`. */
type Answer<R> =
  [R] extends [never] ? Promise<never>
  : [R] extends [AsItIs] ? Promise<Received<R>>
  : [R] extends [Sequence] ? Promise<Received<R>> & AsyncIterable<Received<ItemOf<R>>>
  : Promise<Received<R>>;

/** What is sent as it is: objects with handles, and what the structured clone algorithm copies. */
type AsItIs =
  | HasHandle | Date | RegExp | Error | ArrayBuffer | SharedArrayBuffer | ArrayBufferView
  | { addEventListener: unknown } | { arrayBuffer: unknown } | { getReader: unknown } | { getWriter: unknown };

/**
 * Any function of either side: its parameters and results are looked at only where they are used, so that they may be of the type that is being made: a type
 * with `meet(peer: Remote<Peer>)` in Peer itself.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Callable = (...args: any) => any;

/** A value that is no object, and that every thread can get. */
type Primitive = string | number | bigint | boolean | null | undefined;

/** What no other thread can get: a call with such a value is rejected. */
type Unsendable = symbol | WeakMap<object, unknown> | WeakSet<object> | PromiseLike<unknown>;

/** What arrives of an error: its class if that is a built-in or a registered one, and its fields with plain values. */
type ReceivedError<T> = { [K in keyof T as K extends 'cause' | 'errors' ? K : T[K] extends Primitive ? K : never]: T[K] };

/** A view arrives as a view of the platform; Node's Buffer is one of bytes. */
type ReceivedView<T> = T extends Uint8Array & { readUInt8: unknown } ? Uint8Array : T;

/** The type of a value that came from another thread. Its functions run in that thread and return promises. */
export type Received<T> =
  T extends Primitive ? T
  : T extends Unsendable ? never
  : T extends Callable ? (...args: Sent<Parameters<T>>) => Answer<Awaited<ReturnType<T>>>
  : T extends Error ? ReceivedError<T>
  : T extends ArrayBufferView ? ReceivedView<T>
  : T extends AsItIs ? T
  : T extends Sequence ? RemoteGenerator<Received<ItemOf<T>>, Received<ReturnOf<T>>>
  : T extends ReadonlyMap<infer K, infer V> ? Map<Received<K>, Received<V>>
  : T extends ReadonlySet<infer V> ? Set<Received<V>>
  : T extends readonly unknown[] ? { [K in keyof T]: Received<T[K]> }
  : T extends object ? { [K in keyof T as K extends symbol ? never : K]: Received<T[K]> }
  : T;

/**
 * The type of a value that may be sent to a thread that declares T. Where T has a function, one that returns a
 * promise may be given, too, because the other thread awaits its result.
 */
export type Sent<T> =
  T extends Callable ? (...args: Parameters<T>) => Awaited<ReturnType<T>> | Promise<Awaited<ReturnType<T>>>
  : T extends AsItIs ? T
  : T extends Sequence ? AsyncIterable<Sent<ItemOf<T>>> | Generator<Sent<ItemOf<T>>, unknown, never>
  : T extends ReadonlyMap<infer K, infer V> ? ReadonlyMap<Sent<K>, Sent<V>>
  : T extends ReadonlySet<infer V> ? ReadonlySet<Sent<V>>
  : T extends object ? { [K in keyof T]: Sent<T[K]> }
  : T;

/** The type of an object of another thread whose functions are called by `sync()` of `wasm-aio/iothread`. */
export type Sync<R> =
  R extends Callable ? (...args: Parameters<R>) => Awaited<ReturnType<R>>
  : R extends AsItIs ? R
  : R extends object ? { [K in keyof R]: Sync<R[K]> }
  : R;

/** An object of another thread, and what it has besides what is served. A member of one of these names stays what it is. */
type Completed<R> = unknown extends R ? R : R & Omit<{
  /**
   * Returns the same object, whose functions are called with these options: `io.remote.with({ timeout: 500 }).read(n)`.
   * {@link withOptions} does that for any object, and any function, that came from another thread.
   * @throws AioError ERR_AIO_INVALID_ARG
   */
  with(options: CallOptions): R;
  /**
   * The same object, for IOThreads, which may block: its functions wait for the answer and return it:
   * `const found = index.sync.find(word)`. See `sync` of `wasm-aio/iothread`, which also takes options.
   */
  readonly sync: Sync<R>;
  /** Lets the object be passed to another IOThread, where it is the same object. */
  toHandle(): Handle;
}, keyof R>;

/**
 * The type of {@link IOThread.remote}, the object that an IOThread serves. Its functions return promises, and so do
 * those of objects in it. Handles and other values can be read at once; they are those of the time when the IOThread
 * started. `with()` gives options to calls, `sync` is for calls that wait for the answer.
 */
export type Remote<T> = Completed<Received<T extends Served<infer A> ? A : T>>;
