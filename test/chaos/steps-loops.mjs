// Steps with contexts of the owner's and what is in them.
import { callback, close, endContext, whatCallbacksDo } from './callbacks.mjs';

const any = (random) => random.below(64);

/** The owner's context of a runtime, or a further one. */
export function contextOf(world, n) {
  const extra = world.all('context').filter(({ closed }) => !closed);
  const firsts = world.runtimes.filter(({ runtime }) => runtime).map((rt) => ({ rt, object: rt.runtime.context, closes: false }));
  const all = [...firsts, ...extra];
  return all.length > 0 ? all[n % all.length] : undefined;
}

/** Makes an object in a context, which has a call-back unless does is undefined. */
function make(world, kind, n, work) {
  const context = contextOf(world, n);
  if (!context) return undefined;
  const record = { rt: context.rt, context, pending: false, closed: false };
  const object = world.attempt(`${kind}()`, context.rt, () => work(context.object, record));
  return object && world.add(kind, Object.assign(record, { object }));
}

/** Calls work with an object that is there. */
function use(world, kind, n, label, work, allow) {
  const record = world.get(kind, n);
  if (record) world.attempt(label, record.rt, () => work(record), allow);
}

function schedule(record) {
  record.pending = true;
  try {
    record.object.schedule();
  } catch (error) {
    record.pending = false;
    throw error;
  }
}

function arm(record, ms) {
  record.object.arm(ms);
  record.pending = ms <= 100;
}

/** Bytes that tell their place. */
const bytesOf = (start, length) => Uint8Array.from({ length }, (_, i) => (start + i) % 251);

