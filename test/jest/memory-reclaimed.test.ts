// SPDX-License-Identifier: MIT
/** However a runtime or a guest ends, its shared memory can be collected. */
import { afterAll, expect, test } from '@jest/globals';
import { runScript, scratch } from './helpers/child.js';
import { fixture } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

const guest = (module: URL, options: string): string => `
  const host = await WasiHost.create({ module: new URL('${module.href}'), stdout: 'closed', stderr: 'closed', ${options} });
  await host.run().catch((error) => { if (!error.code?.startsWith('ERR_AIO_')) throw error; });
  await host.close();`;
const program = (what: string): string => guest(fixture('program'), `args: ['program', '${what}']`);
const runtime = (end: string): string => `
  const aio = await Runtime.create({ module: new URL('${fixture('death').href}') });
  await aio.iothread('io');
  ${end}
  await aio.close().catch(() => {});`;

test.each([
  ['a runtime that is closed', runtime('')],
  ['a runtime that panics', runtime(`try { aio.call('die_here', 5); } catch {}`)],
  ['a guest that returns', program('join')],
  ['a guest that returns while a thread waits', program('return-early')],
  ['a guest that exits in another thread', program('exit-elsewhere')],
  ['a guest that panics', program('trap')],
  ['a guest that is ended after a time', guest(fixture('../examples/rot13'), 'stdin: new ReadableStream(), timeout: 200')],
])('%s', async (_what, end) => {
  const ended = await runScript(dir.path, `
    import { Runtime } from 'wasm-aio';
    import { WasiHost } from 'wasm-aio/wasi';
    const made = [];
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class extends Memory {
      constructor(limits) {
        super(limits);
        made.push(new WeakRef(this));
      }
    };
    async function once() {${end}
    }
    await once();
    while (made.some((memory) => memory.deref())) {
      // What deref() has returned lives until this turn of the event loop is over.
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    console.log(made.length);`, ['--expose-gc']);
  expect(ended).toEqual({ code: 0, signal: null, stdout: '1\n', stderr: '' });
});
