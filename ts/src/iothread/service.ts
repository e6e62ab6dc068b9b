// SPDX-License-Identifier: MIT
/** Loads the user's code in a worker, and sends the object that it serves to the owner. */
import { AioError } from '../errors.js';
import type { AioContext } from '../api/context.js';
import type { WorkerHost } from '../hosts/host.js';
import type { Slot } from '../wire/handle.js';
import { pack } from '../wire/packet.js';
import { postError } from '../wire/post-error.js';
import { proxy } from '../wire/marks.js';
import { postDoubtful } from '../wire/post-doubtful.js';
import { dataOnly } from '../wire/unpack.js';
import type { FromIOThread } from './messages.js';
import { unreadable } from './record.js';
import type { Rpc } from './rpc.js';
import { meeting, type Service, type Serving } from './serve.js';

/** Waits until the user's code has called serve(). undefined: the code failed, and the owner was told. */
export async function loadService(host: WorkerHost, { module }: { module?: string }): Promise<Serving | undefined> {
  const post = (message: FromIOThread): void => host.post(message);
  post({ type: 'loaded' });
  if (module !== undefined) {
    host.takeConsole?.();
    try {
      await import(/* @vite-ignore */ /* webpackIgnore: true */ module);
      if (!meeting.called) throw new AioError('ERR_AIO_INVALID_ARG', 'it never called serve() (wasm-aio/iothread)');
    } catch (error) {
      const why = host.whyNotLoaded ? await host.whyNotLoaded(module, error) : error;
      postError<FromIOThread>(post, why, (packet) => ({ type: 'unserved', error: packet, attached: false }));
      return undefined;
    }
  }
  return meeting.service;
}

/** The object that the code serves, and the numbers of the functions in it. */
export interface Presented {
  api: object;
  functions: number[];
}

/**
 * Sends the owner the object that the code serves, or the error because of which it serves none. makeLoop: makes the handle by
 * which other IOThreads wake this one.
 */
export async function presentService(
  service: Service, context: AioContext, { functions }: Rpc, makeLoop: () => Slot, post: (message: FromIOThread) => void,
): Promise<Presented | undefined> {
  try {
    const api: unknown = typeof service === 'function' ? await service(context) : service;
    if (typeof api !== 'object' || api === null) {
      throw new AioError('ERR_AIO_INVALID_ARG', `serve(): the function has to return an object, not ${String(api)}`);
    }
    const isOfClass = Object.getPrototypeOf(Object.getPrototypeOf(api) ?? {}) !== null;
    const { packet, doubtful, sent } = pack(isOfClass ? proxy(api) : api, functions, 'serve()');
    const unread: FromIOThread = { type: 'unserved', error: pack(unreadable('what serve() was given'), dataOnly).packet, attached: true };
    postDoubtful(post, { type: 'serving', api: packet, loop: makeLoop() }, doubtful ? unread : undefined);
    return { api, functions: sent };
  } catch (error) {
    postError<FromIOThread>(post, error, (packet) => ({ type: 'unserved', error: packet, attached: true }));
    return undefined;
  }
}
