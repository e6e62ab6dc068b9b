// SPDX-License-Identifier: MIT
/** What the compiler says of calls to an IOThread: this file compiles, and each
 * line that is marked as an error is one. */
import { expect, test } from '@jest/globals';
import type { AioContext, BottomHalf, Handle, IOThread, Notifier, Pipe, Received, Remote, RemoteGenerator, Runtime } from 'wasm-aio';
import type { Disk } from './fixtures/iothread-disk.js';
import type { Loop } from './fixtures/iothread-loop.js';
import type { QueryError } from './fixtures/sendable.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(value: T): T => value;

/** As an interface, without serve(). */
interface Api {
  sum(numbers: Uint32Array, options?: { signal?: boolean }): number;
  find(name: string): Promise<{ at: Date; size: bigint } | undefined>;
  watch(onChange: (name: string) => Promise<void>): () => void;
  listeners(): Map<string, () => number>;
  tell(listeners: Map<string, (n: number) => Promise<void>>, names: Set<string>): void;
  rows(from: number): AsyncGenerator<{ at: Date; more: () => number }, string>;
  numbers(): Generator<number>;
  body(): Promise<ReadableStream<Uint8Array>>;
  put(rows: AsyncIterable<number>, signal: AbortSignal): void;
  nested: { deep: { get(): Map<string, number> } };
  flush: BottomHalf;
  bytes: Pipe;
  readonly limit: number;
}
type R = Remote<Api>;

/** What has to do with its own kind, in all places where that can stand. */
interface Peer {
  readonly name: string;
  meet(peer: Remote<Peer>): void;
  peers(): Remote<Peer>[];
  byName(): Map<string, Remote<Peer>>;
  each(): AsyncGenerator<Remote<Peer>, string>;
  onMeet(met: (peer: Remote<Peer>) => Remote<Peer>): void;
  /** Its own object, and not that of another thread. */
  child(): Peer;
  readonly inner: { readonly peer: Peer };
}
type P = Remote<Peer>;

const checks = [
  holds<Equal<R['sum'], (numbers: Uint32Array, options?: { signal?: boolean }) => Promise<number>>>(true),
  holds<Equal<ReturnType<R['find']>, Promise<{ at: Date; size: bigint } | undefined>>>(true),
  // It may be any function here, and the function that comes back is called there.
  holds<Equal<R['watch'], (onChange: (name: string) => void | Promise<void>) => Promise<() => Promise<void>>>>(true),
  holds<Equal<ReturnType<R['nested']['deep']['get']>, Promise<Map<string, number>>>>(true),
  // Functions in a Map, too.
  holds<Equal<ReturnType<R['listeners']>, Promise<Map<string, () => Promise<number>>>>>(true),
  holds<Equal<Parameters<R['tell']>, [ReadonlyMap<string, (n: number) => void | Promise<void>>, ReadonlySet<string>]>>(true),
  // What is iterated there is iterated here; the call's promise, too.
  holds<Equal<Awaited<ReturnType<R['rows']>>, RemoteGenerator<{ at: Date; more: () => Promise<number> }, string>>>(true),
  holds<Equal<ReturnType<R['rows']> extends AsyncIterable<infer Row> ? Row : never, { at: Date; more: () => Promise<number> }>>(true),
  holds<Equal<ReturnType<R['numbers']> extends AsyncIterable<infer N> ? N : never, number>>(true),
  holds<Equal<ReturnType<R['body']>, Promise<ReadableStream<Uint8Array>>>>(true),
  // What does not arrive is not promised.
  holds<Equal<Received<symbol>, never>>(true),
  holds<Equal<Received<{ a: Promise<number>; b: WeakMap<object, string> }>, { a: never; b: never }>>(true),
  holds<Equal<keyof Received<{ a: number; [Symbol.iterator]: number }>, 'a'>>(true),
  holds<Equal<Received<Buffer>, Uint8Array>>(true),
  holds<Equal<Received<Uint8Array[]>, Uint8Array[]>>(true),
  holds<Equal<Received<[number, () => string]>, [number, () => Promise<string>]>>(true),
  holds<Equal<Received<QueryError>['line'], number>>(true),
  holds<Equal<'where' extends keyof Received<QueryError> ? true : false, false>>(true),
  holds<Equal<Received<TypeError>['message'], string>>(true),
  // Handles and values are there at once.
  holds<Equal<R['flush'], BottomHalf>>(true),
  holds<Equal<R['bytes'], Pipe>>(true),
  holds<Equal<R['limit'], number>>(true),
  // The object of a thread arrives as what it is, also as its own argument and result; what the thread made itself is a remote of it.
  holds<Equal<Parameters<P['meet']>, [P]>>(true),
  holds<Equal<ReturnType<P['peers']>, Promise<P[]>>>(true),
  holds<Equal<ReturnType<P['byName']>, Promise<Map<string, P>>>>(true),
  holds<Equal<Awaited<ReturnType<P['each']>>, RemoteGenerator<P, string>>>(true),
  holds<Equal<Parameters<P['onMeet']>, [(peer: P) => P | Promise<P>]>>(true),
  holds<Equal<Awaited<ReturnType<P['child']>>, Received<Peer>>>(true),
  holds<Equal<P['inner']['peer'], Received<Peer>>>(true),
  holds<Equal<Received<P>, P>>(true),
  holds<Equal<P['sync']['name'], string>>(true),
  holds<Equal<ReturnType<P['sync']['peers']>, P[]>>(true),
  holds<Equal<ReturnType<P['sync']['child']>, Received<Peer>>>(true),
  holds<Equal<Remote<Disk>['add'], (a: number, b: number) => Promise<number>>>(true),
  holds<Equal<Remote<Loop>['handles']['flush'], BottomHalf>>(true),
];

