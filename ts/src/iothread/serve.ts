// SPDX-License-Identifier: MIT
/** serve(), by which the user's code in a worker passes its object to the package's code in the same worker. */
import { checkThat, isBoolean, optionsOf } from '../check.js';
import { AioError } from '../errors.js';
import type { AioContext } from '../api/context.js';
import { onlyOne } from '../wire/only-one.js';
import type { Served } from './remote.js';

/** The served object, or a function that makes it. */
export type Service = object | ((context: AioContext) => unknown);

/** Options of {@link serve}. */
export interface ServeOptions {
  /**
   * Lets the thread always sleep inside WebAssembly, unless a promise that a served function or a call-back has returned is
   * pending. Timers, sockets and requests that nobody waits for are then noticed only when something else wakes the loop. Where
   * a host cannot tell whether there are any (everywhere but in Node), calls are faster this way. Default false.
   */
  blocking?: boolean;
}

/** What serve() was given. */
export interface Serving extends ServeOptions {
  of: Service;
}

/** What the package and the user's code know of each other in this thread. */
interface Meeting {
  /** This thread can be an IOThread. */
  isWorker: boolean;
  /** The package's code in this worker has been started. */
  started: boolean;
  called: boolean;
  /** Resolves with the argument of serve() once that is called. */
  readonly service: Promise<Serving>;
  readonly served: (service: Serving) => void;
}

function prepare(): Meeting {
  let served!: Meeting['served'];
  // The service is wrapped in an object, because a service that has a function `then` would be taken for a promise.
  const service: Meeting['service'] = new Promise((resolve) => (served = resolve));
  return { isWorker: false, started: false, called: false, service, served };
}

export const meeting = /* @__PURE__ */ onlyOne('iothread', prepare);

const isService = checkThat('an object, or a function that makes one', (value) => typeof value === 'function' || (typeof value === 'object' && value !== null));

/**
 * Gives the thread that owns this IOThread an object whose functions it can call, as `IOThread.remote`. `make` is
 * called with the IOThread's context, its event loop, and returns the object. Call serve() once, in the worker's file,
 * and export the type of its result: `export type Disk = typeof disk`.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, called twice, or this thread is not an IOThread
 */
export function serve<T extends object>(make: (context: AioContext) => T | Promise<T>, options?: ServeOptions): Served<T>;
/**
 * Gives the thread that owns this IOThread an object whose functions it can call, as `IOThread.remote`. Call serve()
 * once, in the worker's file, and export the type of its result: `export type Disk = typeof disk`.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, called twice, or this thread is not an IOThread
 */
export function serve<T extends object>(api: T, options?: ServeOptions): Served<T>;
export function serve(api: Service, options: ServeOptions = {}): Served<unknown> {
  isService("serve()'s argument (api or make)", api);
  const { blocking = false } = optionsOf(options, { blocking: isBoolean });
  const refuse = (why: string): never => {
    throw new AioError('ERR_AIO_INVALID_ARG', `serve(): ${why}`);
  };
  if (!meeting.isWorker) refuse('this thread is not an IOThread; start this file by runtime.iothread(name, { worker }), and import only its type (import type)');
  if (meeting.called) refuse('called twice; an IOThread serves one object: make the second a property of the first');
  meeting.called = true;
  meeting.served({ of: api, blocking });
  return Object.freeze({}) as Served<unknown>;
}
