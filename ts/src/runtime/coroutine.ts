// SPDX-License-Identifier: MIT
import { AioError, noMemory } from '../errors.js';
import type { Core } from './core.js';
import type { ContextPointer, Pointer } from './exports.js';
import { int32, type Argument } from './functions.js';

/**
 * Runs an exported coroutine in any context and resolves with its result. The end of the holder rejects the promise.
 */
export function startCoroutine(core: Core, holder: object, context: ContextPointer, name: string, argument: Argument): Promise<number> {
  const { exports } = core.instance;
  const exported = (exports as unknown as Record<string, unknown>)[`coroutine:${name}`];
  if (typeof exported !== 'function') {
    throw new AioError('ERR_AIO_INVALID_ARG', `name: the module exports no coroutine '${name}' (AIO_EXPORT_COROUTINE)`);
  }
  const value = int32('argument', argument);
  const described = (exported as () => Pointer<'AioExportedCoroutine'>)();
  return core.request(holder, (id) => {
    if (!exports.rt_coroutine_start(context, described, value, id)) throw noMemory(`the stacks of coroutine '${name}'`);
  });
}
