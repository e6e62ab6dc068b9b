// SPDX-License-Identifier: MIT
/**
 * Every public function, called with wrong arguments: each is refused by name before anything is
 * run, nothing hangs, and the runtime works afterwards. The functions and the types of their
 * parameters come from the package's own declarations; how to get at each is below, and one that
 * is not there fails.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { types } from 'node:util';
import * as lib from 'wasm-aio';
import * as comlink from 'wasm-aio/comlink';
import * as code from 'wasm-aio/iothread';
import * as pools from 'wasm-aio/pool';
import * as rings from 'wasm-aio/ring';
import * as sockets from 'wasm-aio/socket';
import * as streams from 'wasm-aio/streams';
import wasmAio from 'wasm-aio/vite';
import * as wasi from 'wasm-aio/wasi';
import { NbdPeer } from './helpers/nbd-peer.js';
import { fixture, top } from './helpers/paths.js';
import { mayBe, optionsOf, publicFunctions, typesOf, type Callable, type Parameter } from './helpers/public-api.js';

const { AioError, AioStream, Runtime, WasiHost } = { ...lib, ...wasi };
const classes = { ...lib, ...pools, ...rings, ...wasi, SharedArrayBuffer, Module: WebAssembly.Module, Uint8Array, URL, AbortSignal, Error, ArrayBuffer, ReadableStream, WritableStream, MessagePort } as Record<string, unknown>;

// ---- How to get at each ----

const dir = mkdtempSync(join(tmpdir(), 'arguments-'));
const path = join(dir, 'file');
const guest = new URL('build/examples/rot13.wasm', top);
const module = fixture('types');
class OwnError extends Error {}
const poolTasks = new URL('./fixtures/pool-tasks.js', import.meta.url);

let runtime: lib.Runtime;
let io: lib.IOThread;
let file: lib.AioFile;
let coded: lib.IOThread;
const peer = new NbdPeer(Buffer.alloc(4096));
let small: lib.AioFile;
/** Ends what speaks to it, such as TLS, of which it knows nothing. */
const server = createServer((socket) => socket.on('error', nothing).once('data', () => socket.destroy()));
const serverAddress = (): sockets.SocketAddress => ({ port: (server.address() as AddressInfo).port });
beforeAll(async () => {
  writeFileSync(path, 'x'.repeat(4096));
  runtime = await Runtime.create({ module, reserve: 0 });
  io = await runtime.iothread('io');
  file = await io.open(path, { write: true });
  small = await io.open(`nbd://127.0.0.1:${await peer.listen()}/disk`, { write: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  coded = await runtime.iothread('coded', { module: new URL('./fixtures/iothread-asks.js', import.meta.url) });
});
afterAll(async () => {
  await runtime.close();
  await peer.close();
  server.close();
  rmSync(dir, { recursive: true });
});

/** A stream that always has bytes, and takes all. */
const webStreams = () => ({
  readable: new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(8)) }), writable: new WritableStream<Uint8Array>(),
});
let names = 0;
const name = (): string => `name ${names++}`;
function nothing(): void {}

/** An object of each class, or for one method, fresh for each call. */
const objects: Record<string, () => unknown> = {
  // In a runtime of its own: a time-out of 0 cuts off whatever it does.
  async 'IOThread#close'() {
    const own = await Runtime.create({ module, reserve: 0 });
    own.closed.catch(() => {});
    const ended = await own.iothread('own');
    void ended.closed.catch(() => {}).then(() => own.close()).catch(() => {});
    return ended;
  },
  Runtime: () => runtime,
  'Runtime#close': () => Runtime.create({ module, reserve: 0 }),
  IOThread: () => io,
  AioContext: () => runtime.createContext(name()),
  // It is closed soon, which ends whatever it does.
  'AioContext#sleep'() {
    const context = runtime.createContext(name());
    setImmediate(() => void context.close());
    return context;
  },
  AioFile: () => io.open(path, { write: true }),
  // An export does not grow, so that gigabytes end at once.
  'AioFile#writeZeroes': () => ({ writeZeroes: (...args: Parameters<lib.AioFile['writeZeroes']>) => small.writeZeroes(...args) }),
  BottomHalf: () => runtime.context.bottomHalf(name(), nothing),
  Timer: () => runtime.context.timer(name(), nothing),
  Notifier: () => {
    const notifier = runtime.context.notifier(name());
    notifier.set();
    return notifier;
  },
  Pipe: () => runtime.context.pipe(name()),
  AioStream: () => AioStream.from(webStreams()),
  AioSocket: () => sockets.connect(runtime.context, serverAddress()),
  async AioListener() {
    const listener = await sockets.listen(runtime.context, { port: 0 });
    connect((listener.address as AddressInfo).port).on('error', nothing).resume();
    return listener;
  },
  Pool: () => new pools.Pool({ module: poolTasks, runtime, threads: { max: 1 }, name: name() }),
  RingProducer: () => new rings.RingProducer(rings.createRing()),
  RingConsumer: () => {
    const ring = rings.createRing();
    new rings.RingProducer(ring).tryWrite(new Uint8Array(4));
    return new rings.RingConsumer(ring);
  },
  WasiHost: () => WasiHost.create({ module: guest, args: ['rot13'], stdin: '', stdout: 'closed' }),
};

