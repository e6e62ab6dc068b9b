// SPDX-License-Identifier: MIT
/** serve(): where the code of an IOThread and the thread that it runs in meet. */
import { checkThat } from '../check.js';
import { AioError } from '../errors.js';
import type { AioContext } from '../api/context.js';
import { onlyOne } from '../wire/only-one.js';
import type { Served } from './remote.js';

/** An object, or what makes it. */
export type Service = object | ((context: AioContext) => unknown);

/** What this thread has of it. */
interface Meeting {
  /** The thread can be an IOThread's. */
  isWorker: boolean;
  /** The worker's side has been started. */
  started: boolean;
  called: boolean;
  /** What serve() was given, as soon as it is. */
  readonly service: Promise<{ of: Service }>;
  readonly served: (service: { of: Service }) => void;
}

function prepare(): Meeting {
  let served!: Meeting['served'];
  // In an object: a service with a function `then` is no promise.
  const service: Meeting['service'] = new Promise((resolve) => (served = resolve));
  return { isWorker: false, started: false, called: false, service, served };
}

export const meeting = onlyOne('iothread', prepare);

const isService = checkThat('an object, or a function that makes one', (value) => typeof value === 'function' || (typeof value === 'object' && value !== null));

/**
 * Gives the thread that owns this IOThread something to call: an object with functions, which
 * is `io.remote` there; or a function that makes one and gets the context, the IOThread's loop.
 * Called once, in the worker file. Its result is a type: `export type Disk = typeof disk`.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function serve<T extends object>(make: (context: AioContext) => T | Promise<T>): Served<T>;
export function serve<T extends object>(api: T): Served<T>;
export function serve(api: Service): Served<unknown> {
  isService("serve()'s argument (api or make)", api);
  const refuse = (why: string): never => {
    throw new AioError('ERR_AIO_INVALID_ARG', `serve(): ${why}`);
  };
  if (!meeting.isWorker) refuse('this thread is no IOThread; import of its file the type alone (import type), and start it by runtime.iothread()');
  if (meeting.called) refuse('called twice; an IOThread serves one object, which may have others in it');
  meeting.called = true;
  meeting.served({ of: api });
  return Object.freeze({}) as Served<unknown>;
}
