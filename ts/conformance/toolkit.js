// SPDX-License-Identifier: MIT
/**
 * What cases are written with: starting workers, talking to them, and comparing values. The function uses nothing from
 * outside of itself, because its text becomes part of every worker's script and of every printed reproduction.
 */
export function toolkit() {
  // Node has worker_threads; everything else has the Worker of the HTML standard.
  const inNode = typeof process === 'object' && !('Deno' in globalThis) && !('Bun' in globalThis) && !!process.versions?.node;
  const threads = inNode ? process.getBuiltinModule('node:worker_threads') : undefined;

  const show = (value) => {
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (Object.is(value, -0)) return '-0';
    return Array.isArray(value) ? `[${value.map(show).join(', ')}]` : String(value);
  };
  const same = (a, b) => Object.is(a, b) || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each, n) => same(each, b[n])));
  const ok = (condition, what) => {
    if (!condition) throw new Error(what);
  };
  const equal = (actual, expected, what = 'value') => ok(same(actual, expected), `${what}: ${show(actual)}, not ${show(expected)}`);
  const named = (error, names, what) => ok(names.split('|').includes(error?.name), `${what}: ${error === undefined ? 'no error' : `${error?.name}: ${error?.message}`}, not ${names}`);
  /** Fails unless the call throws an error with one of these names: 'TypeError', 'TypeError|RangeError'. */
  const throws = (names, call, what = 'error') => {
    let error;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    named(error, names, what);
  };
  const rejects = async (names, promise, what = 'error') => named(await promise.then(() => undefined, (error) => error), names, what);

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  /** Waits until the condition holds, with the event loop running. A case has a watchdog, so this has none. */
  const until = async (condition) => {
    while (!(await condition())) await sleep(1);
  };
  /** The median and greatest number of a list. */
  const spread = (numbers) => {
    const sorted = [...numbers].sort((a, b) => a - b);
    return { median: sorted[sorted.length >> 1], most: sorted.at(-1) };
  };

  /** A queue of messages: push() is called by the event's handler, next() resolves with the oldest. */
  const queue = () => {
    const waiting = [];
    const all = [];
    return {
      all,
      push: (data) => (waiting.length > 0 ? waiting.shift()(data) : all.push(data)),
      next: () => (all.length > 0 ? Promise.resolve(all.shift()) : new Promise((resolve) => waiting.push(resolve))),
    };
  };
  const listen = (port, type, handler) => {
    if (threads) port.on(type, handler);
    else port.addEventListener(type, (event) => handler(type === 'message' ? event.data : (event.preventDefault?.(), event)));
  };

  const started = [];
  const start = (text) => {
    // A shell that has neither of the two says how its workers start.
    if (globalThis.startWorker) return globalThis.startWorker(text);
    if (threads) return new threads.Worker(text, { eval: true });
    return new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })), { type: 'module' });
  };
  /** Starts a worker that runs this script. */
  const script = (text) => {
    const worker = start(text);
    started.push(worker);
    return worker;
  };
  /**
   * Runs run(tools, ...args) in a fresh worker. The function arrives there as text, so it may use only its parameters.
   * ended resolves with what it returns, and rejects with what it throws; post() and next() are messages to and from it.
   */
  const worker = (run, ...args) => {
    const own = script(`(${toolkit})().serve(${run});`);
    const inbox = queue();
    const ended = new Promise((resolve, reject) => {
      listen(own, 'message', ({ kind, data }) => {
        if (kind === 'message') inbox.push(data);
        else if (kind === 'value') resolve(data);
        else reject(Object.assign(new Error(data.message), { name: data.name, where: data.stack }));
      });
      listen(own, 'error', (error) => reject(new Error(`uncaught in a worker: ${error?.message ?? error}`)));
    });
    ended.catch(() => {});
    own.postMessage({ kind: 'start', data: args });
    return {
      worker: own, ended, received: inbox.all, next: inbox.next,
      post: (data, transfer) => own.postMessage({ kind: 'message', data }, transfer),
      terminate: () => own.terminate(),
    };
  };

  const files = [];
  /** A new, empty file of the origin. */
  const fresh = async () => {
    const name = `conformance-${Math.random()}`;
    files.push(name);
    return (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
  };

  /** Ends all workers that were started by this thread, and removes its files. */
  const cleanUp = async () => {
    for (const each of started.splice(0)) each.terminate();
    for (const name of files.splice(0)) await (await navigator.storage.getDirectory()).removeEntry(name).catch(() => {});
  };

  const port = threads ? threads.parentPort : globalThis;
  const inbox = queue();
  const tools = {
    inNode, ok, equal, throws, rejects, sleep, until, spread, script, worker, listen, fresh, cleanUp,
    /** In a worker: a message to the thread that has started it, and the next one from there. */
    post: (data, transfer) => port.postMessage({ kind: 'message', data }, transfer),
    next: inbox.next,
    received: inbox.all,
    skip(why) {
      throw Object.assign(new Error(why), { name: 'Skipped' });
    },
  };
  /** In a worker: runs the function with the arguments that come by message. */
  const serve = (run) => listen(port, 'message', async ({ kind, data }) => {
    if (kind === 'message') return void inbox.push(data);
    let end;
    try {
      end = { kind: 'value', data: await run(tools, ...data) };
    } catch (error) {
      end = { kind: 'error', data: { name: error?.name, message: String(error?.message ?? error), stack: error?.stack } };
    }
    await cleanUp();
    port.postMessage(end);
  });
  return { ...tools, serve };
}
