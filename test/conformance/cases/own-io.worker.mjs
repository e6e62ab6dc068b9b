// SPDX-License-Identifier: MIT
/** Uses timers and fetch() in ways that no call waits for. */
import { serve } from 'wasm-aio/iothread';

let ticks = 0;
const interval = setInterval(() => ticks++, 1);

serve((context) => {
  let answer;
  return {
    attach(notifier) {
      answer = notifier;
    },
    // The notifier is set from JavaScript's own event loop, while nobody calls this thread.
    later: (ms) => void setTimeout(() => answer.set(), ms),
    fetch(url) {
      void fetch(url).then((response) => response.text()).then((text) => text === 'fetched' && answer.set());
    },
    ticks: () => ticks,
    stop: () => clearInterval(interval),
    mode: () => context.stats().sleeping,
  };
});
