// Steps that end something, in order or not, and calls with wrong arguments.
import { endIOThread, endRuntime, lose } from './callbacks.mjs';

const any = (random) => random.below(64);

const WAYS_TO_END = ['throwLater', 'stray', 'exit', 'throwInBottomHalf', 'rejectInBottomHalf', 'throwInTimer', 'strayCall'];

/** Calls that have to be refused, by what they are made on. */
const mistakes = {
  pipe: {
    'write(text)': (pipe) => pipe.write('text'),
    'write()': (pipe) => pipe.write(undefined),
    'write(ArrayBuffer)': (pipe) => pipe.write(new ArrayBuffer(4)),
    'read(-1)': (pipe) => pipe.read(-1),
    'read(10n)': (pipe) => pipe.read(10n),
  },
  timer: {
    'arm(10n)': (timer) => timer.arm(10n),
    'arm(-1)': (timer) => timer.arm(-1),
    'arm(NaN)': (timer) => timer.arm(NaN),
    'arm()': (timer) => timer.arm(undefined),
  },
  iothread: {
    'set()': (io) => io.set(undefined),
    'set({ pollMaxNs: -1 })': (io) => io.set({ pollMaxNs: -1 }),
    'open()': (io) => io.open(undefined),
    'open({ aio })': (io) => io.open('x', { aio: 'fast' }),
    'call(nothing)': (io) => io.call('no_such_function'),
    'coroutine(nothing)': (io) => io.coroutine('no_such_coroutine'),
  },
  file: {
    'read(-1)': (file) => file.read(-1, 1),
    'read(length)': (file) => file.read(0, -1),
    'read(text)': (file) => file.read(0, 'text'),
    'readv()': (file) => file.readv(0, undefined),
  },
  runtime: {
    'iothread(Symbol())': (runtime) => runtime.iothread(Symbol('name')),
    'iothread({ pollMaxNS })': (runtime) => runtime.iothread('mistaken', { pollMaxNS: 1 }),
    'createContext()': (runtime) => runtime.createContext(undefined),
    'bottomHalf()': (runtime) => runtime.context.bottomHalf('b', undefined),
    'timer()': (runtime) => runtime.context.timer('t', undefined),
    'allocate(-1)': (runtime) => runtime.allocate(-1),
    'allocate(text)': (runtime) => runtime.allocate('text'),
    'call(nothing)': (runtime) => runtime.call('no_such_function'),
  },
};

