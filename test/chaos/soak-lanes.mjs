// What goes on at once in `make soak`. Each lane does its work again and again until it is over,
// and calls did() after each; what it throws ends the run.
import { Worker } from 'node:worker_threads';
import { wrongDisk } from './steps-files.mjs';

const turn = () => new Promise(setImmediate);
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function expect(what, right) {
  if (!right) throw new Error(`wrong: ${what}`);
}

/** Bytes that tell their place in a stream. */
const streamByte = (at) => (at * 7 + (at >> 8)) % 251;
const streamBytes = (start, length) => Uint8Array.from({ length }, (_, i) => streamByte(start + i));

/** Resolves with the code of the error that the promise rejects with. */
const codeOf = (promise) => promise.then(() => 'no error', (error) => error?.code ?? error?.message);

/** A file read and written by an engine, by several requests at once, some of which are aborted. */
const engine = (aio) => async (soak, did) => {
  const io = await soak.runtime.iothread(`files ${aio}`, { threadPoolMax: 2 });
  for (let n = 0; !soak.over; n++) {
    const file = await io.open(soak.disk, { aio });
    const buffer = soak.runtime.allocate(32768);
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const at = ((n * 8 + i) * 5003) % 200_000;
      const into = buffer.bytes.subarray(i * 4096, (i + 1) * 4096);
      expect(`read by ${aio}`, (await file.read(at, into)) === 4096 && wrongDisk(into, at, 4096) === undefined);
    }));
    const abort = new AbortController();
    const aborted = file.read(0, 4096, { signal: abort.signal }).catch((error) => expect('the reason of an abort', error === abort.signal.reason));
    abort.abort();
    await aborted;
    buffer.close();
    await file.close();
    const written = await io.open(soak.path(`written ${aio}`), { aio, create: true });
    const bytes = streamBytes(n, 5000);
    await written.writev((n % 10) * 5000, [bytes.subarray(0, 1234), bytes.subarray(1234)]);
    if (n % 20 === 0) await written.flush();
    expect(`written by ${aio}`, (await written.read((n % 10) * 5000, 5000)).every((byte, i) => byte === bytes[i]));
    await written.close();
    did();
  }
  await io.close();
};

/** Calls with values, functions and errors, both ways. */
async function calls(soak, did) {
  const io = await soak.runtime.iothread('calls', { module: soak.service });
  for (let n = 0; !soak.over; n++) {
    const sent = { n, bytes: streamBytes(n, 100), f: (x) => x + n };
    const back = await io.remote.echo(sent);
    expect('an echo', back.n === n && back.f(1) === n + 1 && back.bytes.every((byte, i) => byte === streamByte(n + i)));
    soak.release(sent.f);
    const add = (x) => x + 1;
    expect('a call back', (await io.remote.callOwner(add, n)) === n + 1);
    soak.release(add);
    expect('an error', (await io.remote.fail('RangeError', 'there').catch((error) => error)) instanceof RangeError);
    await codeOf(io.remote.unclonable());
    expect('add()', (await io.call('add', n, 1)) === n + 1);
    expect('a coroutine', (await io.coroutine('count_in_the_pool', 3)) === 3);
    did();
  }
  await io.close();
}

/** A stream from an IOThread through a pipe. */
async function pipes(soak, did) {
  const io = await soak.runtime.iothread('pipes', { module: soak.service });
  while (!soak.over) {
    const pipe = soak.runtime.context.pipe('stream', { capacity: 4096 });
    const pumped = io.remote.pump(pipe, 50_000);
    let at = 0;
    for await (const bytes of pipe) {
      expect('bytes of a pipe', bytes.every((byte, i) => byte === (at + i) % 251));
      at += bytes.length;
    }
    expect('the length of a stream', at === 50_000);
    await pumped;
    pipe.close();
    did();
  }
  await io.close();
}

/** Contexts of the owner's, with all that is in them. */
async function contexts(soak, did) {
  while (!soak.over) {
    const context = soak.runtime.createContext('soak');
    const notifier = context.notifier('n');
    let ran = 0;
    const bh = context.bottomHalf('b', () => void ran++);
    const timer = context.timer('t', () => notifier.set());
    const watched = context.notifier('watched');
    const seen = new Promise((resolve) => context.onSet(watched, resolve));
    bh.schedule();
    timer.arm(0.5);
    await notifier.wait();
    watched.set();
    await seen;
    expect('a bottom half', ran === 1);
    await context.close();
    did();
    await turn();
  }
}

