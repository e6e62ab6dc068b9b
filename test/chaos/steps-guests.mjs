// Steps with WASI guests, each of which has a runtime of its own.

/** What the program does, how much likelier it is, and what it ends with if nothing else ends it. */
const guests = {
  echo: { weight: 4, code: 0 },
  exit: { weight: 2, code: 7 },
  // A thread of it spins meanwhile.
  thread: { weight: 1, code: 7 },
  spin: { weight: 1 },
  wait: { weight: 1 },
  trap: { weight: 1, error: 'ERR_AIO_PANIC' },
};
const weights = Object.fromEntries(Object.entries(guests).map(([what, { weight }]) => [what, weight]));

/** Standard input in pieces, which come in turns of their own. */
const inputOf = (world, length) => {
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      await world.env.turn();
      if (at >= length) return controller.close();
      const piece = Uint8Array.from({ length: Math.min(777, length - at) }, (_, i) => (at + i) % 251);
      at += piece.length;
      controller.enqueue(piece);
    },
  });
};

/** Standard output: `length` counts, `wrong` is where the first wrong byte was. */
function output() {
  const seen = { length: 0, wrong: undefined };
  seen.stream = new WritableStream({
    write(bytes) {
      const at = bytes.findIndex((byte, i) => byte !== (seen.length + i) % 251);
      if (at >= 0) seen.wrong ??= seen.length + at;
      seen.length += bytes.length;
    },
  });
  return seen;
}

export const guestSteps = {
  guest: {
    weight: 1,
    make(random) {
      const what = random.weighted(weights);
      const endless = guests[what].code === undefined && guests[what].error === undefined;
      const end = endless ? random.pick(['close', 'timeout', 'abort']) : random.pick([undefined, undefined, undefined, 'close', 'timeout', 'abort']);
      return { what, end, ms: random.pick([0, 1, 20, 100]), length: random.pick([0, 1, 5000, 100_000]), signal: random.below(4) };
    },
    // One promise for all of it, so that nothing else takes the program for over meanwhile.
    run: (world, step) => world.track('a guest', undefined, () => runGuest(world, step)),
  },
};

/** Runs one until it ends, or is ended, and puts it away. */
async function runGuest(world, { what, end, ms, length, signal }) {
  const { env } = world;
  const seen = output();
  const options = {
    module: env.binary, args: ['chaos', what], stdin: inputOf(world, length), stdout: seen.stream, stderr: 'closed',
    ...(end === 'timeout' && { timeout: ms }),
  };
  const host = await world.starts(world.track('WasiHost.create()', undefined, () => env.wasi.WasiHost.create(options)));
  if (!host) return;
  const { code, error } = guests[what];
  const ended = { close: ['ERR_AIO_CLOSED'], timeout: ['ERR_AIO_TIMEOUT'] }[end] ?? [];
  const ran = world.track(`WasiHost.run(${what})`, undefined, async () => {
    const got = await host.run(end === 'abort' ? world.signalOption(signal) : {});
    if (got !== code) world.problem('content', `the guest '${what}' ended with ${got}, not ${code}`);
    if (what === 'echo' && (seen.length !== length || seen.wrong !== undefined)) {
      world.problem('content', `the guest wrote ${seen.length} bytes of ${length}, wrong at ${seen.wrong}`);
    }
  }, { allow: [...ended, ...(error ? [error] : [])] });
  const close = () => world.track('WasiHost.close()', undefined, () => host.close());
  if (end === 'close') await env.delay(ms).then(close);
  if (end === 'abort') await env.delay(ms).then(() => world.abort(signal));
  await ran;
  return close();
}