export const endSteps = {
  mistake: {
    weight: 3,
    make(random) {
      const on = random.pick(Object.keys(mistakes));
      return { on, call: random.pick(Object.keys(mistakes[on])), n: any(random) };
    },
    run(world, { on, call, n }) {
      const record = on === 'runtime' ? world.runtimeOf(n) : world.get(on, n);
      if (!record) return;
      return world.track(`${on}.${call}`, record.rt ?? record, async () => {
        await mistakes[on][call](record.object ?? record.runtime);
        world.problem('accepted', `${on}.${call} was not refused`);
      }, { allow: ['ERR_AIO_INVALID_ARG'] });
    },
  },
  abort: {
    weight: 3,
    make: (random) => ({ n: random.below(4) }),
    run: (world, { n }) => world.abort(n),
  },
  closeIOThread: {
    weight: 2,
    make: (random) => ({ iothread: any(random), twice: random.oneIn(3), timeout: random.oneIn(4) ? random.pick([0, 1, 20]) : undefined }),
    run(world, { iothread, ...how }) {
      const io = world.get('iothread', iothread);
      return io && endIOThread(world, io, how);
    },
  },
  terminateIOThread: {
    weight: 1,
    make: (random) => ({ iothread: any(random) }),
    run(world, { iothread }) {
      const io = world.get('iothread', iothread);
      if (!io?.object.terminate) return;
      lose(io);
      io.closed = true;
      io.rt.may.add('ended');
      return world.track('iothread.terminate()', io.rt, () => io.object.terminate(), { allow: io.rt.ends });
    },
  },
  closeRuntime: {
    weight: 1,
    make: (random) => ({ rt: any(random), twice: random.oneIn(3), timeout: random.oneIn(4) ? random.pick([0, 1, 20]) : undefined }),
    run(world, { rt: n, ...how }) {
      const rt = world.runtimeOf(n);
      return rt && endRuntime(world, rt, how);
    },
  },
  anotherRuntime: {
    weight: 1,
    make: (random) => ({ signal: random.oneIn(2) ? random.below(4) : undefined, maximumMemory: random.oneIn(4) ? 65536 : undefined }),
    run(world, { signal, maximumMemory }) {
      const rt = world.addRuntime({ reserve: 0, ...(maximumMemory !== undefined && { maximumMemory }) });
      return createRuntime(world, rt, signal);
    },
  },
  kill: {
    weight: 1,
    make: (random) => ({ rt: any(random), worker: any(random) }),
    run(world, { rt: n, worker }) {
      const rt = world.runtimeOf(n);
      if (!rt || !world.env.kill(rt, worker)) return;
      rt.killed = true;
      // One that was starting could not be had: an IOThread's, or a pool's only one.
      for (const code of ['ERR_AIO_THREAD_LOST', 'ERR_AIO_CANCELED', 'ERR_AIO_THREAD_LIMIT', 'ERR_AIO_IO EAGAIN']) rt.may.add(code);
      // In a page nobody says that it is gone.
      if (world.env.filesAreOwned) rt.may.add('ERR_AIO_TIMEOUT');
    },
  },
  die: {
    weight: 1,
    make: (random) => ({ iothread: any(random), how: random.pick(WAYS_TO_END) }),
    run(world, { iothread, how }) {
      const all = world.all('iothread').filter(({ code }) => code);
      const io = all[iothread % all.length];
      if (!io) return;
      lose(io);
      const { message } = world.error(how);
      return world.track(`remote.${how}()`, io.rt, () => io.object.remote[how](message, () => {
        throw world.error('thrown by the owner for nobody');
      }));
    },
  },
  panic: {
    weight: 1,
    make: (random) => ({ iothread: any(random), where: random.pick(['owner', 'callback', 'iothread', 'bottomHalf', 'pool']), way: random.below(5) }),
    run(world, { iothread, where, way }) {
      const io = world.get('iothread', iothread);
      if (!io) return;
      const { rt, object } = io;
      // The objects of a runtime that has failed are closed.
      for (const code of ['ERR_AIO_PANIC', 'ended']) rt.may.add(code);
      switch (where) {
        case 'owner':
          return world.attempt('die_here()', rt, () => rt.runtime.call('die_here', way));
        case 'callback':
          // Its own code hides it, which changes nothing.
          return world.attempt('bottom half that dies', rt, () => rt.runtime.context.bottomHalf('dies', () => {
            try {
              rt.runtime.call('die_here', way);
            } catch (error) {
              world.judge('die_here() in a call-back', rt, error, []);
            }
          }).schedule());
        default:
          return world.track(`${where} that dies`, rt, () => object.call({ iothread: 'die_here', bottomHalf: 'die_in_bottom_half', pool: 'die_in_pool' }[where], way));
      }
    },
  },
};

/** Makes a runtime; one that comes although its signal was aborted is closed by itself. */
export function createRuntime(world, rt, signal) {
  const { env } = world;
  rt.made = world.track('Runtime.create()', rt, async () => {
    const runtime = await env.library.Runtime.create({
      module: env.module, ...rt.options, worker: () => env.makeWorker(rt), ...world.signalOption(signal),
    });
    rt.runtime = runtime;
    if (runtime.closed) void world.track('runtime.closed', rt, () => runtime.closed, { allow: rt.ends });
    // The second: the module is given compiled, and needs more than that.
  }, { allow: rt.options.maximumMemory === undefined ? [] : ['ERR_AIO_NO_MEMORY', 'ERR_AIO_MODULE'] });
  return rt.made;
}
