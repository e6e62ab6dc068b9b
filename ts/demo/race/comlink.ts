// SPDX-License-Identifier: MIT
import { wrap } from 'comlink';
import type { Contestant } from './contestant.js';
import type { Api } from './comlink.worker.js';

export function open(): Contestant {
  const worker = new Worker(new URL('./comlink.worker.js', import.meta.url), { type: 'module' });
  const remote = wrap<Api>(worker);
  return { double: (n) => remote.double(n), close: () => worker.terminate() };
}
