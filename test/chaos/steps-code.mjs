// Steps with IOThreads, and with the code in them.
import { close, lose } from './callbacks.mjs';

const any = (random) => random.below(64);
const maybeSignal = (random, n) => (random.oneIn(n) ? random.below(4) : undefined);

/** Is what came back what was sent? */
function same(a, b) {
  if (Object.is(a, b) || (typeof a === 'function' && typeof b === 'function')) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Error) return b instanceof Error && a.message === b.message && a.name === b.name && same(a.cause, b.cause);
  if (a instanceof Date || a instanceof Map) return JSON.stringify([...(a.entries?.() ?? [a])]) === JSON.stringify([...(b.entries?.() ?? [b])]);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/** Values that a call carries there and back. */
function valueOf(kind, n) {
  const plain = { n, text: `text ${n}`, list: [1, [2, { three: 3n }]], nothing: null, bytes: new Uint8Array([n, 2, 3]) };
  switch (kind) {
    case 'function':
      return { ...plain, f: () => n };
    case 'error':
      return { ...plain, error: new RangeError(`error ${n}`, { cause: new TypeError('cause') }) };
    case 'keys':
      return JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 2}, "toString": 3}');
    case 'keysWithFunction':
      return Object.assign(valueOf('keys', n), { f: () => n });
    case 'objects':
      return { date: new Date(n), map: new Map([[n, [n]]]) };
    default:
      return plain;
  }
}

/** An IOThread, with code or any. */
function ioOf(world, n, coded) {
  const all = world.all('iothread').filter(({ code }) => !coded || code);
  return all.length > 0 ? all[n % all.length] : undefined;
}

/** Starts one, which may turn out to be impossible. */
function start(world, n, { name, signal, options = {}, code, allow = [] }) {
  const rt = world.runtimeOf(n);
  if (!rt) return;
  return world.starts(world.track(`iothread(${code?.how ?? ''})`, rt, async () => {
    const object = await rt.runtime.iothread(name, { ...options, ...(code && code.by(rt)), ...world.signalOption(signal) }).catch((error) => {
      // What is right fails for its name alone.
      if (error?.code === 'ERR_AIO_INVALID_ARG' && !code?.broken && !rt.killed && !/^there is an IOThread/.test(error.message)) world.problem('error', `iothread(): ${error.message}`);
      throw error;
    });
    const record = world.add('iothread', { rt, object, code: code !== undefined, closed: false });
    // Heard, so that its end is not an uncaught error as well.
    if (object.closed) void world.track('iothread.closed', rt, () => object.closed, { allow: rt.ends });
    return record;
  }, { allow: ['ERR_AIO_INVALID_ARG', ...allow] }));
}

/** A call to the code of an IOThread. */
export function remote(world, n, label, work, allow) {
  const io = ioOf(world, n, true);
  return io && world.track(`remote.${label}`, io.rt, () => work(io.object.remote, io), { allow });
}

const codeBy = (world, how, query = '') => ({
  how,
  broken: /throws|rejects|silent|waits|missing/.test(query),
  by: (rt) => (how === 'module' ? { module: world.env.service(query) } : { worker: () => world.env.makeWorker(rt, world.env.service(query)) }),
});

const UNCLONABLE = ['DataCloneError', 'RangeError', 'TypeError', 'ERR_AIO_INVALID_ARG'];

