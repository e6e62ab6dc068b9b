// SPDX-License-Identifier: MIT
import type { RuntimeOptions } from '../runtime/runtime-options.js';
import type { Finding } from './finding.js';

/**
 * Says what keeps a runtime with these options from working here, and what to do about
 * it: one finding each. Starts a runtime and a worker to see, and ends them. It does not reject
 * because of a fault; what depends on a fault is not looked at.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export async function doctor(options: RuntimeOptions = {}): Promise<Finding[]> {
  // Few programs call it, and it is not small: it is loaded then.
  const { examine } = await import('./doctor.js');
  return examine(options);
}
