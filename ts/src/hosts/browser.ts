// SPDX-License-Identifier: MIT
/** The host in browsers: what pages and workers have in common. */
import type { FileCalls, HostBase } from './host.js';
import { threadClock } from './thread-clock.js';

const channel = new MessageChannel();
const turns: (() => void)[] = [];
channel.port1.onmessage = () => turns.shift()?.();

/** Resolves in a task that runs after all tasks that are waiting. scheduler.yield() would run before them. */
export const browserTurn = (): Promise<void> =>
  new Promise((resolve) => {
    turns.push(resolve);
    channel.port2.postMessage(0);
  });

export const browserBase: Omit<HostBase, 'write' | keyof FileCalls> = {
  name: 'browser',
  monotonic: threadClock,
  turn: browserTurn,
  oversleeps: !('document' in globalThis),
};
