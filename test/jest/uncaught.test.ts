// SPDX-License-Identifier: MIT
/**
 * What a call-back throws is an uncaught error of its thread, and C goes on as if it had returned;
 * what came out of a call into the module is the runtime's end.
 */
import { afterAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runScript, scratch, type Ended } from './helpers/child.js';
import { fixture } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

/** Each makes a call-back of `context` that does `act()` when it first runs. */
const kinds = {
  'bottom half': "context.bottomHalf('bad', act).schedule();",
  'timer': "context.timer('bad', act).arm(1);",
  'handler': "const n = context.notifier('n'); context.onSet(n, act); n.set();",
  'reader': "const p = context.pipe('p'); context.onReadable(p, act); p.write(new Uint8Array(3));",
};
const ways = {
  'throws': "throw boom;",
  'is rejected': 'return Promise.reject(boom);',
  'is rejected later': 'return (async () => { await null; throw boom; })();',
  'has a bad then': "return { get then() { throw boom; } };",
};
const all = Object.keys(kinds).flatMap((kind) => Object.keys(ways).map((way) => [kind, way] as [keyof typeof kinds, keyof typeof ways]));

const module = `module: new URL(${JSON.stringify(fixture('death').href)})`;
const owner = (body: string): Promise<Ended> => runScript(dir.path, `
  import { Runtime } from 'wasm-aio';
  const boom = new RangeError('boom');
  const runtime = await Runtime.create({ ${module}, reserve: 0 });
  const { context } = runtime;
  ${body}`);

describe('in the owner', () => {
  test.each(all)('a %s that %s: the process ends as after any uncaught error', async (kind, way) => {
    const { code, stdout, stderr } = await owner(`
      const act = () => { ${ways[way]} };
      ${kinds[kind]}
      process.on('exit', () => console.log('exit'));`);
    expect(code).toBe(1);
    expect(stdout).toBe('exit\n');
    // The original error: its class, and the place where it was made.
    expect(stderr).toMatch(/RangeError: boom\n\s+at .*script-\d+\.mjs:3/);
    expect(stderr).not.toContain('AioError');
  });

  test.each(all)('a %s that %s, and the program handles it: the loop goes on', async (kind, way) => {
    const { code, stdout, stderr } = await owner(`
      const seen = [];
      process.on('uncaughtException', (error) => seen.push(error));
      let times = 0;
      const act = () => {
        if (times++ === 0) { ${ways[way]} }
        done();
      };
      const over = new Promise((resolve) => { globalThis.done = resolve; });
      ${kinds[kind]}
      while (seen.length === 0) await new Promise(setImmediate);
      console.log(seen.length, seen[0] === boom);
      // The same object again, and others.
      ${kind === 'reader' ? '// It has bytes yet, and is called again by itself.' : kind === 'handler' ? 'n.set();' : "context.bottomHalf('again', act).schedule();"}
      await over;
      await new Promise((resolve) => context.timer('t', resolve).arm(1));
      await runtime.close();
      console.log('closed', await runtime.closed, seen.length);`);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1 true\nclosed { workersLeft: 0 } 1\n', stderr: '' });
  });

  test('several are each reported, in order, and the others run', async () => {
    const { code, stdout } = await owner(`
      const seen = [], ran = [];
      process.on('uncaughtException', (error) => seen.push(error.message));
      for (const n of [1, 2, 3, 4]) context.bottomHalf('b' + n, () => { ran.push(n); if (n !== 3) throw new Error('e' + n); }).schedule();
      while (seen.length < 3 || ran.length < 4) await new Promise(setImmediate);
      await runtime.close();
      console.log(seen.join(), ran.join());`);
    expect(code).toBe(0);
    // Bottom halves run last in, first out. How many run before the first report depends on the machine: a turn ends after 1 ms.
    expect(stdout).toBe('e4,e2,e1 4,3,2,1\n');
  });

  // What the call into the module ends with; the call-back catches it.
  test.each([
    ['a trap', "runtime.call('die_here', 0)", /die_by_trap/],
    ['a panic', "runtime.call('die_here', 3)", /qemu_mutex_unlock/],
    ['abort()', "runtime.call('die_here', 5)", /abort\(\) was called/],
    ['a stack overflow', "runtime.call('die_here', 7)", /stack/],
    ['exit()', "runtime.call('die_here', 8)", /exit\(\) was called on the owner/],
  ])('%s in a call that a call-back makes is the runtime’s end, although it is caught', async (_what, call, message) => {
    const { code, stdout, stderr } = await owner(`
      let caught;
      context.bottomHalf('bad', () => {
        try { ${call}; } catch (error) { caught = error; }
      }).schedule();
      const error = await runtime.closed.catch((error) => error);
      console.log(error.code, caught === error);
      try { runtime.call('waiting_threads'); } catch (again) { console.log(again === error); }
      await runtime.close();
      console.log(error.message);`);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ERR_AIO_PANIC true\ntrue\n/);
    expect(stdout).toMatch(message);
    expect(code).toBe(0);
  });

  test('nobody waits when the runtime fails: the process does not end with 0', async () => {
    for (const handler of ['', 'try {', ]) {
      const { code, stderr } = await owner(`
        context.bottomHalf('bad', () => { ${handler} runtime.call('die_here', 0); ${handler && '} catch {}'} }).schedule();`);
      expect(code).toBe(1);
      expect(stderr).toMatch(/AioError: the runtime has failed: .*unreachable/);
    }
  });

  test('a refusal to block is an error of the call-back’s, and the runtime lives on', async () => {
    const { code, stdout } = await owner(`
      const seen = [];
      process.on('uncaughtException', (error) => seen.push(error.code));
      context.bottomHalf('bad', () => void runtime.call('wait_for_ever')).schedule();
      while (seen.length === 0) await new Promise(setImmediate);
      console.log(seen.join(), typeof runtime.call('waiting_threads'));
      await runtime.close();`);
    expect(code).toBe(0);
    expect(stdout).toBe('ERR_AIO_WOULD_BLOCK number\n');
  });

  test('a trap in WebAssembly of the user’s own is the call-back’s error', async () => {
    const { code, stdout } = await owner(`
      // (func (export "f") unreachable)
      const bytes = [0,97,115,109,1,0,0,0, 1,4,1,96,0,0, 3,2,1,0, 7,5,1,1,102,0,0, 10,5,1,3,0,0,11];
      const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes));
      const seen = [];
      process.on('uncaughtException', (error) => seen.push(error instanceof WebAssembly.RuntimeError));
      context.bottomHalf('bad', () => instance.exports.f()).schedule();
      while (seen.length === 0) await new Promise(setImmediate);
      await runtime.close();
      console.log(seen.join());`);
    expect(code).toBe(0);
    expect(stdout).toBe('true\n');
  });
});

