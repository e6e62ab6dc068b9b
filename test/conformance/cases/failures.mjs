// SPDX-License-Identifier: MIT
/** Failures end what failed, are told to those who wait, else to the owner's handler of uncaught
 * errors, and leave everything else alone. */
import { Runtime } from 'wasm-aio';

/** What nobody caught in this thread, instead of an end of it. */
function catchUncaught(page) {
  const seen = [];
  if (page) {
    const listen = (event) => {
      seen.push(event.error ?? event.reason);
      event.preventDefault();
    };
    for (const type of ['error', 'unhandledrejection']) addEventListener(type, listen);
  } else {
    for (const type of ['uncaughtException', 'unhandledRejection']) process.on(type, (error) => seen.push(error));
  }
  return seen;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

export default async function ({ makeWorker, module, check, page, exit }) {
  const uncaught = catchUncaught(page);
  const aio = await Runtime.create({ reserve: 0 });
  const code = { worker: () => makeWorker(new URL('./failures.worker.mjs', import.meta.url)) };
  const next = async () => {
    while (uncaught.length === 0) await turn();
    return uncaught.splice(0);
  };

  // In the owner: the original object, and the loop goes on.
  const boom = new RangeError('boom');
  const fails = { throws: () => { throw boom; }, rejects: async () => { throw boom; } };
  for (const [how, fail] of Object.entries(fails)) {
    const bad = aio.context.bottomHalf('bad', fail);
    bad.schedule();
    const seen = await next();
    check(seen.length === 1 && seen[0] === boom, `owner ${how}: ${seen}`);
    await new Promise((resolve) => aio.context.timer('good', resolve).arm(1));
    bad.close();
  }

  // In an IOThread: that one ends, and those who wait hear of it.
  const other = await aio.iothread('other', code);
  for (const how of ['callback', 'timer', 'stray', 'late', 'lent']) {
    const io = await aio.iothread('io', code);
    const [never, closed] = [io.remote.never(), io.closed].map((promise) => promise.catch((error) => error));
    io.remote[how](fails.throws).catch(() => {});
    const error = await never;
    const { cause } = error;
    check(error.code === 'ERR_AIO_THREAD_LOST', `${how}: ${error}`);
    check(error === (await closed), `${how}: closed ${await closed}`);
    check(cause instanceof RangeError && cause.message === 'boom' && cause.stack.length > 0, `${how}: cause ${cause}`);
    if (how !== 'lent') {
      check(cause.name === 'OwnError' && cause.code === 'EOWN' && cause.cause instanceof TypeError, `${how}: cause ${cause.name} ${cause.code} ${cause.cause}`);
      check(/failures\.worker/.test(cause.stack), `${how}: stack ${cause.stack}`);
    }
    check((await other.remote.ping()) === 'pong', `${how}: other`);
    const later = await io.remote.ping().catch((error) => error);
    check(later === error, `${how}: later ${later}`);
    await io.close();
  }

  // Nobody waits.
  const alone = await aio.iothread('io', code);
  alone.remote.callback().catch(() => {});
  const [told] = await next();
  check(told.code === 'ERR_AIO_THREAD_LOST' && told.cause?.message === 'boom', `told ${told}`);
  await alone.closed.then(() => check(false, 'closed resolved'), (error) => check(error === told, `closed ${error}`));

  // Its code handles them.
  const calm = await aio.iothread('io', code);
  await calm.remote.handle();
  for (const how of ['callback', 'timer', 'stray', 'late']) {
    await calm.remote[how]();
    let seen;
    do seen = await calm.remote.seen(); while (seen.length === 0);
    check(seen.join() === 'OwnError boom', `${how}: handled ${seen}`);
  }
  await calm.close();
  check('workersLeft' in (await calm.closed), 'an ordinary end');

  // One that spins.
  const begun = async (io) => {
    const count = new Int32Array(io.remote.began);
    while (Atomics.load(count, 0) === 0) await turn();
  };
  const spins = await aio.iothread('io', code);
  const spinning = spins.remote.spin().catch((error) => error);
  await begun(spins);
  const terminated = spins.terminate();
  check((await spinning).code === 'ERR_AIO_THREAD_LOST', `terminate: ${await spinning}`);
  await terminated;
  await spins.closed;
  const hangs = await aio.iothread('io', code);
  const hanging = hangs.remote.spin().catch((error) => error);
  await begun(hangs);
  const late = await hangs.close({ timeout: 100 }).catch((error) => error);
  check(late?.code === 'ERR_AIO_TIMEOUT' && /100|0\.1 s/.test(late.message), `close: ${late}`);
  check((await hanging).code === 'ERR_AIO_THREAD_LOST', `close: ${await hanging}`);

  // A file that throws, and one that serves nothing.
  const script = (text) => ({ worker: () => makeWorker(new URL(`data:text/javascript,${encodeURIComponent(text)}`)) });
  const broken = await aio.iothread('io', script('throw new Error("broken");')).catch((error) => error);
  check(broken.code === 'ERR_AIO_INVALID_ARG' && /broken/.test(broken.message) && /broken/.test(broken.cause?.message), `broken: ${broken}`);
  const silent = await aio.iothread('io', { ...script('setInterval(() => {}, 1e6);'), startTimeout: 300 }).catch((error) => error);
  check(silent.code === 'ERR_AIO_TIMEOUT', `silent: ${silent}`);

  check((await other.remote.ping()) === 'pong', 'the other one at the end');
  await aio.close();
  await aio.closed;
  check(aio.workerCount === 0, `${aio.workerCount} workers`);
  await turn();
  check(uncaught.length === 0, `uncaught: ${uncaught}`);

  // What comes out of the module is the runtime's end, although the call-back catches it.
  const own = await Runtime.create({ module: module('panic.module'), reserve: 0 });
  own.context.bottomHalf('bad', () => {
    try {
      own.call('trap');
    } catch {
      // Too late.
    }
  }).schedule();
  const end = await own.closed.catch((error) => error);
  check(end.code === 'ERR_AIO_PANIC', `panic: ${end}`);
  await own.close();
  check(uncaught.length === 0, `uncaught at the end: ${uncaught}`);
  exit();
}
