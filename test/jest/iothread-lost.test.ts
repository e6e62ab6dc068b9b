// SPDX-License-Identifier: MIT
/** Ways in which one worker of Node's ends by itself: its IOThread alone ends, and somebody hears of it. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runScript, scratch } from './helpers/child.js';
import { fixture } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);
const file = join(dir.path, 'code.mjs');
writeFileSync(file, `
  import { serve } from 'wasm-aio/iothread';
  serve((context) => ({
    heap() { const all = []; for (;;) all.push(Array.from({ length: 1000 }, (_, i) => [i])); },
    'heap in a call-back'() { context.bottomHalf('full', () => { const all = []; for (;;) all.push(Array.from({ length: 1000 }, (_, i) => [i])); }).schedule(); },
    exit() { process.exit(3); },
    'exit in a call-back'() { context.bottomHalf('exits', () => process.exit(3)).schedule(); },
    never: () => new Promise(() => {}),
    ping: () => 'pong',
  }));`);
const start = `
  import { Worker } from 'node:worker_threads';
  import { Runtime } from 'wasm-aio';
  const runtime = await Runtime.create({ module: new URL(${JSON.stringify(fixture('death').href)}), reserve: 0 });
  let worker;
  const make = () => (worker = new Worker(new URL(${JSON.stringify(pathToFileURL(file).href)}), { resourceLimits: { maxOldGenerationSizeMb: 32 } }));
  const other = await runtime.iothread('other', { worker: make });
  const start = () => runtime.iothread('io0', { worker: make });
  const io = await start();`;

const ways: [string, RegExp, string | undefined][] = [
  ['heap', /^IOThread 'io0' ended: uncaught error in its worker: Worker terminated due to reaching memory limit/, 'ERR_WORKER_OUT_OF_MEMORY'],
  ['heap in a call-back', /^IOThread 'io0' ended: uncaught error in its worker: Worker terminated due to reaching memory limit/, 'ERR_WORKER_OUT_OF_MEMORY'],
  ['exit', /^IOThread 'io0' ended: its worker ended \(exit code 3\)$/, undefined],
  ['exit in a call-back', /^IOThread 'io0' ended: its worker ended \(exit code 3\)$/, undefined],
  ['terminate', /^IOThread 'io0' ended: its worker ended \(exit code 1\)$/, undefined],
];
/** Brings it about. */
const act = (way: string): string => (way === 'terminate' ? 'void worker.terminate();' : `io.remote[${JSON.stringify(way)}]().catch(() => {});`);

describe.each(ways)('%s', (way, message, code) => {
  test('calls and closed reject with it, all else lives on', async () => {
    const { stdout, stderr, code: exit } = await runScript(dir.path, `${start}
      const never = io.remote.never().catch((error) => error);
      const closed = io.closed.catch((error) => error);
      ${act(way)}
      const error = await never;
      console.log(error.message);
      console.log(error.code, error.cause?.code, error === await closed, await other.remote.ping());
      await new Promise((resolve) => runtime.context.timer('t', resolve).arm(1));
      await io.close();
      // Its name is free.
      const again = await start();
      console.log(await again.remote.ping());
      await runtime.close();
      console.log(runtime.workerCount, await runtime.closed);`);
    expect(stderr).toBe('');
    const [said, ...rest] = stdout.split('\n');
    expect(said).toMatch(message);
    expect(rest).toEqual([`ERR_AIO_THREAD_LOST ${code} true pong`, 'pong', '0 { workersLeft: 0 }', '']);
    expect(exit).toBe(0);
  });

  test('nobody waits: the owner hears it, and may go on', async () => {
    const ended = await runScript(dir.path, `${start}
      ${way === 'terminate' ? act(way) : act(way).replace('.catch(() => {})', '').replace('io.remote', 'void io.remote')}
      setTimeout(() => console.log('still here'), 20_000).unref();`);
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toContain('ERR_AIO_THREAD_LOST');
  });
});

test('those who have aborted their calls do not hear it: the owner does', async () => {
  const ended = await runScript(dir.path, `${start}
    const abort = new AbortController();
    const signal = abort.signal;
    const calls = [io.clock({ signal }), io.call('wait_for_ever', { signal })].map((call) => call.catch((error) => error.name));
    // Their thread is in the second one.
    while (runtime.call('waiting_threads') === 0) await new Promise(setImmediate);
    abort.abort();
    console.log(await Promise.all(calls));
    void worker.terminate();
    setTimeout(() => console.log('still here'), 20_000).unref();`);
  expect(ended.stdout).toMatch(/'AbortError' \]\n$/);
  expect(ended.stderr).toContain('ERR_AIO_THREAD_LOST');
  expect(ended.code).not.toBe(0);
});
