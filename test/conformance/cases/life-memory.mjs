// SPDX-License-Identifier: MIT
/** An engine refuses a large memory, as on phones: less is tried, and what was asked for by a number is refused with its size. */
import { Runtime } from 'wasm-aio';

const PAGE = 65536;
const MIB = 1024 ** 2;

/** Makes the engine refuse every memory that may grow to more than so many pages. */
function refuse(most) {
  const { Memory } = WebAssembly;
  const tried = [];
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, [limits]) {
      tried.push(limits.maximum);
      if (limits.maximum > most) throw new RangeError('could not allocate memory');
      return Reflect.construct(target, [limits]);
    },
  });
  return { tried, allow: () => (WebAssembly.Memory = Memory) };
}

export default async function ({ check }) {
  const some = refuse((100 * MIB) / PAGE);
  const aio = await Runtime.create();
  check(String(some.tried) === '16384,8192,4096,2048,1024', `tried ${some.tried} pages`);
  const io = await aio.iothread('io');
  await io.clock();
  await aio.close();
  const given = await Runtime.create({ maximumMemory: 128 * MIB }).catch((error) => error);
  check(given.code === 'ERR_AIO_NO_MEMORY' && given.message.includes('128 MiB'), `asked for: ${given}`);
  some.allow();

  const all = refuse(0);
  const none = await Runtime.create().catch((error) => error);
  check(none.code === 'ERR_AIO_NO_MEMORY' && none.message.includes('16 MiB'), `nothing: ${none}`);
  all.allow();
  await (await Runtime.create()).close();
  return none.message;
}
