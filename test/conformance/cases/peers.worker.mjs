// SPDX-License-Identifier: MIT
/** Calls other IOThreads, whose objects were passed to it. It sleeps inside WebAssembly, where there is nothing else to wait for. */
import { serve } from 'wasm-aio/iothread';

const others = [];

serve((context) => {
  let answer;
  return {
    attach(notifier) {
      answer = notifier;
    },
    meet: (...remotes) => void others.push(...remotes),
    echo: (value) => value,
    hang: () => new Promise(() => {}),
    async each(times, tell) {
      for (let n = 0; n < times; n++) await tell(n);
    },
    // Nobody waits for this promise, so that both threads sleep inside WebAssembly between the calls.
    start(times) {
      void (async () => {
        for (let n = 0; n < times; n++) if ((await others[0].echo(n)) !== n) return;
        answer.set();
      })();
    },
    async storm(times) {
      const answers = await Promise.all(others.flatMap((other) => Array.from({ length: times }, (_, n) => other.echo(n % 10 ? n : new RegExp(String(n))))));
      return answers.filter((value, at) => (typeof value === 'number' ? value : Number(value.source)) === at % times).length;
    },
    async told(times) {
      const got = [];
      await others[0].each(times, (n) => void got.push(n));
      return got.length;
    },
    hangs: () => others[0].hang(),
  };
}, { blocking: true });
