// SPDX-License-Identifier: MIT
/** Calls other IOThreads, whose objects were passed to it. It sleeps inside WebAssembly, where there is nothing else to wait for. */
import { currentSignal, serve } from 'wasm-aio/iothread';

const others = [];
const cancelled = [];
let ended = 0;

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
    async *rows(count) {
      try {
        for (let n = 0; n < count; n++) yield n;
      } finally {
        ended++;
      }
    },
    // A sequence of the other thread: to its end, and left early.
    async iterates(count) {
      let sum = 0;
      for await (const n of others[0].rows(count)) sum += n;
      for await (const n of others[0].rows(Infinity)) if (n === 5) break;
      return [sum, await others[0].ended()];
    },
    ended: () => ended,
    until: (began) => new Promise((resolve) => {
      const signal = currentSignal();
      signal.addEventListener('abort', () => resolve(cancelled.push(signal.reason)));
      void began();
    }),
    cancelled: () => cancelled.splice(0),
    // The other thread learns of both.
    async cancels() {
      const late = await others[0].with({ timeout: 5 }).until(() => {}).catch(({ code }) => code);
      const controller = new AbortController();
      const call = others[0].with({ signal: controller.signal }).until(() => controller.abort('enough'));
      const reason = await call.catch((error) => error);
      let seen = [];
      while (seen.length < 2) seen = [...seen, ...await others[0].cancelled()];
      return [late, reason, ...seen.map((one) => one.code ?? one)];
    },
    hangs: () => others[0].hang(),
  };
}, { blocking: true });
