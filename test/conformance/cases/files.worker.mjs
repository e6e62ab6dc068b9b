// SPDX-License-Identifier: MIT
/** A bottom half that schedules itself until it is told to stop. */
import { serve } from 'wasm-aio/iothread';

serve((context) => {
  let stopped = false;
  const busy = context.bottomHalf('busy', () => {
    if (!stopped) busy.schedule();
  });
  return {
    start() {
      stopped = false;
      busy.schedule();
    },
    stop() {
      stopped = true;
    },
  };
});