/** Compiled, never called. */
function handles(context: AioContext, pipe: Pipe, any: Handle): unknown[] {
  const same: Pipe = context.fromHandle(pipe.toHandle());
  const handle: Handle<'notifier'> = context.notifier('n').toHandle();
  const notifier: Notifier = context.fromHandle(handle);
  const one: BottomHalf | Notifier | Pipe = context.fromHandle(any);
  const whole: Handle = handle;
  // @ts-expect-error it may stand for something else
  const wrong: Pipe = context.fromHandle(any);
  // @ts-expect-error the handle of a notifier
  const other: Pipe = context.fromHandle(handle);
  return [same, notifier, one, whole, wrong, other];
}

/** Compiled, never called. */
async function peers(a: IOThread<Peer>, b: IOThread<Peer>): Promise<void> {
  await a.remote.meet(a.remote);
  await a.remote.meet(b.remote);
  await a.remote.onMeet(async (peer) => (await peer.peers())[0] ?? peer);
  for await (const peer of a.remote.each()) await peer.with({ timeout: 5 }).meet(b.remote);
  const deep: string = (await (await (await a.remote.child()).child()).peers())[0]?.inner.peer.name ?? '';
  // @ts-expect-error an object of this thread is none of another one
  await a.remote.meet({ name: 'here' });
  // @ts-expect-error nor is what a function of another thread has returned
  await a.remote.meet(await a.remote.child());
  void deep;
}

/** Compiled, never called. */
async function calls(runtime: Runtime, disk: IOThread<Disk>, api: IOThread<Api>): Promise<void> {
  const module = new URL('file:///disk.js');
  const sum: number = await disk.remote.add(1, 2);
  // @ts-expect-error the arguments' types
  await disk.remote.add('1', 2);
  // @ts-expect-error their number
  await disk.remote.add(1);
  // @ts-expect-error no such function
  await disk.remote.subtract(1, 2);
  // @ts-expect-error a promise
  const now: number = disk.remote.add(1, 2);
  // @ts-expect-error what it is a promise of
  const text: string = await disk.remote.add(1, 2);
  await api.remote.watch(() => {});
  await api.remote.put(async function* () { yield 1; }(), new AbortController().signal);
  await api.remote.put(function* () { yield 1; }(), AbortSignal.timeout(1));
  // @ts-expect-error what the items are
  await api.remote.put(async function* () { yield 'a'; }(), AbortSignal.timeout(1));
  // @ts-expect-error what is no sequence cannot be iterated
  const items: AsyncIterable<unknown> = api.remote.find('name');
  const limited: Promise<number> = api.remote.with({ timeout: 5, signal: AbortSignal.timeout(1) }).sum(new Uint32Array(1));
  // @ts-expect-error an option that does not exist
  api.remote.with({ timeOut: 5 });
  void [limited, items];
  // @ts-expect-error not a function
  await api.remote.watch('name');
  // @ts-expect-error what the function gets
  await api.remote.watch((name: number) => void name);
  // @ts-expect-error handles are no functions
  await api.remote.flush();
  // @ts-expect-error code of the user's needs worker or module
  await runtime.iothread<Disk>('disk');
  // @ts-expect-error one of them
  await runtime.iothread<Disk>('disk', { module, worker: () => new Worker(module) });
  // @ts-expect-error a URL
  await runtime.iothread<Disk>('disk', { module: './disk.js' });
  // @ts-expect-error a function
  await runtime.iothread<Disk>('disk', { worker: new Worker(module) });
  const typed: IOThread<Disk> = await runtime.iothread<Disk>('disk', { module, pollMaxNs: 0 });
  const plain: IOThread = await runtime.iothread('plain', { pollMaxNs: 0 });
  const any: IOThread = typed;
  // @ts-expect-error nothing is known of it
  await plain.remote.add(1, 2);
  void [sum, now, text, any];
}

test('the types are what they are said to be', () => {
  expect(checks.every(Boolean)).toBe(true);
  expect([typeof calls, typeof handles, typeof peers]).toEqual(['function', 'function', 'function']);
});
