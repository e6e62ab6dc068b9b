// SPDX-License-Identifier: MIT
/** What the code of an IOThread looks like from the thread that owns it. */
import type { HasHandle } from '../wire/scan.js';

declare const api: unique symbol;

/** What serve() gives: a type for the other side, `export type Disk = typeof disk`. */
export interface Served<T> {
  readonly [api]: T;
}

/** What goes as it is: handles, and what structured clone knows. */
type AsItIs =
  | HasHandle | Date | RegExp | Error | ArrayBuffer | SharedArrayBuffer | ArrayBufferView
  | { addEventListener: unknown } | { arrayBuffer: unknown } | { getReader: unknown } | { getWriter: unknown };

/** A value that came from another thread: its functions are called there. */
export type Received<T> =
  T extends (...args: infer A) => infer R ? (...args: Sent<A>) => Promise<Received<Awaited<R>>>
  : T extends AsItIs ? T
  : T extends ReadonlyMap<infer K, infer V> ? Map<Received<K>, Received<V>>
  : T extends ReadonlySet<infer V> ? Set<Received<V>>
  : T extends object ? { [K in keyof T]: Received<T[K]> }
  : T;

/** What can be given to a thread that declares T: a function that it awaits may be any. */
export type Sent<T> =
  T extends (...args: infer A) => infer R ? (...args: A) => Awaited<R> | Promise<Awaited<R>>
  : T extends AsItIs ? T
  : T extends ReadonlyMap<infer K, infer V> ? ReadonlyMap<Sent<K>, Sent<V>>
  : T extends ReadonlySet<infer V> ? ReadonlySet<Sent<V>>
  : T extends object ? { [K in keyof T]: Sent<T[K]> }
  : T;

/**
 * The object that an IOThread serves. Its functions return promises; objects in it have
 * functions of their own; handles and other values are there at once, as they were when the
 * IOThread started.
 */
export type Remote<T> = Received<T extends Served<infer A> ? A : T>;
