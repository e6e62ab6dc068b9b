// Steps with what a call may have beside its values: a signal and a time-out, sequences and streams, other IOThreads, and blocking calls.
const any = (random) => random.below(64);
const maybe = (random, n) => (random.oneIn(n) ? random.below(4) : undefined);

function coded(world, n) {
  const all = world.all('iothread').filter(({ code }) => code);
  return all.length > 0 ? all[n % all.length] : undefined;
}

function remote(world, n, label, work, allow = []) {
  const io = coded(world, n);
  return io && world.track(`remote.${label}`, io.rt, () => work(io.object.remote, io), { allow });
}

/** Two IOThreads of one runtime, which may be the same. */
function two(world, n, m) {
  const a = coded(world, n);
  const others = a ? world.all('iothread').filter(({ code, rt }) => code && rt === a.rt) : [];
  return a && [a, others[m % others.length]];
}

/** What an item says of its place. */
const item = (n, size) => ({ n, text: 'x'.repeat(size) });

async function* items(count, size) {
  for (let n = 0; n < count; n++) yield item(n, size);
}

/** Whatever is cut off by an end of something, what has come is right. */
function counts(world, what, came, count, io) {
  if (came !== count && !io.rt.may.has('ended') && io.rt.may.size === 0 && !io.mayEnd) world.problem('content', `${what}: ${came} of ${count}`);
}

const ENDS = ['ERR_AIO_TIMEOUT', 'ERR_AIO_DEADLOCK'];

export const callSteps = {
  callWith: {
    weight: 2,
    make: (random) => ({ iothread: any(random), how: random.pick(['echo', 'later', 'never', 'signalled']), timeout: random.pick([0, 1, 5, 50]), signal: maybe(random, 2), size: random.pick([1, 1000, 20_000]) }),
    run: (world, { iothread, how, timeout, signal, size }) => remote(world, iothread, `with(${how})`, async (service) => {
      const value = how === 'later' ? 3 : 'x'.repeat(size);
      const back = await service.with({ timeout, ...world.signalOption(signal) })[how](value);
      if (how === 'echo' && back !== value) world.problem('content', `with().echo() is ${String(back).slice(0, 20)}`);
    }, ENDS),
  },
  signalValue: {
    weight: 1,
    make: (random) => ({ iothread: any(random), signal: random.below(4), ms: random.pick([0, 2, 20]), aborts: random.oneIn(2), before: random.pick([0, 0, 50]) }),
    run: (world, { iothread, signal, ms, aborts, before }) => remote(world, iothread, 'heard(signal)', async (service) => {
      const { signal: given } = world.controller(signal);
      // They may fill the ring before the signal is told.
      const echoes = Array.from({ length: before }, (_, n) => service.echo(item(n, 1000)));
      const heard = service.heard(given, ms);
      if (aborts) world.abort(signal);
      await Promise.allSettled(echoes);
      const { aborted } = await heard;
      if (aborted && !given.aborted) world.problem('content', 'a signal was aborted there, and not here');
    }),
  },
  rowsOf: {
    weight: 2,
    make: (random) => ({ iothread: any(random), count: random.pick([0, 1, 40, 400]), size: random.pick([1, 100, 5000]), takes: random.pick([0, 1, 10, 1000]), fails: random.oneIn(4), stream: random.oneIn(3) }),
    run: (world, { iothread, count, size, takes, fails, stream }) => remote(world, iothread, `rows(${stream ? 'stream' : 'generator'})`, async (service, io) => {
      const { message } = world.error('thrown by a sequence');
      let came = 0;
      for await (const row of await service.rows(count, size, fails ? message : undefined, stream)) {
        if (row.n !== came || row.text.length !== size) return world.problem('content', `row ${came} is ${row.n} with ${row.text.length}`);
        if (++came > takes) return;
      }
      counts(world, 'rows', came, count, io);
    }),
  },
  rowsTo: {
    weight: 1,
    make: (random) => ({ iothread: any(random), count: random.pick([0, 1, 40, 400]), size: random.pick([1, 100, 5000]), takes: random.pick([0, 1, 10, 1000]), stream: random.oneIn(3) }),
    run: (world, { iothread, count, size, takes, stream }) => remote(world, iothread, 'count(rows)', async (service, io) => {
      const rows = items(count, size);
      const came = await service.count(stream ? ReadableStream.from?.(rows) ?? rows : rows, takes);
      if (came < 0) world.problem('content', 'an item came out of its place');
      counts(world, 'rows to a thread', came, Math.min(count, takes + 1), io);
    }),
  },
  askPeer: {
    weight: 2,
    make: (random) => ({ iothread: any(random), peer: any(random), how: random.pick(['await', 'await', 'sync']), times: random.pick([1, 20, 200]), size: random.pick([1, 200, 3000]), timeout: random.pick([1, 20, 100]) }),
    run(world, { iothread, peer, how, times, size, timeout }) {
      const pair = two(world, iothread, peer);
      if (!pair || pair[0] === pair[1]) return;
      const [io, other] = pair;
      return world.track(`askPeer(${how})`, io.rt, async () => {
        await io.object.remote.meet(other.object.remote);
        const right = await io.object.remote.askPeer(how, times, item(7, size), timeout);
        if (right !== times) world.problem('content', `${right} of ${times} answers of a peer are right`);
      }, { allow: [...ENDS, 'ERR_AIO_INVALID_ARG'] });
    },
  },
  askEachOther: {
    weight: 1,
    make: (random) => ({ iothread: any(random), peer: any(random), timeout: random.pick([5, 50]) }),
    run(world, { iothread, peer, timeout }) {
      const pair = two(world, iothread, peer);
      if (!pair || pair[0] === pair[1]) return;
      const ask = (from, to) => world.track('askPeer(sync) each other', from.rt, async () => {
        await from.object.remote.meet(to.object.remote);
        await from.object.remote.askPeer('sync', 5, item(1, 10), timeout);
      }, { allow: ENDS });
      return Promise.all([ask(...pair), ask(pair[1], pair[0])]);
    },
  },
  askOwner: {
    weight: 2,
    make: (random) => ({ iothread: any(random), does: random.pick(['return', 'throw', 'never', 'abort']), size: random.pick([1, 3000]), before: random.pick([0, 0, 60]), signal: random.below(4), timeout: random.pick([5, 50]) }),
    run: (world, { iothread, does, size, before, signal, timeout }) => remote(world, iothread, `askOwner(${does})`, async (service) => {
      const { signal: given } = world.controller(signal);
      const sent = item(signal, size);
      const work = (value) => {
        // Its thread gets nothing but the answer while it waits.
        const echoes = Array.from({ length: before }, (_, n) => service.echo(item(n, 1000)).catch(() => {}));
        if (does === 'throw') throw world.error('thrown by the owner');
        if (does === 'abort') world.abort(signal);
        return does === 'return' ? value : Promise.all([...echoes, new Promise(() => {})]);
      };
      const back = await service.askOwner(work, sent, given, timeout);
      if (back.n !== sent.n || back.text.length !== size) world.problem('content', `the owner's answer came as ${back.n} with ${back.text.length}`);
      // A reason that was made where it was aborted is copied.
    }, [...ENDS, 'AbortError']),
  },
};
