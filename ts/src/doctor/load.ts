// SPDX-License-Identifier: MIT
import type { RuntimeOptions } from '../runtime/runtime-options.js';
import type { Finding } from './finding.js';

/**
 * Finds out why a runtime with these options cannot work here, and what to do about it. It starts a runtime and a
 * worker and ends them again. Resolves with one finding for each thing that it has examined; it stops at the first
 * fault, and does not reject because of one.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export async function doctor(options: RuntimeOptions = {}): Promise<Finding[]> {
  // Few programs call this function and its code is large, so the code is loaded only when it is called.
  const { examine } = await import('./doctor.js');
  return examine(options);
}