describe('in an IOThread', () => {
  const file = join(dir.path, 'code.mjs');
  writeFileSync(file, `
    import { serve } from 'wasm-aio/iothread';
    const boom = new RangeError('boom', { cause: 'inner' });
    boom.code = 'EBOOM';
    const seen = [];
    serve((context) => ({
      handle: () => void process.on('uncaughtException', (error) => seen.push(error === boom)),
      seen: () => seen,
      ${Object.entries(kinds).flatMap(([kind, make]) => Object.entries(ways).map(([way, how]) => `
      ${JSON.stringify(`${kind} ${way}`)}: () => {
        let times = 0;
        const act = () => { if (times++ === 0) { ${how} } };
        ${make}
      },`)).join('')}
      ping: () => 'pong',
      never: () => new Promise(() => {}),
    }));`);
  const start = `
    import { Runtime } from 'wasm-aio';
    const runtime = await Runtime.create({ ${module}, reserve: 0 });
    const module = new URL(${JSON.stringify(pathToFileURL(file).href)});
    const [io, other] = await Promise.all(['io0', 'other'].map((name) => runtime.iothread(name, { module })));`;

  test('each ends that IOThread alone, and those who wait for it hear the error', async () => {
    const { code, stdout, stderr } = await runScript(dir.path, `${start}
      await io.close();
      for (const bad of ${JSON.stringify(all.map((names) => names.join(' ')))}) {
        const io = await runtime.iothread('io0', { module });
        const never = io.remote.never().catch((error) => error);
        const closed = io.closed.catch((error) => error);
        io.remote[bad]().catch(() => {});
        const error = await never;
        const { cause } = error;
        const later = await io.remote.ping().catch((error) => error);
        const good = error === await closed && error === later && error.code === 'ERR_AIO_THREAD_LOST' && /'io0' ended.*boom/.test(error.message) &&
          cause instanceof RangeError && cause.message === 'boom' && cause.code === 'EBOOM' && cause.cause === 'inner' && cause.stack.includes('code.mjs:3');
        console.log(bad, good ? 'good' : error, await other.remote.ping());
        await io.close();
      }
      await runtime.close();
      console.log(runtime.workerCount);`);
    expect(stderr).toBe('');
    expect(stdout).toBe(`${all.map((names) => `${names.join(' ')} good pong\n`).join('')}0\n`);
    expect(code).toBe(0);
  });

  test('each is handled there if the code does so, and the loop goes on', async () => {
    const { code, stdout, stderr } = await runScript(dir.path, `${start}
      await io.remote.handle();
      for (const bad of ${JSON.stringify(all.map((names) => names.join(' ')))}) {
        const before = (await io.remote.seen()).length;
        await io.remote[bad]();
        let seen;
        do seen = await io.remote.seen(); while (seen.length === before);
        console.log(bad, seen.length - before, seen.at(-1));
      }
      await runtime.close();`);
    expect(stderr).toBe('');
    expect(stdout).toBe(all.map((names) => `${names.join(' ')} 1 true\n`).join(''));
    expect(code).toBe(0);
  });

  test('nobody waits: it is an uncaught error of the owner’s', async () => {
    const { code, stderr } = await runScript(dir.path, `${start}
      await io.remote['bottom half throws']();`);
    expect(code).toBe(1);
    expect(stderr).toContain("code: 'ERR_AIO_THREAD_LOST'");
    expect(stderr).toMatch(/\[cause\]: RangeError.*: boom\n\s+at .*code\.mjs:3/);
    expect(stderr).toMatch(/AioError: IOThread 'io0' ended: uncaught error in its worker: boom/);
  });
});
