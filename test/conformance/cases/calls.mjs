// SPDX-License-Identifier: MIT
/** What calls of an IOThread carry, and how they are cancelled. */
import { registerError, Runtime, withOptions } from 'wasm-aio';

const reasonOf = (work) => work.then((value) => { throw new Error(`answered ${value}`); }, (reason) => reason);

async function cancellation({ remote, check }) {
  // One that runs sees the reason.
  const controller = new AbortController();
  let call;
  const seen = await new Promise((resolve) => {
    call = reasonOf(remote.with({ signal: controller.signal }).untilCancelled(() => controller.abort(new RangeError('enough')), resolve));
  });
  check(seen instanceof RangeError && seen.message === 'enough', `the function sees ${seen}`);
  check((await call) === controller.signal.reason, 'the caller gets its own reason');
  // One that has not begun never runs.
  const word = new Int32Array(new SharedArrayBuffer(8));
  const blocked = remote.block(word);
  while (Atomics.load(word, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const late = reasonOf(remote.with({ timeout: 5 }).note('late'));
  const kept = remote.note('kept');
  const error = await late;
  check(error.code === 'ERR_AIO_TIMEOUT', `${error}`);
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
  await Promise.all([blocked, kept]);
  const noted = await remote.noted();
  check(String(noted) === 'kept', `ran: ${noted}`);
  // A call-back of this side, too.
  const tell = await remote.echoOf(() => new Promise(() => {}), 5);
  check(tell === 'ERR_AIO_TIMEOUT', tell);
  const made = await remote.make();
  check((await withOptions(made, { timeout: 1e6 })(3)) === 3, 'a function with options');
}

async function signals({ remote, check }) {
  const controller = new AbortController();
  const aborted = new Promise((resolve) => void remote.listen(controller.signal, resolve));
  const early = await remote.look(controller.signal);
  check(String(early) === 'true,false,', `arrives as ${early}`);
  controller.abort(new TypeError('no more'));
  const reason = await aborted;
  check(reason instanceof TypeError && reason.message === 'no more', `aborted with ${reason}`);
  const late = await remote.look(AbortSignal.abort('before'));
  check(String(late) === 'true,true,before', `arrives as ${late}`);
}

async function all(items) {
  const list = [];
  for await (const item of items) list.push(item);
  return list;
}

async function sequences({ remote, check }) {
  const rows = await all(remote.rows(500));
  check(rows.length === 500 && rows.every(({ n }, at) => n === at), `${rows.length} rows`);
  const later = await all(await remote.later(20));
  check(String(later) === String([...Array(20).keys()]), `rows that wait: ${later}`);
  for await (const { n } of remote.rows(1e9)) if (n === 5) break;
  check(String(await remote.noted()) === 'finally', 'the finally block has run');
  const error = await reasonOf(all(remote.fails()));
  check(error instanceof RangeError && error.code === 'E_ROWS', `${error}`);
  async function* numbers() {
    for (let n = 0; n < 1000; n++) yield n;
  }
  const sum = await remote.sum(numbers());
  check(sum === 499500, `sum ${sum}`);
  // Streams, there and back.
  const sent = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 100; n++) controller.enqueue(Uint8Array.of(n, n + 1));
      controller.close();
    },
  });
  const stream = await remote.echo(sent);
  check(stream instanceof ReadableStream, 'a stream');
  const reader = stream.getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    check(value[0] === bytes / 2, `piece ${bytes / 2} is ${value}`);
    bytes += value.length;
  }
  check(bytes === 200, `${bytes} bytes`);
}

class QueryError extends RangeError {}

async function classes({ remote, check }) {
  registerError(QueryError, 'query');
  const error = await reasonOf(remote.failQuery());
  check(error instanceof QueryError && error.line === 3, `${error}`);
  class Holder {}
  for (const [value, place] of [[[new Holder()], '[0][0]'], [{ a: new (class Index extends Map {})() }, '[0].a'], [{ s: Symbol('s') }, '[0].s']]) {
    const refused = await reasonOf(remote.echo(value));
    check(refused.name === 'DataCloneError' && refused.message.startsWith(`arguments${place} cannot be sent to another thread`), `${refused}`);
  }
  const blob = await remote.echo(new Blob(['text']));
  check(blob instanceof Blob && (await blob.text()) === 'text', 'a Blob');
  const plain = await remote.echo(new Proxy({ list: Array.from({ length: 2000 }, (_, n) => ({ n })) }, {}));
  check(plain.list.length === 2000 && plain.list[1999].n === 1999, 'a Proxy of plain data');
}

export default async function ({ makeWorker, check }) {
  const aio = await Runtime.create();
  const io = await aio.iothread('calls', { worker: () => makeWorker(new URL('./calls.worker.mjs', import.meta.url)) });
  const { remote } = io;
  for (const part of [cancellation, signals, sequences, classes]) await part({ remote, check });
  // The end of the IOThread ends what is consumed of it.
  const never = await remote.later(Infinity);
  await never.next();
  await io.terminate();
  const lost = await reasonOf(all(never));
  check(lost.code === 'ERR_AIO_THREAD_LOST', `${lost}`);
  await aio.close();
}
