// SPDX-License-Identifier: MIT
/** Functions for a pool. */
import { taskSignal } from 'wasm-aio/pool';

export default (n) => n * n;
export const sum = (bytes) => bytes.reduce((all, byte) => all + byte, 0);
export const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms, 'later'));
export function fail(message) {
  throw new RangeError(message);
}
export function spin() {
  for (;;);
}
export const patient = () => {
  const signal = taskSignal();
  return new Promise((resolve) => signal.addEventListener('abort', resolve));
};