/** Bottom halves and notifiers between threads. */
async function signals(soak, did) {
  const io = await soak.runtime.iothread('signals', { module: soak.service });
  const notifier = soak.runtime.context.notifier('answer');
  let ran = 0;
  const bh = soak.runtime.context.bottomHalf('b', () => void ran++);
  while (!soak.over) {
    const before = await io.remote.ticks();
    io.remote.tick.schedule();
    while ((await io.remote.ticks()) === before) await turn();
    const waiting = notifier.wait();
    await io.remote.use(notifier, 10);
    await waiting;
    const had = ran;
    await io.remote.use(bh, 10);
    while (ran === had) await turn();
    notifier.testAndClear();
    did();
  }
  notifier.close();
  bh.close();
  await io.close();
}

/** IOThreads that come and go, in order and otherwise. */
async function ends(soak, did) {
  for (let n = 0; !soak.over; n++) {
    const io = await soak.runtime.iothread('short', n % 2 ? {} : { module: soak.service });
    const file = await io.open(soak.disk);
    expect('a read', wrongDisk(await file.read(n, 100), n, 100) === undefined);
    if (n % 4 === 2) {
      const lost = codeOf(io.remote.never());
      await io.terminate();
      expect('the end of a call', ['ERR_AIO_CLOSED', 'ERR_AIO_THREAD_LOST', 'ERR_AIO_CANCELED'].includes(await lost));
    } else {
      await io.close();
    }
    did();
    await delay(20);
  }
}

/** IOThreads that start while others end, and may get their memory. */
async function overlaps(soak, did) {
  await Promise.all([1, 2, 3].map(async (lane) => {
    for (let n = 0; !soak.over; n++) {
      const io = await soak.runtime.iothread(`${lane}-${n}`);
      expect('an answer', (await io.clock()) > 0);
      await io.close();
      did();
      if (n % 20 === 0) await delay(20);
    }
  }));
}

/** IOThreads that fail by themselves. */
async function failures(soak, did) {
  const ways = ['throwLater', 'stray', 'throwInBottomHalf', 'exit'];
  for (let n = 0; !soak.over; n++) {
    const io = await soak.runtime.iothread('failing', { worker: () => new Worker(soak.service) });
    const lost = codeOf(io.remote.never());
    const ended = codeOf(io.closed);
    await codeOf(io.remote[ways[n % ways.length]]('made to fail'));
    expect(`the code of what was lost: ${await lost}, ${await ended}`, (await lost) === 'ERR_AIO_THREAD_LOST' && (await ended) === 'ERR_AIO_THREAD_LOST');
    await io.close();
    did();
    await delay(50);
  }
}

/** Call-backs of this thread that throw, in a program that handles it. */
async function throws(soak, did) {
  while (!soak.over) {
    const error = new Error('thrown on purpose');
    soak.expected.add(error);
    const bh = soak.runtime.context.bottomHalf('throws', () => {
      throw error;
    });
    bh.schedule();
    while (soak.expected.has(error)) await turn();
    bh.close();
    did();
    await delay(5);
  }
}

/** Runtimes of their own. */
async function runtimes(soak, did) {
  for (let n = 0; !soak.over; n++) {
    const own = await soak.Runtime.create({ module: soak.module, reserve: n % 2, maximumMemory: 1 << 24 });
    const io = await own.iothread('io');
    const file = await io.open(soak.disk, { aio: 'native' });
    expect('a read', wrongDisk(await file.read(n, 1000), n, 1000) === undefined);
    await own.close();
    expect('no worker', own.workerCount === 0);
    did();
    await delay(100);
  }
}

/** Programs for WASI, whose output is checked. */
async function programs(soak, did) {
  while (!soak.over) {
    let sent = 0;
    let length = 0;
    const letter = (at) => 97 + (at % 26);
    const stdin = new ReadableStream({
      pull(controller) {
        if (sent === 200_000) return controller.close();
        controller.enqueue(Uint8Array.from({ length: 20_000 }, (_, i) => letter(sent + i)));
        sent += 20_000;
      },
    });
    const stdout = new WritableStream({
      write(bytes) {
        expect('output of a program', bytes.every((byte, i) => byte === letter(length + i + 13)));
        length += bytes.length;
      },
    });
    const host = await soak.WasiHost.create({ module: soak.rot13, stdin, stdout, stderr: 'closed' });
    expect('an exit code', (await host.run()) === 0);
    await host.close();
    expect('the length of its output', length === 200_000);
    did();
    await delay(100);
  }
}

export const lanes = {
  threads: engine('threads'), native: engine('native'), io_uring: engine('io_uring'), sync: engine('sync'),
  calls, pipes, contexts, signals, ends, overlaps, failures, throws, runtimes, programs,
};
