// SPDX-License-Identifier: MIT
/** WASI calls for the environment, random bytes and signals, which only some programs import. */
import { Clock, fail } from './abi.js';
import { ProcessExit, textCalls, type SystemCalls, type SystemThread } from './process.js';
import * as E from './wasi-errno.js';

/** The values of WASI's `signal`. Those that POSIX ignores by default are in lower case. */
const SIGNALS = (
  'none HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM chld cont STOP TSTP TTIN TTOU urg ' +
  'XCPU XFSZ VTALRM PROF winch POLL PWR SYS'
).split(' ');
const STOPPING = ['STOP', 'TSTP', 'TTIN', 'TTOU'];

const RESOLUTION_NS = { [Clock.realtime]: 1_000_000n, [Clock.monotonic]: 1000n };

export function moreProcessCalls({ memory, config }: SystemThread): SystemCalls {
  const env = textCalls(memory, config.env);

  return {
    environ_sizes_get: env.sizes,
    environ_get: env.get,

    clock_res_get(clock: number, resolution: number) {
      memory.setU64(resolution, (RESOLUTION_NS as Record<number, bigint | undefined>)[clock] ?? fail(E.INVAL));
    },

    random_get(pointer: number, length: number) {
      const into = memory.bytes(pointer, length);
      // getRandomValues() accepts neither shared memory nor more than 65536 bytes at a time.
      for (let at = 0; at < into.length; at += 65536) {
        into.set(crypto.getRandomValues(new Uint8Array(Math.min(65536, into.length - at))), at);
      }
    },

    // Does nothing: JavaScript has no way to yield the processor, and the kernel schedules threads by itself.
    sched_yield() {},

    proc_raise(signal: number) {
      const name = SIGNALS[signal] ?? fail(E.INVAL);
      if (STOPPING.includes(name)) fail(E.NOTSUP);
      if (name === name.toUpperCase()) throw new ProcessExit(128 + signal, `SIG${name}`);
    },
  };
}
