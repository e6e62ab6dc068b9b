// SPDX-License-Identifier: MIT
// The code of an IOThread of run.mjs: uses what a context has, in that thread.
import { serve } from '../../dist/iothread-node.js';

serve((context) => ({
  async useAll() {
    const open = [];
    const own = (object) => (open.push(object), object);
    try {
      await new Promise((resolve) => own(context.bottomHalf('bh', resolve)).schedule());
      await new Promise((resolve) => own(context.timer('timer', resolve)).arm(0));
      const notifier = own(context.notifier('notifier'));
      await new Promise((resolve) => {
        own(context.onSet(notifier, resolve));
        notifier.set();
      });
      const pipe = own(context.pipe('pipe'));
      pipe.write(Uint8Array.of(1));
      await new Promise((resolve) => own(context.onReadable(pipe, resolve)));
      return 'used';
    } finally {
      for (const object of open.reverse()) object.close();
    }
  },
}));
