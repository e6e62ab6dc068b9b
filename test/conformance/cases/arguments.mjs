// SPDX-License-Identifier: MIT
/** Wrong arguments are refused, whatever the runtime thinks of their types, and everything goes on. */
import { Runtime } from 'wasm-aio';

export default async function ({ check }) {
  const aio = await Runtime.create({ reserve: 1 });
  const io = await aio.iothread('io');
  const { context } = aio;
  const [pipe, timer, notifier] = [context.pipe('pipe'), context.timer('timer', () => {}), context.notifier('notifier')];
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const trap = new Proxy({}, { get() { throw new RangeError('trap'); } });
  const calls = {
    'a text for a pipe': ['bytes', () => pipe.write('text')], 'nothing for a pipe': ['bytes', () => pipe.write()],
    'an ArrayBuffer for a pipe': ['bytes', () => pipe.write(new ArrayBuffer(4))], 'a transferred buffer': ['bytes', () => pipe.write(detached)],
    'a negative limit': ['limit', () => pipe.read(-1)], 'a bigint as limit': ['limit', () => pipe.read(10n)],
    'no options': ['options', () => io.set()], 'a bigint as delay': ['delayMs', () => timer.arm(10n)], 'NaN as delay': ['delayMs', () => timer.arm(NaN)],
    'a symbol as name': ['name', () => aio.iothread(Symbol('s'))], 'no call-back': ['run', () => context.timer('t')],
    'no handler': ['run', () => context.onSet(notifier)], 'no notifier': ['notifier', () => context.onSet(trap, () => {})],
    'a fraction for malloc': ['args', () => io.call('malloc', 1.5)], 'a text for malloc': ['args', () => aio.call('malloc', '16')],
    'an unknown option': ['pollMaxNs', () => io.set({ pollmaxns: 1 })], 'a signal that is none': ['signal', () => io.clock({ signal: {} })],
    'options that throw': ['signal', () => Runtime.create({ get signal() { throw new RangeError('trap'); } })],
    'a module that is none': ['module', () => Runtime.create({ module: 'aio.wasm' })], 'a bigint as length': ['length', () => aio.allocate(1n)],
  };
  for (const [what, [named, call]] of Object.entries(calls)) {
    const error = await (async () => call())().then(() => undefined, (reason) => reason);
    check(error?.code === 'ERR_AIO_INVALID_ARG' && error.message.includes(named), `${what}: ${error}`);
  }
  check(aio.call('malloc', 16n) > 0, 'malloc with a bigint');
  check(JSON.stringify(timer) === '{"name":"timer","pending":false}', JSON.stringify(timer));

  // The longest delays wait.
  let early = 0;
  const long = [2 ** 31, 2 ** 40, 1e13, 1e15].map((ms) => context.timer(`${ms}`, () => early++));
  [2 ** 31, 2 ** 40, 1e13, 1e15].forEach((ms, n) => long[n].arm(ms));
  await new Promise((resolve) => context.timer('short', resolve).arm(20));
  check(early === 0, `${early} long timers ran at once`);
  for (const each of long) each.close();

  check(typeof await io.clock() === 'number', 'the IOThread answers');
  await aio.close();
  return `${Object.keys(calls).length} refused`;
}
