// SPDX-License-Identifier: MIT
/** An IOThread's code in which things go wrong. */
import { serve } from 'wasm-aio/iothread';

class OwnError extends RangeError {
  name = 'OwnError';
  code = 'EOWN';
}
const boom = () => new OwnError('boom', { cause: new TypeError('inner') });
const fail = () => {
  throw boom();
};
const seen = [];

serve((context) => {
  const began = new SharedArrayBuffer(4);
  return {
    began,
    callback: () => context.bottomHalf('bad', fail).schedule(),
    timer: () => context.timer('bad', async () => fail()).arm(1),
    stray: () => void Promise.reject(boom()),
    late: () => void setTimeout(fail, 1),
    lent: (work) => void work(),
    handle() {
      const handled = (error) => void seen.push(`${error.name} ${error.message}`);
      if (globalThis.process?.on) {
        // Bun takes a rejection to its own listeners alone.
        for (const type of ['uncaughtException', 'unhandledRejection']) process.on(type, handled);
        return;
      }
      addEventListener('error', (event) => {
        handled(event.error);
        event.preventDefault();
      });
      addEventListener('unhandledrejection', (event) => {
        handled(event.reason);
        event.preventDefault();
      });
    },
    seen: () => seen.splice(0),
    never: () => new Promise(() => {}),
    ping: () => 'pong',
    spin() {
      Atomics.add(new Int32Array(began), 0, 1);
      for (;;);
    },
  };
});
