// SPDX-License-Identifier: MIT
/** Strangers' modules: plain preview1 commands and wasi-threads, whole programs by WasiHost and `wasm-aio run`. */
import { afterAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { WasiHost, type WasiOptions } from 'wasm-aio/wasi';
import { runScript, scratch, spawned, wasmAio, type Ended } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { cli, dist, pathOf, top } from './helpers/paths.js';

/** What a guest's threads share (ts/src/wasi/shared.ts). */
interface LockedTable {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  withTable<T>(work: () => T): T;
  end(): void;
}

const dir = scratch();
afterAll(dir.remove);
const command = pathOf('build/plain/command.wasm');
const threads = pathOf('build/plain/threads.wasm');
const run = (what: string, program = command): Promise<Ended> => wasmAio('run', program, what);

/** Runs it in this process: its code, and what it wrote. */
async function inside(what: string, options: Partial<WasiOptions> = {}, program = 'command'): Promise<{ code: number; out: string }> {
  const stdout = new PassThrough();
  let out = '';
  stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const host = await WasiHost.create({ module: new URL(`build/plain/${program}.wasm`, top), args: ['program', what], stdin: '', stdout, ...options });
  try {
    return { code: await host.run(), out };
  } finally {
    await host.close();
  }
}

test('a command runs to its end, or to proc_exit', async () => {
  expect(await run('ignore')).toMatchObject({ code: 0, stdout: 'not read\n', stderr: '' });
  expect(await run('exit')).toMatchObject({ code: 7, stderr: '' });
  expect(await inside('exit')).toEqual({ code: 7, out: '' });
});

test('a duplex stream as standard output: its other side is not touched', async () => {
  const stdout = new PassThrough();
  const pieces: Buffer[] = [];
  stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const host = await WasiHost.create({ module: new URL('build/examples/rot13.wasm', top), stdin: 'Hello', stdout });
  expect(await host.run()).toBe(0);
  await host.close();
  expect(Buffer.concat(pieces).toString()).toBe('Uryyb');
});

test('a trap: 134, what was written before, and where it was', async () => {
  const { code, stdout, stderr } = await run('trap');
  expect({ code, stdout }).toEqual({ code: 134, stdout: 'before\n' });
  expect(stderr).toMatch(/^wasm-aio: the guest has failed: .*unreachable.* \[thread 'main', in trap_here < _start\]\n$/);
  await failure(inside('trap'), 'ERR_AIO_PANIC');
});

test("the guest's own stack runs over: its own trap", async () => {
  const { code, stderr } = await run('recurse');
  expect(code).toBe(134);
  expect(stderr).toMatch(/^wasm-aio: the guest has failed: .*, in down < down/);
});

test('--timeout ends what never ends: 124, and where everything is', async () => {
  const { code, stderr } = await wasmAio('run', '--timeout=0.3', command, 'spin');
  expect(code).toBe(124);
  expect(stderr).toMatch(/^wasm-aio: the guest was ended after 300 ms\n1 threads\nfd 0: file\nfd 1: stream, 0 bytes/);
  await failure(inside('spin', { timeout: 300 }), 'ERR_AIO_TIMEOUT');
});

test('input comes while the guest waits for it or a clock; or the end of it; or the time is over', async () => {
  const input = (script: string): Promise<Ended> => spawned('sh', ['-c', `${script} | ${process.execPath} ${cli} run ${command} wait`]);
  expect(await input('printf x')).toMatchObject({ code: 0, stdout: 'input\n' });
  expect(await input('true')).toMatchObject({ code: 0, stdout: 'end\n' });
  const stdin = new PassThrough();
  expect(await inside('time', { stdin })).toEqual({ code: 0, out: 'time\n' });
  const waiting = inside('wait', { stdin });
  stdin.write('now');
  expect(await waiting).toEqual({ code: 0, out: 'input\n' });
});

test("a guest that does not read leaves the shell's input alone", async () => {
  const script = `printf 'one\\ntwo\\n' | (${process.execPath} ${cli} run ${command} ignore; cat)`;
  expect(await spawned('sh', ['-c', script])).toMatchObject({ code: 0, stdout: 'not read\none\ntwo\n' });
});

test('files as standard streams: read and written where the shell has them', async () => {
  const [from, to] = [join(dir.path, 'from'), join(dir.path, 'to')];
  writeFileSync(from, 'line 1\nline 2\n');
  const script = `(read first; ${process.execPath} ${cli} run ${command} cat) < ${from} >> ${to}; printf 'rest\\n' >> ${to}`;
  writeFileSync(to, 'begin\n');
  await spawned('sh', ['-c', script]);
  expect(readFileSync(to, 'utf8')).toBe('begin\nline 2\nrest\n');
});

test('standard streams that are closed are no fds; the guest ends all the same', async () => {
  const ended = await spawned('sh', ['-c', `${process.execPath} ${cli} run ${command} cat <&- 2>/dev/null`]);
  expect(ended).toMatchObject({ stdout: '' });
});

test('wasi-threads: started, joined, and all of them end with the first that ends all', async () => {
  expect(await run('join', threads)).toMatchObject({ code: 0, stdout: 'all\n', stderr: '' });
  expect(await run('exit', threads)).toMatchObject({ code: 42, stdout: '', stderr: '' });
  const { code, stderr } = await run('trap', threads);
  expect(code).toBe(134);
  expect(stderr).toMatch(/^wasm-aio: the guest has failed: .*unreachable.* \[thread 'thread \d', in trap_here < thread_main < wasi_thread_start\]\n$/);
  expect(await inside('read', { stdin: new PassThrough() }, 'threads')).toEqual({ code: 42, out: '' });
});

test('several threads wait for standard input: each piece wakes one that takes it, and the others ask for more', async () => {
  let printed = 0;
  let more = (): void => {};
  const stdout = new WritableStream<Uint8Array>({
    write(bytes) {
      printed += bytes.length;
      more();
    },
  });
  let given = 0;
  const stdin = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A piece for one thread, once the one before was printed.
      while (printed < given) await new Promise<void>((resolve) => (more = resolve));
      given++;
      controller.enqueue(new Uint8Array([120]));
    },
  }, { highWaterMark: 0 });
  expect(await inside('each', { stdin, stdout }, 'threads')).toMatchObject({ code: 0 });
  expect(printed).toBe(8 + 'some\n'.length);
}, 60_000);

