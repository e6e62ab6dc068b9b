// SPDX-License-Identifier: MIT
/** A trap, a panic or a full stack in one thread: everything pending is rejected with it, and all workers end. */
import { Runtime } from 'wasm-aio';

export default async function ({ module, check }) {
  for (const name of ['trap', 'panic', 'overflow']) {
    for (const inOwner of [false, true]) {
      const aio = await Runtime.create({ module: module('panic.module') });
      const [one, other] = await Promise.all([aio.iothread('one'), aio.iothread('other')]);
      const never = aio.context.notifier('never').wait().then(() => 'set', (error) => error.code);
      await other.clock();
      let message;
      try {
        if (inOwner) aio.call(name);
        else await one.call(name);
        message = 'nothing was thrown';
      } catch (error) {
        check(error.code === 'ERR_AIO_PANIC', `${name}: ${error}`);
        message = error.message;
      }
      const [later, waited] = await Promise.all([other.clock().then(() => 'answered', (error) => error.code), never]);
      check(later === 'ERR_AIO_PANIC' && waited === later, `${name}, ${inOwner ? 'owner' : 'IOThread'}: ${message}; later ${later}, ${waited}`);
      await aio.close();
      check(aio.workerCount === 0, `${aio.workerCount} workers are left`);
    }
  }
}