/** Arguments that are right, made for each call. */
const right: Record<string, () => unknown[]> = {
  'new AioError': () => ['ERR_AIO_IO', 'message', {}],
  'Runtime.create': () => [{ module, reserve: 0 }],
  'Runtime#createContext': () => [name()],
  'Runtime#iothread': () => [name(), {}],
  'Runtime#allocate': () => [16],
  'Runtime#call': () => ['twice', 21],
  'Runtime#coroutine': () => ['same', 7, {}],
  'Runtime#main': () => [{}],
  'Runtime#trace': () => [{ duration: 0 }],
  'Runtime#metrics': () => [],
  'Runtime#onSlowCallback': () => [1e6, nothing],
  'Runtime#close': () => [{}],
  'IOThread#set': () => [{}],
  'IOThread#close': () => [{}],
  'IOThread#open': () => [path, {}],
  'IOThread#engineStats': () => ['threads'],
  'IOThread#clock': () => [{}],
  'IOThread#call': () => ['twice', 21],
  'IOThread#coroutine': () => ['same', 7, {}],
  'AioContext#bottomHalf': () => [name(), nothing],
  'AioContext#timer': () => [name(), nothing],
  'AioContext#notifier': () => [name()],
  'AioContext#pipe': () => [name(), {}],
  'AioContext#fromHandle': () => [runtime.context.notifier(name()).toHandle()],
  'AioContext#sleep': () => [1, {}],
  'AioContext#interval': () => [1, {}],
  'AioContext#onSet': () => [runtime.context.notifier(name()), nothing],
  'AioContext#onReadable': () => [runtime.context.pipe(name()), nothing],
  'AioContext#onWritable': () => [runtime.context.pipe(name()), nothing],
  'Notifier#wait': () => [{}],
  'Notifier#values': () => [{}],
  'Pipe#write': () => [new Uint8Array(4)],
  'Pipe#read': () => [4],
  'Pipe#drain': () => [{}],
  'Pipe#writeAll': () => [new Uint8Array(4), {}],
  'Pipe#values': () => [{}],
  'Timer#arm': () => [1e6],
  'AioFile#read': () => [0, 16, {}],
  'AioFile#readv': () => [0, [new Uint8Array(4)], {}],
  'AioFile#write': () => [0, new Uint8Array(4), {}],
  'AioFile#writev': () => [0, [new Uint8Array(4)], {}],
  'AioFile#writeZeroes': () => [0, 16, {}],
  'AioFile#discard': () => [0, 16, {}],
  'AioFile#blockStatus': () => [0, 16, {}],
  'AioFile#flush': () => [{}],
  'AioFile#stat': () => [{}],
  'AioFile#truncate': () => [16, {}],
  'AioStream.from': () => [webStreams()],
  'AioStream#read': () => [{}],
  'AioStream#write': () => [new Uint8Array(4), {}],
  connect: () => [runtime.context, serverAddress(), {}],
  listen: () => [runtime.context, { port: 0 }, {}],
  'AioListener#accept': () => [{}],
  'AioListener#values': () => [{}],
  'AioListener#onConnection': () => [nothing],
  'AioSocket#write': () => [new Uint8Array(4)],
  'AioSocket#read': () => [4],
  'AioSocket#onReadable': () => [nothing],
  'AioSocket#onWritable': () => [nothing],
  'AioSocket#drain': () => [{}],
  'AioSocket#writeAll': () => [new Uint8Array(4), {}],
  'AioSocket#values': () => [{}],
  'WasiHost.create': () => [{ module: guest, stdin: '', stdout: 'closed' }],
  'WasiHost#run': () => [{}],
  'WasiHost#post': () => ['data', []],
  proxy: () => [{}],
  transfer: () => [{}, []],
  release: () => [nothing],
  registerError: () => [OwnError, 'OwnError'],
  withOptions: () => [coded.remote, {}],
  sync: () => [coded.remote, {}],
  serve: () => [{}],
  endpoint: () => [{ name: 'io', remote: { comlink: async (deliver: unknown) => deliver }, closed: Promise.resolve() }],
  serveEndpoint: () => [nothing],
  exposeSync: () => [{}, comlink.serveEndpoint(nothing)],
  wrapSync: () => [{ comlinkSync: nothing }, {}],
  doctor: () => [{ module }],
  readable: () => [file, {}],
  writable: () => [file, {}],
  describeFindings: () => [[{ about: 'engine', state: 'ok', message: '', remedy: '' }]],
  default: () => [{}],
  'new Pool': () => [{ module: poolTasks }],
  'Pool#run': () => [1, { name: 'where' }],
  tasks: () => [{ default: nothing }],
  createRing: () => [{}],
  ringByteLength: () => [1024],
  'new RingProducer': () => [rings.createRing(), {}],
  'RingProducer#tryWrite': () => [new Uint8Array(4)],
  'RingProducer#write': () => [new Uint8Array(4), {}],
  'RingProducer#writeSync': () => [new Uint8Array(4), {}],
  'RingProducer#flush': () => [{}],
  'RingProducer#flushSync': () => [{}],
  'RingProducer#close': () => [new Error('as it should')],
  'new RingConsumer': () => [rings.createRing(), {}],
  'RingConsumer#read': () => [{}],
  'RingConsumer#readSync': () => [{}],
  'RingConsumer#wait': () => [{}],
  'RingConsumer#waitSync': () => [{}],
  'RingConsumer#close': () => [new Error('as it should')],
};