test('wasi-threads: 50 threads one after another run in one worker', async () => {
  const ended = await runScript(dir.path, `
    import { WasiHost } from 'wasm-aio/wasi';
    let workers = 0;
    process.on('worker', () => workers++);
    const host = await WasiHost.create({ module: new URL('file://${threads}'), args: ['threads', 'again'], maxThreads: 2 });
    const code = await host.run();
    console.error(code, workers);
    await host.close();
  `);
  expect(ended).toMatchObject({ code: 0, stdout: 'all\n', stderr: '0 2\n' });
});

test.each([['as it is started'], ['--liftoff', '--no-wasm-tier-up']])('wasi-threads: what waits and notifies keeps its local variables (%s)', async (...flags) => {
  const args = [...flags.filter((flag) => flag.startsWith('--')), cli, 'run', threads, 'locals'];
  expect(await spawned(process.execPath, args)).toMatchObject({ code: 0, stdout: 'right\n', stderr: '' });
});

test('wasi-threads: at the limit thread-spawn says EAGAIN', async () => {
  expect(await inside('limit', { maxThreads: 4 }, 'threads')).toEqual({ code: 0, out: 'three\n' });
});

test('what is no preview1 command is refused by name', async () => {
  const wat = (...bytes: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes]);
  const text = (name: string): number[] => [name.length, ...Buffer.from(name)];
  const refused = async (module: Uint8Array<ArrayBuffer>): Promise<string> => {
    return (await failure(WasiHost.create({ module }), 'ERR_AIO_MODULE')).message;
  };
  expect(await refused(wat())).toMatch(/exports no _start/);
  // (import "env" "frob" (func))
  const body = [1, ...text('env'), ...text('frob'), 0, 0];
  expect(await refused(wat(1, 4, 1, 0x60, 0, 0, 2, body.length, ...body))).toMatch(/imports env\.frob/);
  const missing = await wasmAio('run', '--dir', join(dir.path, 'nowhere'), command);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/^wasm-aio: .*nowhere.*ENOENT/);
  expect((await wasmAio('run', '--listen=999.1.1.1:x', command)).stderr).toMatch(/HOST:PORT/);
  expect((await wasmAio('run', '--timeout=-1', command)).stderr).toMatch(/above 0/);
});

test('what cannot be in an environment is refused', async () => {
  for (const [name, value] of [['A=B', 'x'], ['', 'x'], ['A', 'x\0']] as const) {
    const env = { [name]: value };
    const error = await failure(WasiHost.create({ module: new URL('build/plain/command.wasm', top), env }), 'ERR_AIO_INVALID_ARG');
    expect(error.message).toMatch(/options\.env/);
  }
});

test('--env and --dir reach the guest; a WasiHost runs once, and not when it is closed', async () => {
  const host = await WasiHost.create({ module: new URL('build/plain/command.wasm', top), args: ['x', 'exit'], stdin: 'closed' });
  expect(await host.run()).toBe(7);
  await failure(host.run(), 'ERR_AIO_INVALID_ARG');
  await host.close();
  await host.close();
  const waiting = await WasiHost.create({ module: new URL('build/plain/command.wasm', top), args: ['x', 'wait'], stdin: new PassThrough() });
  const running = failure(waiting.run(), 'ERR_AIO_CLOSED');
  await waiting.close();
  await running;
});

test('a thread that waits for a lock of its guest leaves when the guest is over, though nobody unlocks it', async () => {
  const { Shared } = (await import(dist('wasi/shared.js'))) as { Shared: { create(streams: boolean): LockedTable } };
  const shared = Shared.create(false);
  const left = new Int32Array(new SharedArrayBuffer(4));
  const worker = shared.withTable(() => {
    const started = new Worker(`
      const { buffer, left, shared } = require('node:worker_threads').workerData;
      import(shared).then(({ Shared, GuestEnded }) => {
        const own = new Shared(buffer);
        own.enter();
        let how = 1;
        try { own.withTable(() => {}); } catch (error) { how = error instanceof GuestEnded ? 2 : 3; }
        Atomics.store(left, 0, how);
        Atomics.notify(left, 0);
      });`, { eval: true, workerData: { buffer: shared.buffer, left, shared: dist('wasi/shared.js') } });
    // 2: it sleeps for the lock.
    while (Atomics.load(shared.words, 1) !== 2) Atomics.wait(left, 0, 0, 1);
    shared.end();
    Atomics.wait(left, 0, 0);
    return started;
  });
  expect(left[0]).toBe(2);
  await worker.terminate();
});
