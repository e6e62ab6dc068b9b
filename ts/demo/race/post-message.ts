// SPDX-License-Identifier: MIT
import type { Contestant } from './contestant.js';

export function open(): Contestant {
  const worker = new Worker(new URL('./post-message.worker.js', import.meta.url), { type: 'module' });
  const waiting: ((answer: number) => void)[] = [];
  worker.onmessage = ({ data }: MessageEvent<number>) => waiting.shift()?.(data);
  return {
    double: (n) => new Promise((resolve) => {
      waiting.push(resolve);
      worker.postMessage(n);
    }),
    close: () => worker.terminate(),
  };
}
