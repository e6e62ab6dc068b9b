// SPDX-License-Identifier: MIT
// What can fail, and which errors the API promises for it. Calls of C fail by the hooks of fail.c, those of the host by functions that are
// put in the place of Node's.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

/** A kind of fail.h, by its number there. */
const inC = (kind) => ({
  arm: (runtime, n, on) => void runtime.call('calls_fail', kind, n, on),
  came: (runtime) => runtime.call('call_has_failed', kind) === 1,
  disarm: (runtime) => void runtime.call('calls_fail', kind, 0, 0),
});

/**
 * A function of a module of Node, of which calls fail: each goes to `instead` then, and otherwise to what it is.
 */
function ofNode(module, name, instead) {
  const real = module[name];
  let calls = 0;
  const put = (value) => {
    module[name] = value;
    syncBuiltinESMExports();
  };
  let first;
  return {
    arm(_, n, on) {
      calls = 0;
      first = n;
      put(new Proxy(real, Object.fromEntries(['apply', 'construct'].map((trap) => [trap, (target, ...args) => {
        calls++;
        return calls === n || (on && calls > n) ? instead(target, ...args) : Reflect[trap](target, ...args);
      }]))));
    },
    came: () => calls >= first,
    disarm: () => put(real),
  };
}

const isFull = ({ code }) => code === 'ERR_AIO_NO_MEMORY';
const isRefused = ({ code, errno, message }) => code === 'ERR_AIO_THREAD_LIMIT' || (code === 'ERR_AIO_IO' && errno === 'EAGAIN') ||
  // What ends in a worker before the code of the user answers is taken to be that code's fault.
  (code === 'ERR_AIO_INVALID_ARG' && message.includes('its worker file cannot be loaded'));
const isIo = (name) => ({ code, errno }) => code === 'ERR_AIO_IO' && errno === name;

/** Those of a file, by the name of their engine. */
const engines = (...names) => () => names.map((name) => `aio ${name}`);

const all = (names) => names;
const threaded = () => ['IOThreads', 'objects of an IOThread', ...engines('threads', 'native')()];
const worker = (name, instead) => ({ name, ...ofNode(threads, 'Worker', instead), allows: isRefused, uses: threaded, fresh: true });

/** Calls back with an error, as fs does. */
const withError = (code) => (_, __, args) => void process.nextTick(args.at(-1), Object.assign(new Error(`${code}: planted`), { code }));

export const failures = [
  { name: 'an allocation', ...inC(0), allows: isFull, uses: all },
  { name: 'a thread', ...inC(1), allows: isRefused, uses: engines('threads', 'native', 'io_uring'), fresh: false },
  { name: 'a thread, told late', ...inC(2), allows: isRefused, uses: engines('threads'), fresh: false },
  { name: 'an fd', ...inC(3), allows: isFull, uses: (names) => names.filter((name) => !['buffers', 'bottom halves', 'coroutines'].includes(name)), fresh: false },
  { name: 'an operation', ...inC(4), allows: isIo('EIO'), uses: engines('threads', 'native', 'io_uring', 'sync'), fresh: false },
  // What would be tried again for ever must work once.
  { name: 'an operation at the first try', ...inC(5), allows: () => false, uses: engines('threads', 'native', 'io_uring', 'sync'), fresh: false, ons: [0] },
  worker('a worker', () => {
    throw new Error('planted: no worker');
  }),
  worker('a worker that begins', (Worker, [, options]) => new Worker('throw new Error("planted")', { ...options, eval: true })),
  worker('a worker that lasts', (Worker, [, options]) => new Worker('process.exit(3)', { ...options, eval: true })),
  { name: 'an open file', ...ofNode(fs, 'open', withError('EMFILE')), allows: isIo('EMFILE'), uses: engines('threads'), fresh: false },
];