const functions: Record<string, unknown> = { ...lib, ...code, ...comlink, ...pools, ...rings, ...sockets, ...streams, ...wasi, default: wasmAio };

/** Calls it, with this or on this. */
async function call(of: string, args: unknown[]): Promise<{ result: unknown }> {
  const [, isNew, owner, kind, method] = /^(new )?(?:(\w+)([.#]))?(.+)$/.exec(of) as unknown as [string, ...(string | undefined)[]];
  // Only what is a promise: the caller's own object may come back.
  const settled = async (result: unknown): Promise<{ result: unknown }> => ({ result: types.isPromise(result) ? await result : result });
  if (isNew !== undefined) return { result: new (functions[method ?? ''] as new (...args: unknown[]) => unknown)(...args) };
  if (owner === undefined) return settled((functions[method ?? ''] as (...args: unknown[]) => unknown)(...args));
  const self = (kind === '.' ? functions[owner] : await (objects[of] ?? objects[owner])?.()) as Record<string, (...args: unknown[]) => unknown>;
  try {
    return await settled(self[method ?? '']?.(...args));
  } finally {
    if (kind === '#' && self !== (runtime as unknown) && self !== (io as unknown)) await close(self);
  }
}

async function close(value: unknown): Promise<void> {
  try {
    await (value as { close?(): unknown } | undefined)?.close?.();
  } catch {
    // It has nothing to close, or cannot be read.
  }
}

// ---- What is tried ----

const detached = new Uint8Array(8);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const fails = (): never => {
  throw new RangeError('a trap of the caller');
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const values: readonly unknown[] = [
  undefined, null, true, false, 0, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 1e300, 10n, -1n, 2n ** 64n, '', 'text', 'a\0b',
  Symbol('s'), {}, Object.create(null), [], [1], nothing, new Date(0), new ArrayBuffer(4), new Uint8Array(2), detached, new DataView(new ArrayBuffer(4)),
  { get signal() { return fails(); } }, new Proxy({}, { get: fails, ownKeys: fails, has: fails, getPrototypeOf: fails }), revoked.proxy, new URL('file:///nowhere'),
];

function shown(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  } catch {
    return value === revoked.proxy ? 'a revoked proxy' : 'an object that throws';
  }
}

/** A call that goes wrong otherwise than by a refusal that names one of these. */
async function fault(of: string, args: unknown[], mustName: readonly string[] | undefined): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => (timer = setTimeout(resolve, 30_000, 'neither an answer nor an error')));
  const done = (async () => {
    try {
      const { result } = await call(of, args);
      await close(result);
      return mustName && !of.startsWith('new ') ? 'accepted' : undefined;
    } catch (error) {
      // Whoever makes an error is told of its own mistakes by JavaScript.
      if (of.startsWith('new ')) return undefined;
      // An object that may be given and throws when it is looked at: the caller's own error.
      if (!mustName && /a trap of the caller|proxy that has been revoked/.test((error as Error).message)) return undefined;
      if (!(error instanceof AioError)) return `threw ${String(error)}`;
      if (error.code === 'ERR_AIO_PANIC') return `ended the runtime: ${error.message}`;
      if (!mustName) return undefined;
      if (error.code !== 'ERR_AIO_INVALID_ARG') return `${error.code} instead of ERR_AIO_INVALID_ARG: ${error.message}`;
      return mustName.some((name) => new RegExp(`(^|\\W)${name}(\\W|$)`).test(error.message)) ? undefined : `does not name ${mustName.join(' or ')}: ${error.message}`;
    }
  })();
  const found = await Promise.race([done, late]);
  clearTimeout(timer);
  return found && `${of}: ${found}`;
}

/** The arguments with one of them replaced. */
function replaced(args: unknown[], n: number, value: unknown): unknown[] {
  const copy = [...args];
  copy[n] = value;
  return copy;
}

/** What is wrong with one parameter's checks. */
async function faultsOf(of: string, parameter: Parameter, n: number): Promise<string[]> {
  const args = right[of] as () => unknown[];
  const types = typesOf(parameter);
  // A rest parameter may end with options.
  const named = parameter.isRest ? [...parameter.names, 'options'] : parameter.names;
  const found: (string | undefined)[] = [];
  const tried = async (given: unknown[], mustName: readonly string[] | undefined, what: string): Promise<void> => {
    const wrong = await fault(of, given, mustName);
    found.push(wrong && `${wrong} (${what})`);
  };
  for (const value of values) {
    await tried(replaced(args(), n, value), mayBe(types, value, classes) ? undefined : named, `${named[0]} = ${shown(value)}`);
  }
  for (const [option, optionTypes] of named.includes('options') ? optionsOf(types) : []) {
    const with_ = (value: unknown): unknown[] => replaced(args(), n, { ...(Object(args()[n]) as object), [option]: value });
    for (const value of values) await tried(with_(value), mayBe(optionTypes, value, classes) ? undefined : [option], `${option} = ${shown(value)}`);
    for (const element of values) {
      if (typeof element !== 'object' && !mayBe(optionTypes, [element], classes)) await tried(with_([element]), [option], `${option} = [${shown(element)}]`);
    }
    const trap = Object.defineProperty({ ...(Object(args()[n]) as object) }, option, { get: fails, enumerable: true });
    await tried(replaced(args(), n, trap), named, `${option} throws`);
    const misspelt = replaced(args(), n, { ...(Object(args()[n]) as object), [`${option}x`]: 1 });
    await tried(misspelt, [option, `did you mean '${option}'`], `${option}x`);
  }
  return found.filter((wrong) => wrong !== undefined);
}

const all = publicFunctions();
const withParameters = all.filter(({ parameters }) => parameters.length > 0);

test('the declarations have what is known of them', () => {
  expect(all.length).toBeGreaterThan(80);
  for (const known of ['Runtime.create', 'IOThread#call', 'Pipe#write', 'serve', 'default', 'AioStream.from', 'Timer#[Symbol.dispose]']) {
    expect(all.map(({ name }) => name.replace(/__@(\w+)@\d+/, '[Symbol.$1]'))).toContain(known);
  }
});

test('there is a right call of each', () => {
  expect(withParameters.map(({ name }) => name).filter((of) => !right[of])).toEqual([]);
  const owners = withParameters.flatMap(({ name }) => /^(\w+)#/.exec(name)?.[1] ?? []);
  expect(owners.filter((owner) => !objects[owner])).toEqual([]);
});

describe('wrong arguments of', () => {
  test.each(withParameters.map((each): [string, Callable] => [each.name, each]))('%s', async (of, { parameters }) => {
    const args = right[of];
    if (!args) throw new Error(`nobody knows how to call ${of}`);
    expect(await fault(of, args(), undefined)).toBeUndefined();
    const found = (await Promise.all(parameters.map((parameter, n) => faultsOf(of, parameter, n)))).flat();
    expect(found.join('\n')).toBe('');
    // All is well afterwards.
    expect(await io.call('twice', 21)).toBe(42n);
    await new Promise<void>((resolve) => runtime.context.bottomHalf(name(), resolve).schedule());
  });
});
