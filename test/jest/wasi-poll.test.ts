// SPDX-License-Identifier: MIT
/** poll_oneoff, streams and sockets, clocks, and all that is left of preview1. */
import { afterEach, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { scratch } from './helpers/child.js';
import { pathOf } from './helpers/paths.js';
import { until } from './helpers/workers.js';
import { Caller, DATA, E, FdFlags, FileType, OUT } from './helpers/wasi.js';

const dir = scratch();
const open: Caller[] = [];
afterEach(async () => {
  for (const caller of open.splice(0)) await caller.close();
});
async function guest(...args: Parameters<typeof Caller.create>): Promise<Caller> {
  const caller = await Caller.create(...args);
  open.push(caller);
  return caller;
}
/** Lets the owner's event loop, which is this thread's, do what it has to. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};
const NS = 1_000_000_000n;

test('poll_oneoff: no subscriptions are EINVAL, an unknown kind too', async () => {
  const c = await guest();
  expect(c.poll()).toBe(-E.INVAL);
  expect(c.poll({ tag: 3 })).toBe(-E.INVAL);
});

test('poll_oneoff: a bad fd is the business of its own subscription', async () => {
  const c = await guest({ stdin: 'x', dirs: { '/': dir.path } });
  c.poll({ read: 0 }, { clock: 1, ns: 0n });
  await turns();
  const events = c.poll({ read: 77 }, { read: 0 }, { write: 3 }, { clock: 9, ns: 1n }, { clock: 1, ns: 0n });
  expect(events).toEqual([
    { which: 0, error: E.BADF, type: 1, nbytes: 0, hangup: false },
    { which: 1, error: 0, type: 1, nbytes: 1, hangup: true },
    { which: 2, error: E.BADF, type: 2, nbytes: 0, hangup: false },
    { which: 3, error: E.INVAL, type: 0, nbytes: 0, hangup: false },
    { which: 4, error: 0, type: 0, nbytes: 0, hangup: false },
  ]);
});

test('poll_oneoff: clocks relative and absolute, monotonic and real; the first that is due ends it', async () => {
  const c = await guest();
  const now = (clock: number): bigint => {
    expect(c.call('clock_time_get', clock, 1n, OUT)).toBe(0);
    return c.u64();
  };
  for (const clock of [0, 1]) {
    for (const absolute of [false, true]) {
      const start = now(clock);
      const ns = 20_000_000n;
      const events = c.poll({ clock, ns: 1000n * NS }, { clock, ns: absolute ? start + ns : ns, absolute });
      expect(events).toEqual([{ which: 1, error: 0, type: 0, nbytes: 0, hangup: false }]);
      expect(now(clock)).toBeGreaterThanOrEqual(start + ns);
    }
  }
  // What is past is due at once; all that are due come together.
  expect(c.poll({ clock: 1, ns: 1n, absolute: true }, { clock: 0, ns: 0n })).toHaveLength(2);
  expect(c.poll({ clock: 2, ns: 0n })).toMatchObject([{ error: E.INVAL }]);
});

test('poll_oneoff: several fds, read and write, true nbytes, hang-up', async () => {
  const [one, two] = [new PassThrough(), new PassThrough()];
  writeFileSync(join(dir.path, 'ten'), '0123456789');
  const c = await guest({ streams: [one, two], dirs: { '/': dir.path } });
  const file = c.open('ten');
  const [a, b] = [4, 5];
  // Whoever reads what is written would read it from the PassThrough itself: not here.
  expect(c.poll({ read: a }, { read: b }, { clock: 1, ns: 0n })).toEqual([{ which: 2, error: 0, type: 0, nbytes: 0, hangup: false }]);
  two.push('hello');
  await turns();
  expect(c.poll({ read: a }, { read: b })).toEqual([{ which: 1, error: 0, type: 1, nbytes: 5, hangup: false }]);
  expect(c.read(b, 2)).toBe('he');
  one.push(null);
  await turns();
  expect(c.poll({ read: b }, { read: a }, { write: a })).toEqual([
    { which: 0, error: 0, type: 1, nbytes: 3, hangup: false },
    { which: 1, error: 0, type: 1, nbytes: 0, hangup: true },
    { which: 2, error: 0, type: 2, nbytes: 262144, hangup: false },
  ]);
  expect(c.read(a, 1)).toBe('');
  c.read(file, 4);
  expect(c.poll({ read: file }, { write: file })).toMatchObject([{ nbytes: 6 }, { error: 0 }]);
  // Closed while it is polled for nothing else.
  expect(c.call('fd_close', b)).toBe(0);
  expect(c.poll({ read: b })).toMatchObject([{ error: E.BADF }]);
});

test('a stream whose reader is slow: EAGAIN, no room, and every byte in the end', async () => {
  const chunks: Buffer[] = [];
  let give: (() => void) | undefined;
  const slow = new WritableStream<Uint8Array>({
    async write(chunk) {
      await new Promise<void>((resolve) => (give = resolve));
      chunks.push(Buffer.from(chunk));
    },
  });
  const c = await guest({ stdout: slow });
  expect(c.call('fd_fdstat_set_flags', 0 + 1, FdFlags.nonblock)).toBe(0);
  let sent = '';
  for (let i = 0; ; i++) {
    const text = `${i} `.repeat(5000);
    const n = c.write(1, text);
    if (n === -E.AGAIN) break;
    sent += text.slice(0, n);
  }
  expect(sent.length).toBe(262144);
  expect(c.poll({ write: 1 }, { clock: 1, ns: 0n })).toHaveLength(1);
  const flushed = c.guest.flush();
  let done = false;
  void flushed.then(() => (done = true));
  while (!done) {
    give?.();
    await new Promise(setImmediate);
  }
  expect(Buffer.concat(chunks).toString()).toBe(sent);
  expect(c.poll({ write: 1 })).toMatchObject([{ nbytes: 262144 }]);
  expect(c.call('fd_fdstat_set_flags', 1, FdFlags.append)).toBe(E.INVAL);
});

test('a stream that nobody reads any more: EPIPE, and the write hangs up', async () => {
  const gone = new WritableStream<Uint8Array>({ write: () => Promise.reject(new Error('no')) });
  const c = await guest({ stdout: gone });
  expect(c.write(1, 'x')).toBe(1);
  await turns();
  expect(c.poll({ write: 1 })).toEqual([{ which: 0, error: 0, type: 2, nbytes: 0, hangup: true }]);
  expect(c.write(1, 'x')).toBe(-E.PIPE);
});

test('standard input is read on demand only', async () => {
  const input = new PassThrough();
  input.write('first');
  let reads = 0;
  const original = input.resume.bind(input);
  input.resume = () => {
    reads++;
    return original();
  };
  const c = await guest({ streams: [input] });
  await turns();
  expect(reads).toBeGreaterThan(0);               // streams are read ahead,
  const lazily = { pulled: 0 };
  const lazy = await guest({
    stdin: new ReadableStream<Uint8Array>({ pull: (controller) => {
      lazily.pulled++;
      controller.enqueue(new TextEncoder().encode('line\n'));
    } }, { highWaterMark: 0 }),
  });
  await turns();
  expect(lazily.pulled).toBe(0);                  // standard input is not.
  lazy.call('fd_fdstat_set_flags', 0, FdFlags.nonblock);
  expect(lazy.read(0, 100)).toBe(-E.AGAIN);
  await turns();
  expect([lazily.pulled, lazy.read(0, 100), lazy.poll({ read: 0 }, { clock: 1, ns: 0n })]).toMatchObject([1, 'line\n', [{ type: 0 }]]);
  // Asked for again while it is being read: what comes answers both.
  let give!: () => void;
  let pulled = 0;
  const slow = await guest({
    stdin: new ReadableStream<Uint8Array>({ pull: async (controller) => {
      pulled++;
      await new Promise<void>((resolve) => (give = resolve));
      controller.enqueue(new TextEncoder().encode('line\n'));
    } }, { highWaterMark: 0 }),
  });
  slow.call('fd_fdstat_set_flags', 0, FdFlags.nonblock);
  for (let i = 0; i < 3; i++) {
    expect(slow.read(0, 100)).toBe(-E.AGAIN);
    await turns();
  }
  give();
  await turns();
  expect([slow.read(0, 100), pulled]).toEqual(['line\n', 1]);
  void c;
});

test('sock_accept, sock_recv, sock_send, sock_shutdown: a listening socket', async () => {
  const c = await guest({ listen: ['127.0.0.1:0'] });
  const [port = 0] = c.guest.ports;
  expect(c.call('fd_fdstat_set_flags', 3, FdFlags.nonblock)).toBe(0);
  expect(c.call('sock_accept', 3, 0, OUT)).toBe(E.AGAIN);
  expect(c.fdstat(3).type).toBe(FileType.stream);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let got = '';
  client.setEncoding('utf8').on('data', (text: string) => (got += text));
  const accepts = (): boolean => (c.poll({ read: 3 }, { clock: 1, ns: 0n }) as { type: number }[]).some(({ type }) => type === 1);
  await until(accepts);
  expect(c.poll({ read: 3 })).toMatchObject([{ nbytes: 1, hangup: false }]);
  expect(c.call('sock_accept', 3, 8, OUT)).toBe(E.INVAL);
  expect(c.call('sock_accept', 3, FdFlags.nonblock, OUT)).toBe(0);
  const fd = c.u32();
  expect(c.fdstat(fd)).toMatchObject({ type: FileType.stream, flags: FdFlags.nonblock });
  expect(c.read(fd, 1)).toBe(-E.AGAIN);
  client.write('hello');
  await until(() => (c.poll({ read: fd }, { clock: 1, ns: 0n }) as unknown[]).length === 2);
  const recv = (length: number, flags: number): string | number => {
    const errno = c.call('sock_recv', fd, ...c.iovs(length), flags, OUT, OUT + 8);
    return errno === 0 ? c.bytes.toString('utf8', DATA, DATA + c.u32()) : -errno;
  };
  expect([recv(3, 1), recv(3, 0), recv(9, 0), recv(1, 0), recv(1, 4)]).toEqual(['hel', 'hel', 'lo', -E.AGAIN, -E.INVAL]);
  expect(c.write(fd, 'world', 'sock_send', 0)).toBe(5);
  expect(c.write(fd, 'world', 'sock_send', 1)).toBe(-E.INVAL);
  expect(c.call('sock_shutdown', fd, 0)).toBe(E.INVAL);
  expect(c.call('sock_shutdown', fd, 2)).toBe(0);
  expect(c.write(fd, 'x')).toBe(-E.PIPE);
  await once(client, 'end');
  expect(got).toBe('world');
  client.end('bye');
  await until(() => (c.poll({ read: fd }, { clock: 1, ns: 0n }) as { hangup: boolean }[])[0]?.hangup === true);
  expect([c.read(fd, 9), c.read(fd, 9)]).toEqual(['bye', '']);
  expect(c.call('fd_close', fd)).toBe(0);
});

test('connections that nobody accepts, and one whose peer does not read: closing ends them all', async () => {
  const c = await Caller.create({ listen: ['127.0.0.1:0'] });
  const [port = 0] = c.guest.ports;
  const clients = Array.from({ length: 30 }, () => connect({ port, host: '127.0.0.1' }).pause());
  const closed = clients.map((client) => new Promise((resolve) => client.on('error', () => {}).once('close', resolve)));
  await until(() => (c.poll({ read: 3 }, { clock: 1, ns: 0n }) as { nbytes: number }[])[0]?.nbytes === 16);
  expect(c.call('sock_accept', 3, FdFlags.nonblock, OUT)).toBe(0);
  const fd = c.u32();
  // Until neither the ring nor the system takes any more.
  for (let idle = 0; idle < 20;) {
    idle = (c.write(fd, Buffer.alloc(16384)) as number) < 0 ? idle + 1 : 0;
    await turns();
  }
  await c.close();
  for (const client of clients) client.resume();
  await Promise.all(closed);
});

test('what is no socket is ENOTSOCK, what is no stream ESPIPE', async () => {
  const c = await guest({ stdin: 'x', stdout: new PassThrough(), dirs: { '/': dir.path }, listen: ['127.0.0.1:0'] });
  for (const fd of [0, 1, 3]) {
    expect(c.call('sock_shutdown', fd, 1)).toBe(E.NOTSOCK);
    expect(c.call('sock_accept', fd, 0, OUT)).toBe(E.NOTSOCK);
    expect(c.call('sock_recv', fd, ...c.iovs(1), 0, OUT, OUT + 8)).toBe(E.NOTSOCK);
    expect(c.call('sock_send', fd, ...c.iovs(1), 0, OUT)).toBe(E.NOTSOCK);
  }
  expect(c.call('sock_shutdown', 99, 1)).toBe(E.BADF);
  expect([c.read(4, 1), c.write(4, 'x')]).toEqual([-E.NOTCONN, -E.NOTCONN]);
  expect([c.call('fd_seek', 0, 0n, 1, OUT), c.call('fd_tell', 1, OUT), c.read(0, 1, 'fd_pread', 0n), c.call('fd_advise', 0, 0n, 0n, 0)])
    .toEqual([E.SPIPE, E.SPIPE, -E.SPIPE, E.SPIPE]);
  expect([c.call('fd_sync', 0), c.call('fd_filestat_set_size', 0, 0n)]).toEqual([E.INVAL, E.INVAL]);
});

test('args_get, args_sizes_get, environ_get, environ_sizes_get', async () => {
  const c = await guest({ args: ['prog', '', 'ü €'], env: { HOME: '/root', EMPTY: '' } });
  const strings = (kind: string): string[] => {
    expect(c.call(`${kind}_sizes_get`, OUT, OUT + 4)).toBe(0);
    const [count, size] = [c.u32(OUT), c.u32(OUT + 4)];
    expect(c.call(`${kind}_get`, DATA, DATA + 1000)).toBe(0);
    const texts = c.bytes.toString('utf8', DATA + 1000, DATA + 1000 + size).split('\0').slice(0, -1);
    expect(texts).toHaveLength(count);
    texts.reduce((at, text, i) => {
      expect(c.u32(DATA + 4 * i)).toBe(at);
      return at + Buffer.byteLength(text) + 1;
    }, DATA + 1000);
    return texts;
  };
  expect(strings('args')).toEqual(['prog', '', 'ü €']);
  expect(strings('environ')).toEqual(['HOME=/root', 'EMPTY=']);
});

test('clock_time_get, clock_res_get, random_get, sched_yield, proc_exit, proc_raise', async () => {
  const c = await guest();
  expect(c.call('clock_time_get', 0, 1n, OUT)).toBe(0);
  expect(Math.abs(Number(c.u64() / 1_000_000n) - Date.now())).toBeLessThan(1000);
  let last = 0n;
  for (let i = 0; i < 1000; i++) {
    c.call('clock_time_get', 1, 1n, OUT);
    expect(c.u64()).toBeGreaterThanOrEqual(last);
    last = c.u64();
  }
  for (const clock of [0, 1]) {
    expect(c.call('clock_res_get', clock, OUT)).toBe(0);
    expect(c.u64()).toBeGreaterThan(0n);
  }
  expect([c.call('clock_res_get', 2, OUT), c.call('clock_time_get', 7, 1n, OUT)]).toEqual([E.INVAL, E.INVAL]);
  expect(c.call('random_get', DATA, 100_000)).toBe(0);
  const seen = new Set(new Uint8Array(c.memory.buffer, DATA, 100_000));
  expect(seen.size).toBe(256);
  expect(c.call('random_get', DATA, 0)).toBe(0);
  expect(c.call('sched_yield')).toBe(0);
  expect(() => c.call('proc_exit', 3)).toThrow(expect.objectContaining({ exitCode: 3 }));
  expect(() => c.call('proc_raise', 6)).toThrow(expect.objectContaining({ exitCode: 134, signal: 'SIGABRT' }));
  expect([0, 16, 17, 18, 99].map((signal) => c.call('proc_raise', signal))).toEqual([0, 0, 0, E.NOTSUP, E.INVAL]);
});

test('pointers and lengths outside of the memory are EFAULT in every call', async () => {
  mkdirSync(join(dir.path, 'x'), { recursive: true });
  const c = await guest({ args: ['a'], env: { A: 'b' }, stdin: 'x', stdout: new PassThrough(), dirs: { '/': dir.path } });
  const file = c.open('f', { oflags: 1 });
  const END = 8 * 65536;
  c.view().setUint32(OUT, END - 4, true);         // an iovec that reaches over the end
  c.view().setUint32(OUT + 4, 8, true);
  const p = c.path('f');
  const calls: [string, ...unknown[]][] = [
    ['args_sizes_get', END, OUT], ['args_get', END - 2, OUT], ['args_get', DATA, END - 1], ['environ_sizes_get', DATA, -4], ['environ_get', -1, -1],
    ['clock_res_get', 1, END - 7], ['clock_time_get', 1, 0n, -8], ['random_get', END - 1, 2], ['random_get', 0, -1],
    ['fd_read', 0, OUT, 1, DATA], ['fd_read', 0, END, 1, DATA], ['fd_read', 0, 0, 0x20000000, DATA], ['fd_read', 0, DATA, 0, END],
    ['fd_write', 1, OUT, 1, DATA], ['fd_write', 1, DATA, 0, -1], ['fd_pread', file, OUT, 1, 0n, DATA], ['fd_pwrite', file, OUT, 1, 0n, DATA],
    ['fd_fdstat_get', 0, END - 23], ['fd_filestat_get', 0, END - 63], ['fd_prestat_get', 3, END - 7], ['fd_prestat_dir_name', 3, END, 1],
    ['fd_readdir', 3, END, 1, 0n, OUT], ['fd_readdir', 3, DATA, 1, 0n, END], ['fd_seek', file, 0n, 0, END - 7], ['fd_tell', file, END - 7],
    ['path_open', 3, 0, END, 1, 0, 0n, 0n, 0, OUT], ['path_open', 3, 0, ...p, 0, 0n, 0n, 0, END], ['path_create_directory', 3, -1, 5],
    ['path_filestat_get', 3, 0, ...p, END - 1], ['path_filestat_set_times', 3, 0, END, 1, 0n, 0n, 0], ['path_link', 3, 0, ...p, 3, END, 1],
    ['path_readlink', 3, ...p, END, 1, OUT], ['path_readlink', 3, ...p, DATA, 1, END], ['path_remove_directory', 3, END, 9],
    ['path_rename', 3, END, 1, 3, ...p], ['path_symlink', END, 1, 3, ...p], ['path_unlink_file', 3, END - 1, 2],
    ['poll_oneoff', END - 47, OUT, 1, OUT], ['poll_oneoff', DATA, END - 31, 1, OUT], ['poll_oneoff', DATA, DATA, 1, END], ['poll_oneoff', 0, 0, -1, OUT],
    ['sock_accept', 3, 0, END], ['sock_recv', 0, OUT, 1, 0, DATA, DATA], ['sock_recv', 0, DATA, 0, 0, DATA, END - 1], ['sock_send', 1, OUT, 1, 0, DATA],
  ];
  for (const [name, ...args] of calls) expect([name, ...args, c.call(name, ...args)]).toEqual([name, ...args, E.FAULT]);
});

test('there are 46 calls, and docs/wasi.md names a test of each, which is there and makes the call', async () => {
  const calls = Object.keys((await guest()).calls);
  expect(calls).toHaveLength(46);
  const rows = [...readFileSync(pathOf('docs/wasi.md'), 'utf8').matchAll(/^\| (`\w+`.*) \| ([\w-]+): (.*) \|$/gm)];
  const named = rows.flatMap(([, names = '', file = '', title = '']) => {
    const source = readFileSync(pathOf(`test/jest/${file}.test.ts`), 'utf8');
    const body = source.split(/^test\(/m).find((part) => part.slice(1).startsWith(title)) ?? '';
    return names.split(', ').map((name) => name.replaceAll('`', '')).filter((name) => {
      // In the test's body, beside its title; some are made by a helper.
      const helper = { fd_read: 'c.read(', fd_write: 'c.write(', path_open: 'c.open(', poll_oneoff: 'c.poll(', fd_fdstat_get: 'c.fdstat(', fd_filestat_get: 'c.stat(' }[name];
      const kind = name.startsWith('args') || name.startsWith('environ') ? 'strings(' : undefined;
      return [`'${name}'`, helper, kind].some((words) => words !== undefined && body.slice(title.length).includes(words));
    });
  });
  expect(named.sort()).toEqual(calls.sort());
});
