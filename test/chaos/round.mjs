// Runs a program, and finds out whether all is as it should be afterwards.
import { close, endContext, endFile, endIOThread, endRuntime } from './callbacks.mjs';
import { createRuntime } from './steps-ends.mjs';
import { wrongDisk } from './steps-files.mjs';
import { stepKinds } from './steps.mjs';
import { World } from './world.mjs';

/** How long anything may take to settle: a net for what hangs, since machines stand still at times. */
const SETTLE_MS = 30_000;
/** How long a lane waits for a step, which may never settle before something else ends. */
const STEP_MS = 30;

/** Resolves with true when the promise has settled, with false after ms. */
async function within(promise, ms) {
  let timer;
  try {
    return await Promise.race([
      Promise.resolve(promise).then(() => true),
      new Promise((resolve) => (timer = setTimeout(resolve, ms, false))),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

async function runLane(world, lane, ms = STEP_MS) {
  for (const step of lane) {
    let running;
    try {
      running = Promise.resolve(stepKinds[step.op].run(world, step));
    } catch (error) {
      running = Promise.reject(error);
    }
    // Errors of the package have been judged; this is the test's own.
    running = running.catch((error) => world.problem('test', `${step.op}: ${error?.stack ?? String(error)}`));
    if (step.wait) await within(running, ms);
  }
}

/** Call-backs that are due and have not run. */
function due(world, rt) {
  return [...world.all('bottomHalf'), ...world.all('timer')].filter(
    (record) => record.rt === rt && record.pending && !record.closed && !record.context.closed);
}

/** Whatever has failed in this runtime, the rest of it works. */
async function probe(world, rt) {
  const { env } = world;
  for (const end = performance.now() + SETTLE_MS; rt.alive && due(world, rt).length > 0;) {
    if (performance.now() > end) {
      world.problem('lost', `a call-back that is due did not run: ${due(world, rt)[0].object.name}`);
      return;
    }
    await env.turn();
  }
  const living = world.all('iothread').filter((io) => io.rt === rt && !io.closed && !io.mayEnd && !rt.killed);
  const clocks = living.map((io) => world.track('iothread.clock() at the end', rt, () => io.object.clock()));
  const allow = [];
  const reads = world.track('a new IOThread at the end', rt, async () => {
    const io = { rt, object: await rt.runtime.iothread('probe') };
    try {
      const file = await world.openFile(io, env.path('disk'), {}, allow);
      const why = wrongDisk(await file.object.read(1000, 3000), 1000, 3000);
      if (why) world.problem('content', why);
      await endFile(world, file);
    } finally {
      await io.object.close();
    }
  }, { allow });
  await within(Promise.all([...clocks, reads]), SETTLE_MS);
}

/** Closes one thing after the other; nothing of them stays. */
async function putAway(world, rt) {
  const of = (kind) => world.all(kind).filter((record) => record.rt === rt);
  const files = [...of('file'), ...of('writableFile')];
  await within(Promise.all(files.map((file) => endFile(world, file))), SETTLE_MS);
  await within(Promise.all(of('socket').flatMap(({ socket, peer }) => [socket, peer].map((end) => world.track('socket.close()', rt, () => end.close())))), SETTLE_MS);
  for (const record of [...of('bottomHalf'), ...of('timer'), ...of('notifier'), ...of('pipe')]) {
    world.attempt('close()', rt, () => close(rt, record));
  }
  await within(Promise.all([...of('context').map((context) => endContext(world, context)), ...of('iothread').map((io) => endIOThread(world, io, {}))]), SETTLE_MS);
  if (!rt.alive) return;
  // A start that was aborted ends by itself, some time after whoever aborted it has heard so.
  const starting = async () => {
    while (rt.alive && rt.runtime.ioThreads.length > 0) await world.env.turn();
  };
  if (!(await within(starting(), SETTLE_MS))) {
    const names = rt.runtime.ioThreads.map(({ name, state }) => `'${name}' (${state})`).join(', ');
    world.problem('leak', `an IOThread whose start was aborted has not ended: ${names}\n${rt.runtime.dump()}`);
  }
  if (!rt.alive) return;
  const handles = () => rt.runtime.instance.exports.rt_handles_open();
  // Whoever waits for one that was closed is told by its loop.
  for (let turns = 0; turns < 100 && handles() > 0; turns++) await world.env.turn();
  const open = handles();
  if (open > 0) world.problem('leak', `${open} handles are open after all has been closed`);
}

/** Runs it in env; resolves with what is wrong. */
export async function runRound(program, env) {
  const world = new World(program, env);
  env.begin(world);
  await within(Promise.all(program.runtimes.map((options) => createRuntime(world, world.addRuntime(options)))), SETTLE_MS);
  // What all others work with is there before they begin, also on a slow machine.
  const isFirst = ({ wait }) => wait === 'first';
  for (const lane of program.lanes) await runLane(world, lane.filter(isFirst), SETTLE_MS);
  await Promise.all(program.lanes.map((lane) => runLane(world, lane.filter((step) => !isFirst(step)))));
  if (program.tidy) {
    await within(world.started, SETTLE_MS);
    for (const rt of world.runtimes) {
      if (rt.alive) await probe(world, rt);
      if (rt.alive) await putAway(world, rt);
    }
  }
  // A runtime that is still being made is there afterwards.
  await within(Promise.all(world.runtimes.map(({ made }) => made)), SETTLE_MS);
  for (const rt of world.runtimes) if (rt.runtime) void endRuntime(world, rt, {});
  await within(world.idle, SETTLE_MS);
  if (world.unsettled.length > 0) world.problem('unsettled', `not settled: ${[...new Set(world.unsettled)].join('; ')}`);
  for (const { runtime } of world.runtimes) {
    if (runtime && runtime.workerCount !== 0) world.problem('workers', `workerCount is ${runtime.workerCount} after close()`);
  }
  await env.turn();
  await env.turn();
  for (const error of world.owed.keys()) world.problem('silent', `nobody heard of what a call-back threw: ${error.message}`);
  await env.end(world);
  return world.problems;
}
