// SPDX-License-Identifier: MIT
/** Browsers: what page and workers share. */
import type { FileCalls, HostBase } from './host.js';
import { threadClock } from './thread-clock.js';

/** The type of the message by which a worker names the lock that it holds. */
export const LOCK = 'wasm-aio lock';

const channel = new MessageChannel();
const turns: (() => void)[] = [];
channel.port1.onmessage = () => turns.shift()?.();

/** A task behind all that wait. scheduler.yield would go before them. */
export const browserTurn = (): Promise<void> =>
  new Promise((resolve) => {
    turns.push(resolve);
    channel.port2.postMessage(0);
  });

export const browserBase: Omit<HostBase, 'write' | keyof FileCalls> = {
  name: 'browser',
  monotonic: threadClock,
  turn: browserTurn,
};
