// SPDX-License-Identifier: MIT
/** serve(), by which the user's code in a worker passes its object to the package's code in the same worker. */
import { checkThat } from '../check.js';
import { AioError } from '../errors.js';
import type { AioContext } from '../api/context.js';
import { onlyOne } from '../wire/only-one.js';
import type { Served } from './remote.js';

/** The served object, or a function that makes it. */
export type Service = object | ((context: AioContext) => unknown);

/** What the package and the user's code know of each other in this thread. */
interface Meeting {
  /** This thread can be an IOThread. */
  isWorker: boolean;
  /** The package's code in this worker has been started. */
  started: boolean;
  called: boolean;
  /** Resolves with the argument of serve() once that is called. */
  readonly service: Promise<{ of: Service }>;
  readonly served: (service: { of: Service }) => void;
}

function prepare(): Meeting {
  let served!: Meeting['served'];
  // The service is wrapped in an object, because a service that has a function `then` would be taken for a promise.
  const service: Meeting['service'] = new Promise((resolve) => (served = resolve));
  return { isWorker: false, started: false, called: false, service, served };
}

export const meeting = onlyOne('iothread', prepare);

const isService = checkThat('an object, or a function that makes one', (value) => typeof value === 'function' || (typeof value === 'object' && value !== null));

/**
 * Gives the thread that owns this IOThread an object whose functions it can call, as `IOThread.remote`. `make` is
 * called with the IOThread's context, its event loop, and returns the object. Call serve() once, in the worker's file,
 * and export the type of its result: `export type Disk = typeof disk`.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, called twice, or this thread is not an IOThread
 */
export function serve<T extends object>(make: (context: AioContext) => T | Promise<T>): Served<T>;
/**
 * Gives the thread that owns this IOThread an object whose functions it can call, as `IOThread.remote`. Call serve()
 * once, in the worker's file, and export the type of its result: `export type Disk = typeof disk`.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, called twice, or this thread is not an IOThread
 */
export function serve<T extends object>(api: T): Served<T>;
export function serve(api: Service): Served<unknown> {
  isService("serve()'s argument (api or make)", api);
  const refuse = (why: string): never => {
    throw new AioError('ERR_AIO_INVALID_ARG', `serve(): ${why}`);
  };
  if (!meeting.isWorker) refuse('this thread is not an IOThread; start this file by runtime.iothread(name, { worker }), and import only its type (import type)');
  if (meeting.called) refuse('called twice; an IOThread serves one object: make the second a property of the first');
  meeting.called = true;
  meeting.served({ of: api });
  return Object.freeze({}) as Served<unknown>;
}
