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
function serviceFor(context, exit) {
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

export function start(serve, address, exit) {
  const how = new URL(address).searchParams.get('how');
  const message = `chaos ${how} at its start of 0`;
  if (how === 'throws') throw new Error(message);
  if (how === 'silent') return;
  if (how === 'waits') return void setInterval(() => {}, 1e6);
  serve(async (context) => {
    if (how === 'rejects') throw new Error(message);
    if (how === 'late') await delay(20);
    return serviceFor(context, exit);
  });
}
