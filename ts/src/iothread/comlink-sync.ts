// SPDX-License-Identifier: MIT
/** exposeSync() and wrapSync() of the entry `wasm-aio/comlink`: an exposed object that another IOThread uses in blocking calls. */
import type { CallOptions } from '../abort.js';
import { isObject, optionsOf, isMs, isSignal } from '../check.js';
import { AioError } from '../errors.js';
import { sync } from './sync.js';

/** A request, as comlink's messages have it. */
export type SyncRequest =
  | { type: 'GET' | 'APPLY' | 'CONSTRUCT'; path: string[]; argumentList?: unknown[] }
  | { type: 'SET'; path: string[]; value: unknown };

/** The answer: a value, or that there is something at the path that stays where it is: a function, or an object of a class. */
export type SyncAnswer = { value: unknown } | { stays: true };

/** The member of a served object that answers blocking requests. */
export interface SyncService {
  comlinkSync(request: SyncRequest): SyncAnswer | Promise<SyncAnswer>;
}

type Any = Record<string, unknown>;

/** Whether something can be copied: anything but a function, and an object that has methods. */
function stays(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === null || proto === Object.prototype) return Object.values(value).some((member) => typeof member === 'function');
  // Those that the language has, such as Map and Date, are values.
  const { constructor } = proto as { constructor?: { name?: string } };
  return !(constructor?.name !== undefined && (globalThis as unknown as Any)[constructor.name] === constructor);
}

/** Carries out a request on an object. */
export function answerSync(api: object, request: SyncRequest): SyncAnswer | Promise<SyncAnswer> {
  const { path } = request;
  const member = (steps: readonly string[]): unknown => steps.reduce<unknown>((at, step) => (at as Any)[step], api);
  const self = member(path.slice(0, -1)) as Any;
  const last = path.at(-1) ?? '';
  const answer = (value: unknown): SyncAnswer => (stays(value) && request.type === 'GET' ? { stays: true } : { value });
  if (request.type === 'SET') {
    self[last] = request.value;
    return { value: true };
  }
  if (request.type === 'GET') return answer(member(path));
  const work = member(path) as (...args: unknown[]) => unknown;
  const { argumentList = [] } = request;
  if (request.type === 'CONSTRUCT') {
    throw new AioError('ERR_AIO_UNSUPPORTED', `new ${path.join('.')}(): objects cannot be constructed by blocking calls; use wrap()`);
  }
  const result = path.length === 0 ? work(...argumentList) : work.apply(self, argumentList);
  const isPromise = typeof result === 'object' && result !== null && 'then' in result;
  return isPromise ? Promise.resolve(result).then(answer) : answer(result);
}

/** The type of an object that wrapSync() returns: properties are read, and functions called, at once. */
export type SyncRemote<T> =
  T extends (...args: infer A) => infer R ? (...args: A) => Awaited<R>
  : T extends object ? { [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Awaited<R> : T[K] }
  : T;

/**
 * Wraps the object that another IOThread exposes by {@link exposeSync}, for an IOThread that was given that one's `io.remote`. Each
 * read of a property and each call waits for its answer in shared memory, as `sync()` of `wasm-aio/iothread` does, with the same
 * options, limits and errors. What comlink's wrap() has besides (proxy(), transfer(), new) is not here.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, or the IOThread exposes nothing in this way
 */
export function wrapSync<T>(remote: object, options: CallOptions = {}): SyncRemote<T> {
  isObject('remote', remote);
  const checked = optionsOf(options, { signal: isSignal, timeout: isMs });
  if (typeof (remote as Partial<SyncService>).comlinkSync !== 'function') {
    throw new AioError('ERR_AIO_INVALID_ARG', 'remote must be the io.remote of an IOThread whose code calls exposeSync(api, serveEndpoint(serve)) (wasm-aio/comlink)');
  }
  const ask = (request: SyncRequest): SyncAnswer =>
    (sync(remote, checked) as unknown as { comlinkSync(request: SyncRequest): SyncAnswer }).comlinkSync(request);
  const wrapped = (path: string[]): unknown => {
    /** Members that are known to be functions or objects which stay there. */
    const known = new Map<string, unknown>();
    return new Proxy(() => {}, {
      get(_target, name) {
        // So that a promise may resolve with it.
        if (typeof name === 'symbol' || name === 'then') return undefined;
        if (known.has(name)) return known.get(name);
        const at = [...path, name];
        const answer = ask({ type: 'GET', path: at });
        if ('value' in answer) return answer.value;
        const member = wrapped(at);
        known.set(name, member);
        return member;
      },
      set(_target, name, value) {
        if (typeof name === 'symbol') return false;
        known.delete(name);
        ask({ type: 'SET', path: [...path, name], value });
        return true;
      },
      apply: (_target, _self, argumentList) => (ask({ type: 'APPLY', path, argumentList: argumentList as unknown[] }) as { value: unknown }).value,
      construct: (_target, argumentList) => ask({ type: 'CONSTRUCT', path, argumentList: argumentList as unknown[] }),
    });
  };
  return wrapped([]) as SyncRemote<T>;
}
