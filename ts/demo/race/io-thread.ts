// SPDX-License-Identifier: MIT
import { Runtime } from 'wasm-aio';
import type { Contestant } from './contestant.js';
import type { Api } from './io-thread.worker.js';

export async function open(): Promise<Contestant> {
  const runtime = await Runtime.create();
  const worker = () => new Worker(new URL('./io-thread.worker.js', import.meta.url), { type: 'module' });
  const io = await runtime.iothread<Api>('race', { worker });
  return { double: (n) => io.remote.double(n), close: () => runtime.close() };
}