export const codeSteps = {
  iothread: {
    weight: 3,
    make: (random) => ({
      rt: any(random), name: `io${random.below(5)}`, signal: maybeSignal(random, 12),
      options: random.pick([{}, {}, { pollMaxNs: 0 }, { threadPoolMax: 1 }, { threadPoolMax: 2, threadPoolMin: 1 }, { aioMaxBatch: 4, pollMaxNs: 1e6 }]),
    }),
    run: (world, { rt, ...rest }) => start(world, rt, rest),
  },
  codeIOThread: {
    weight: 1,
    make: (random) => ({ rt: any(random), name: `io${random.below(5)}`, how: random.pick(['module', 'worker']), late: random.oneIn(6), signal: maybeSignal(random, 12) }),
    run: (world, { rt, name, how, late, signal }) => start(world, rt, { name, signal, code: codeBy(world, how, late ? '?how=late' : '') }),
  },
  brokenIOThread: {
    weight: 1,
    make: (random) => ({ rt: any(random), how: random.pick(['module', 'worker']), query: random.pick(['?how=throws', '?how=rejects', 'missing']), signal: maybeSignal(random, 6) }),
    run: (world, { rt, how, query, signal }) => start(world, rt, { name: 'broken', signal, code: codeBy(world, how, query) }),
  },
  slowIOThread: {
    weight: 1,
    make: (random) => ({
      rt: any(random), how: random.pick(['module', 'worker']), query: random.pick(['?how=late', '?how=waits', '?how=silent']),
      startTimeout: random.pick([0, 1, 20, 100]), signal: maybeSignal(random, 6),
    }),
    run: (world, { rt, how, query, startTimeout, signal }) =>
      start(world, rt, { name: 'slow', signal, options: { startTimeout }, code: codeBy(world, how, query), allow: ['ERR_AIO_TIMEOUT'] }),
  },
  fillHeap: {
    weight: 1,
    // No other runtime limits a worker's heap.
    hosts: ['node'],
    make: (random) => ({ rt: any(random), alone: random.oneIn(2) }),
    async run(world, { rt: n, alone }) {
      const by = (rt) => ({ worker: () => world.env.makeWorker(rt, world.env.service(''), { maxOldGenerationSizeMb: 16 }) });
      const io = await start(world, n, { name: 'limited', code: { how: 'limited', by } });
      if (!io) return;
      // Another step may have closed it.
      lose(io);
      const calls = [world.track('remote.fillHeap()', io.rt, () => io.object.remote.fillHeap())];
      if (!alone) calls.push(world.track('iothread.clock() of one without heap', io.rt, () => io.object.clock()));
      return Promise.all(calls);
    },
  },
  setOptions: {
    weight: 1,
    make: (random) => ({ iothread: any(random), options: random.pick([{ pollMaxNs: 0 }, { threadPoolMax: 3 }, { aioMaxBatch: 2 }]) }),
    run(world, { iothread, options }) {
      const io = ioOf(world, iothread);
      return io && Promise.all([
        world.track('iothread.set()', io.rt, () => io.object.set(options)),
        world.track('iothread.stats()', io.rt, () => io.object.stats()),
        world.track('iothread.engineStats()', io.rt, () => io.object.engineStats('native')),
      ]);
    },
  },
  call: {
    weight: 2,
    make: (random) => ({ iothread: any(random), owner: random.oneIn(4), a: random.below(1000), b: random.below(1000), signal: maybeSignal(random, 6) }),
    run(world, { iothread, owner, a, b, signal }) {
      const io = ioOf(world, iothread);
      if (!io) return;
      const check = (sum) => sum === a + b || world.problem('content', `add(${a}, ${b}) is ${sum}`);
      if (owner) world.attempt('runtime.call()', io.rt, () => check(io.rt.runtime.call('add', a, b)));
      else return world.track('iothread.call()', io.rt, async () => check(await io.object.call('add', a, b, world.signalOption(signal))));
    },
  },
  coroutine: {
    weight: 2,
    make: (random) => ({ iothread: any(random), owner: random.oneIn(4), name: random.pick(['sleep_ms', 'count_in_the_pool']), n: random.pick([0, 1, 3, 10]), signal: maybeSignal(random, 6) }),
    run(world, { iothread, owner, name, n, signal }) {
      const io = ioOf(world, iothread);
      if (!io) return;
      const on = owner ? io.rt.runtime : io.object;
      return world.track(`coroutine(${name})`, io.rt, async () => {
        const result = await on.coroutine(name, n, world.signalOption(signal));
        // A pool without threads: -EAGAIN; one whose thread was lost: -ECANCELED.
        if (result !== n && !(result < 0 && io.rt.may.size > 0)) world.problem('content', `coroutine ${name}(${n}): ${result}`);
      });
    },
  },
  remote: {
    weight: 2,
    make: (random) => ({ iothread: any(random), value: random.pick(['plain', 'plain', 'function', 'error', 'keys', 'keysWithFunction', 'objects']), n: random.below(100) }),
    run: (world, { iothread, value, n }) => remote(world, iothread, `echo(${value})`, async (service) => {
      const sent = valueOf(value, n);
      const back = await service.echo(sent);
      if ({}.polluted !== undefined || !same(sent, back)) world.problem('content', `echo of ${value} is not what was sent: ${JSON.stringify(back)}`);
    }),
  },
  remoteFail: {
    weight: 1,
    make: (random) => ({ iothread: any(random), type: random.pick(['Error', 'TypeError', 'RangeError']) }),
    run: (world, { iothread, type }) => remote(world, iothread, `fail(${type})`, async (service) => {
      const { message } = world.error('thrown there');
      try {
        await service.fail(type, message);
        world.problem('content', 'what was thrown did not come');
      } catch (error) {
        if (error?.message === message && (error.name !== type || error.cause?.message !== message)) world.problem('content', `${type} came as ${error.name}`);
        throw error;
      }
    }),
  },
  remoteUnclonable: {
    weight: 1,
    make: (random) => ({ iothread: any(random), what: random.pick(['argument', 'result', 'deepArgument', 'deepResult']) }),
    run: (world, { iothread, what }) => remote(world, iothread, what, async (service) => {
      let deep = {};
      for (let i = 0; i < 3000; i++) deep = { deep };
      if (what === 'argument') await service.echo(new WeakMap());
      else if (what === 'result') await service.unclonable();
      else if (what === 'deepArgument') await service.echo(deep);
      else await service.nested(3000);
    }, UNCLONABLE),
  },
  callBackOwner: {
    weight: 1,
    make: (random) => ({ iothread: any(random), does: random.pick(['return', 'throw', 'reject', 'nested']), n: random.below(100) }),
    run: (world, { iothread, does, n }) => remote(world, iothread, `callOwner(${does})`, async (service) => {
      const back = await service.callOwner((given) => {
        if (does === 'throw') throw world.error('thrown by the owner');
        if (does === 'reject') return Promise.reject(world.error('thrown by the owner'));
        return does === 'nested' ? service.echo(given) : given;
      }, n);
      if (back !== n) world.problem('content', `${n} came back as ${back}`);
    }),
  },
  remoteWait: {
    weight: 1,
    make: (random) => ({ iothread: any(random), how: random.pick(['never', 'later']) }),
    run: (world, { iothread, how }) => remote(world, iothread, how, (service) => service[how](3)),
  },
  makeThere: {
    weight: 1,
    make: (random) => ({ iothread: any(random), capacity: random.pick([16, 1000]), closes: random.oneIn(2) }),
    run: (world, { iothread, capacity, closes }) => remote(world, iothread, 'make()', async (service, { rt }) => {
      const { notifier, pipe, bh } = await service.make(capacity);
      service.tick.schedule();
      bh.schedule();
      notifier.set();
      pipe.write(new Uint8Array(5));
      if (!closes) return;
      for (const object of [notifier, pipe]) close(rt, { object });
    }),
  },
  useThere: {
    weight: 1,
    make: (random) => ({ iothread: any(random), object: any(random), kind: random.pick(['bottomHalf', 'notifier']), times: random.pick([1, 10, 100]) }),
    run(world, { iothread, object, kind, times }) {
      const used = world.get(kind, object);
      // A handle of another runtime is refused.
      return used && remote(world, iothread, `use(${kind})`, (service) => service.use(used.object, times),
        // What has been closed is found before whose it is.
        ['ERR_AIO_INVALID_ARG', ...(used.rt.may.has('ended') || world.runtimes.length > 1 ? ['ERR_AIO_CLOSED'] : [])]);
    },
  },
  pumpThere: {
    weight: 1,
    make: (random) => ({ iothread: any(random), pipe: any(random), length: random.pick([1, 1000, 10000]) }),
    run(world, { iothread, pipe: n, length }) {
      const pipe = world.get('pipe', n);
      const io = ioOf(world, iothread, true);
      if (!pipe || !io || pipe.used || pipe.rt !== io.rt) return;
      pipe.used = true;
      const writing = world.track('remote.pump()', io.rt, () => io.object.remote.pump(pipe.object, length));
      const reading = world.track('for await of a pipe', io.rt, async () => {
        let at = 0;
        for await (const bytes of pipe.object) {
          if (bytes.some((byte, i) => byte !== (at + i) % 251)) return world.problem('content', `pipe: wrong bytes after ${at}`);
          at += bytes.length;
        }
        if (at !== length && !io.rt.may.has('ended') && !io.mayEnd) world.problem('content', `pipe: ${at} bytes of ${length}`);
      });
      return Promise.all([writing, reading]);
    },
  },
  spin: {
    weight: 1,
    make: (random) => ({ iothread: any(random), how: random.pick(['spin', 'block', 'c', 'cWait']), forever: random.oneIn(4), ms: random.pick([1, 10]) }),
    run(world, { iothread, how, forever, ms }) {
      const io = ioOf(world, iothread, !how.startsWith('c'));
      if (!io) return;
      if (!forever) return io.code && remote(world, iothread, 'spin()', (service) => service.spin(ms));
      // Only terminate() or the watchdog of close() ends that.
      lose(io);
      io.rt.may.add('ERR_AIO_TIMEOUT');
      const spinning = world.track(`${how} for ever`, io.rt, () =>
        how.startsWith('c') ? io.object.call(how === 'c' ? 'spin_for_ever' : 'wait_for_ever') : io.object.remote[how](Infinity));
      if (!io.object.terminate) return spinning;
      io.closed = true;
      io.rt.may.add('ended');
      return Promise.all([spinning, world.env.turn().then(() => world.track('iothread.terminate()', io.rt, () => io.object.terminate(), { allow: io.rt.ends }))]);
    },
  },
};