export const loopSteps = {
  createContext: {
    weight: 3,
    make: (random) => ({ rt: any(random), name: `c${random.below(4)}` }),
    run(world, { rt: n, name }) {
      const rt = world.runtimeOf(n);
      if (!rt) return;
      // The name may be taken.
      const object = world.attempt('createContext()', rt, () => rt.runtime.createContext(name), ['ERR_AIO_INVALID_ARG']);
      if (object) world.add('context', { rt, object, closes: true, closed: false });
    },
  },
  closeContext: {
    weight: 2,
    make: (random) => ({ context: any(random) }),
    run(world, { context: n }) {
      const context = world.get('context', n);
      return context && endContext(world, context);
    },
  },
  bottomHalf: {
    weight: 5,
    make: (random) => ({ context: any(random), does: whatCallbacksDo(random), scheduled: random.oneIn(2) }),
    run(world, { context, does, scheduled }) {
      const record = make(world, 'bottomHalf', context, (ctx, self) => ctx.bottomHalf('b', callback(world, self, does)));
      if (!record) return;
      record.again = () => schedule(record);
      if (scheduled) world.attempt('schedule()', record.rt, () => schedule(record));
    },
  },
  schedule: {
    weight: 5,
    make: (random) => ({ bh: any(random), times: random.pick([1, 1, 3]) }),
    run(world, { bh, times }) {
      for (let i = 0; i < times; i++) use(world, 'bottomHalf', bh, 'schedule()', schedule);
    },
  },
  closeBottomHalf: {
    weight: 1,
    make: (random) => ({ bh: any(random) }),
    run: (world, { bh }) => use(world, 'bottomHalf', bh, 'bottomHalf.close()', (record) => close(record.rt, record)),
  },
  throwInCallback: {
    weight: 1,
    make: (random) => ({ context: any(random), does: random.pick(['throw', 'reject']), by: random.pick(['bottomHalf', 'timer']) }),
    run(world, { context, does, by }) {
      const record = make(world, by, context, (ctx, self) => ctx[by]('t', callback(world, self, does)));
      if (record) world.attempt(`${by} that throws`, record.rt, () => (by === 'timer' ? arm(record, 0) : schedule(record)));
    },
  },
  timer: {
    weight: 4,
    make: (random) => ({ context: any(random), does: whatCallbacksDo(random), ms: random.pick([0, 0, 0.2, 1, 5, 1e6]), unref: random.oneIn(4) }),
    run(world, { context, does, ms, unref }) {
      const record = make(world, 'timer', context, (ctx, self) => ctx.timer('t', callback(world, self, does)));
      if (!record) return;
      record.again = () => arm(record, 0);
      if (unref) record.object.unref();
      world.attempt('arm()', record.rt, () => arm(record, ms));
    },
  },
  cancel: {
    weight: 1,
    make: (random) => ({ timer: any(random), close: random.oneIn(3) }),
    run: (world, { timer, close: closes }) => use(world, 'timer', timer, 'cancel()', (record) => {
      if (closes) close(record.rt, record);
      else record.object.cancel();
      record.pending = false;
    }),
  },
  sleep: {
    weight: 2,
    make: (random) => ({ context: any(random), ms: random.pick([0, 0.2, 1, 5]), ticks: random.pick([0, 0, 3]), signal: random.oneIn(3) ? random.below(4) : undefined }),
    run(world, { context: n, ms, ticks, signal }) {
      const context = contextOf(world, n);
      if (!context) return;
      const options = world.signalOption(signal);
      return world.track(ticks > 0 ? 'interval()' : 'sleep()', context.rt, async () => {
        if (ticks === 0) return context.object.sleep(ms, options);
        let seen = 0;
        for await (const periods of context.object.interval(1, options)) {
          if (periods < 1) world.problem('content', `${periods} periods`);
          if (++seen === ticks) break;
        }
      });
    },
  },
  notifier: {
    weight: 3,
    make: (random) => ({ context: any(random) }),
    run: (world, { context }) => void make(world, 'notifier', context, (ctx) => ctx.notifier('n')),
  },
  set: {
    weight: 4,
    make: (random) => ({ notifier: any(random), clear: random.oneIn(6) }),
    run: (world, { notifier, clear }) => use(world, 'notifier', notifier, 'set()', ({ object }) => (clear ? object.testAndClear() : object.set())),
  },
  wait: {
    weight: 3,
    make: (random) => ({ notifier: any(random), signal: random.oneIn(2) ? random.below(4) : undefined }),
    run(world, { notifier, signal }) {
      const record = world.get('notifier', notifier);
      // It may have a handler.
      return record && world.track('wait()', record.rt, () => record.object.wait(world.signalOption(signal)), { allow: ['ERR_AIO_INVALID_ARG'] });
    },
  },
  watch: {
    weight: 2,
    make: (random) => ({ notifier: any(random), does: whatCallbacksDo(random), closed: random.oneIn(4) }),
    run(world, { notifier, does, closed }) {
      const { rt, context, object } = world.get('notifier', notifier) ?? {};
      if (!rt) return;
      const record = { rt, context, again: () => object.set() };
      const watch = world.attempt('onSet()', rt, () => context.object.onSet(object, callback(world, record, does)), ['ERR_AIO_INVALID_ARG']);
      record.object = watch;
      if (watch && closed) world.attempt('watch.close()', rt, () => watch.close());
    },
  },
  closeNotifier: {
    weight: 1,
    make: (random) => ({ notifier: any(random) }),
    run: (world, { notifier }) => use(world, 'notifier', notifier, 'notifier.close()', (record) => close(record.rt, record)),
  },
  pipe: {
    weight: 3,
    make: (random) => ({ context: any(random), capacity: random.pick([1, 16, 1000, 65536]) }),
    run: (world, { context, capacity }) => void make(world, 'pipe', context, (ctx) => ctx.pipe('p', { capacity })),
  },
  transferBytes: {
    weight: 3,
    make: (random) => ({ pipe: any(random), length: random.pick([1, 100, 5000]), end: random.oneIn(2) }),
    // One writer and one reader at a time.
    run(world, { pipe, length, end }) {
      const record = world.get('pipe', pipe);
      if (!record || record.used) return;
      record.used = true;
      const { rt, object } = record;
      const writing = world.track('pipe.write(), drain()', rt, async () => {
        for (let at = 0; at < length;) {
          const taken = object.write(bytesOf(at, length - at));
          at += taken;
          if (taken === 0) await object.drain();
        }
        if (end) object.end();
      });
      const reading = world.track('pipe.read()', rt, async () => {
        let at = 0;
        while (at < length) {
          const bytes = object.read();
          if (bytes.some((byte, i) => byte !== (at + i) % 251)) return world.problem('content', `pipe: wrong bytes after ${at}`);
          at += bytes.length;
          if (bytes.length === 0) await object.readable.wait();
        }
      });
      return Promise.all([writing, reading]);
    },
  },
  closePipe: {
    weight: 1,
    make: (random) => ({ pipe: any(random) }),
    run: (world, { pipe }) => use(world, 'pipe', pipe, 'pipe.close()', (record) => close(record.rt, record)),
  },
  look: {
    weight: 2,
    make: (random) => ({ rt: any(random) }),
    run(world, { rt: n }) {
      const rt = world.runtimeOf(n);
      if (!rt) return;
      world.attempt('dump()', rt, () => rt.runtime.dump());
      return world.track('iothreads()', rt, () => rt.runtime.iothreads());
    },
  },
  pause: {
    weight: 8,
    make: (random) => ({ how: random.pick(['microtask', 'turn', 'turn', 'ms']), n: random.between(1, 4) }),
    async run(world, { how, n }) {
      if (how === 'ms') return world.env.delay(n * n);
      for (let i = 0; i < n; i++) await (how === 'turn' ? world.env.turn() : undefined);
    },
  },
  stall: {
    weight: 2,
    make: (random) => ({ us: random.pick([20, 200, 2000]) }),
    run(world, { us }) {
      for (const end = performance.now() + us / 1000; performance.now() < end;);
    },
  },
};
