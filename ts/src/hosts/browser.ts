// SPDX-License-Identifier: MIT
/** Browsers: what page and workers share. */
import type { FileCalls, HostBase } from './host.js';

// now() alone differs between a page and its workers by their ages.
export const browserMonotonic = (): number => (performance.timeOrigin + performance.now()) * 1e6;

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
  monotonic: browserMonotonic,
  turn: browserTurn,
};
