// What the IOThreads of random programs serve, in Node and in a page. Its file's address says
// how it is to fail: `?how=throws`.

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const types = { Error, TypeError, RangeError };

function nested(levels) {
  let value = {};
  for (let i = 0; i < levels; i++) value = { value };
  return value;
}

/** exit: ends the worker from inside. */
function serviceFor(context, { sync, currentSignal, connect, listen }, exit) {
  /** Another IOThread that this one may ask. */
  let peer;
  const ticks = { count: 0 };
  const tick = context.bottomHalf('tick', () => void ticks.count++);
  /** A call-back of this thread's loop that fails. */
  const failing = (how, message) => () => {
    if (how === 'throw') throw new Error(message);
    return Promise.reject(new Error(message));
  };
  return {
    tick,
    ticks: () => ticks.count,
    echo: (value) => value,
    fail(type, message) {
      throw new types[type](message, { cause: new Error(message) });
    },
    callOwner: (work, ...args) => work(...args),
    never: () => new Promise(() => {}),
    later: (ms) => delay(ms),
    nested,
    unclonable: () => new WeakMap(),
    /** Objects of this thread's, which the owner uses and closes. */
    make: (capacity) => ({ notifier: context.notifier('there'), pipe: context.pipe('there', { capacity }), bh: context.bottomHalf('there', () => {}) }),
    /** Uses an object of the owner's so often. */
    use(object, times) {
      for (let i = 0; i < times; i++) 'schedule' in object ? object.schedule() : object.set();
    },
    /** Writes bytes that tell their place, and the end. */
    async pump(pipe, length) {
      for (let at = 0; at < length;) {
        const taken = pipe.write(Uint8Array.from({ length: Math.min(1000, length - at) }, (_, i) => (at + i) % 251));
        at += taken;
        if (taken === 0) await pipe.drain();
      }
      pipe.end();
    },
    /** Never answers, but for its signal. */
    signalled: () => new Promise((resolve, reject) => {
      const signal = currentSignal();
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
    /** Sends so many bytes by a socket to a server of this thread, and counts those that come back as they were. */
    async sendBack(length, capacity) {
      const listener = await listen(context, { port: 0 }, { capacity });
      const socket = await connect(context, listener.address, { capacity });
      const peer = await listener.accept();
      listener.close();
      const echo = async () => {
        for await (const bytes of peer) await peer.writeAll(bytes);
        peer.end();
      };
      const send = async () => {
        await socket.writeAll(Uint8Array.from({ length }, (_, i) => i % 251));
        socket.end();
      };
      let right = 0;
      const take = async () => {
        for await (const bytes of socket) for (const byte of bytes) right += Number(byte === right % 251);
      };
      await Promise.all([echo(), send(), take()]);
      await Promise.all([socket.close(), peer.close()]);
      return right;
    },
    /** Says whether the signal was aborted when it was told so, or after so many ms. */
    heard: (signal, ms) => new Promise((resolve) => {
      const tell = () => resolve({ aborted: signal.aborted });
      if (signal.aborted) return tell();
      signal.addEventListener('abort', tell);
      setTimeout(tell, ms);
    }),
    rows(count, size, message, stream) {
      async function* rows() {
        for (let n = 0; n < count; n++) yield { n, text: 'x'.repeat(size) };
        if (message !== undefined) throw new Error(message);
      }
      return stream && ReadableStream.from ? ReadableStream.from(rows()) : rows();
    },
    /** Counts the items, up to one more than `takes`; -1: one is out of its place. */
    async count(rows, takes) {
      let came = 0;
      for await (const { n } of rows) {
        if (n !== came) return -1;
        if (++came > takes) break;
      }
      return came;
    },
    meet: (remote) => void (peer = remote),
    /** Asks the other IOThread so often, and counts the right answers. */
    async askPeer(how, times, value, timeout) {
      let right = 0;
      const ask = how === 'sync' ? sync(peer, { timeout }) : peer;
      for (let n = 0; n < times; n++) {
        const back = await ask.echo(value);
        right += Number(back.n === value.n && back.text === value.text);
      }
      return right;
    },
    /** Asks the owner, in a blocking call. */
    askOwner: (work, value, signal, timeout) => sync(work, { signal, timeout })(value),
    spin(ms) {
      for (const end = performance.now() + ms; performance.now() < end;);
    },
    block: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),

    // ---- Ways to end this thread ----
    fillHeap() {
      const all = [];
      for (;;) all.push(Array.from({ length: 1000 }, (_, i) => ({ i })));
    },
    throwLater: (message) => void setTimeout(failing('throw', message), 0),
    stray: (message) => void failing('reject', message)(),
    exit,
    throwInBottomHalf: (message) => context.bottomHalf('b', failing('throw', message)).schedule(),
    rejectInBottomHalf: (message) => context.bottomHalf('b', failing('reject', message)).schedule(),
    throwInTimer: (message) => context.timer('t', failing('throw', message)).arm(1),
    /** Nobody waits for what the owner's function comes to. */
    strayCall: (message, work) => void work(),
  };
}

export function start({ serve, ...library }, address, exit) {
  const how = new URL(address).searchParams.get('how');
  const message = `chaos ${how} at its start of 0`;
  if (how === 'throws') throw new Error(message);
  if (how === 'silent') return;
  if (how === 'waits') return void setInterval(() => {}, 1e6);
  serve(async (context) => {
    if (how === 'rejects') throw new Error(message);
    if (how === 'late') await delay(20);
    return serviceFor(context, library, exit);
  });
}
