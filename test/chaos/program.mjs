// A random program as data: options of its runtimes, and lanes of steps that run beside each
// other. A step names the objects it uses by numbers that are taken modulo what is there, so
// whatever is left out of a program, the rest is one, too.
import { makeRandom } from './random.mjs';
import { stepKinds } from './steps.mjs';

const MIB = 1 << 20;

/** What a program is about: how much likelier some kinds of steps are in it. */
const themes = {
  mixed: {},
  files: { open: 8, read: 12, write: 8, writeRead: 8, flush: 4, closeFile: 4, abort: 3, burst: 2 },
  loops: { bottomHalf: 6, schedule: 8, timer: 6, notifier: 5, watch: 5, wait: 5, pipe: 5, transferBytes: 6, createContext: 5, closeContext: 5 },
  code: { codeIOThread: 8, remote: 20, remoteFail: 6, callBackOwner: 6, makeThere: 4 },
  calls: { codeIOThread: 8, callWith: 8, signalValue: 6, rowsOf: 8, rowsTo: 6, askPeer: 8, askEachOther: 4, askOwner: 8, abort: 5, remote: 4, terminateIOThread: 2, closeIOThread: 2 },
  failures: { codeIOThread: 6, die: 8, throwInCallback: 6, bottomHalf: 3, schedule: 3, kill: 3, read: 4, open: 3 },
  kills: { kill: 10, fillHeap: 2, read: 8, open: 5, remote: 5, codeIOThread: 3, write: 4, writeRead: 4 },
  ends: { closeIOThread: 8, terminateIOThread: 5, closeRuntime: 3, abort: 5, iothread: 4, open: 3, read: 4, brokenIOThread: 3, slowIOThread: 3 },
  guests: { guest: 30 },
  sockets: { openSockets: 12, sendBySocket: 12, closeSocket: 4, socketThere: 8, codeIOThread: 3, createContext: 3, closeContext: 3, abort: 3 },
};

function runtimeOptions(random, theme) {
  const options = { reserve: random.weighted({ 0: 8, 1: 2, 2: 1 }) | 0 };
  const kind = random.weighted({ plain: 12, threads: 2, memory: theme === 'files' ? 4 : 2, tiny: 1, stack: 1 });
  if (kind === 'threads') options.maxThreads = random.between(1, 4);
  if (kind === 'memory') options.maximumMemory = random.between(2, 8) * MIB;
  if (kind === 'tiny') options.maximumMemory = random.between(16, 40) * 65536;
  if (kind === 'stack') options.stackSize = random.pick([65536, MIB]);
  return options;
}

function step(random, weights) {
  const op = random.weighted(weights);
  const made = { op, ...stepKinds[op].make(random) };
  // Whether its lane waits for it, a little at least.
  if (random.oneIn(2)) made.wait = true;
  return made;
}

/**
 * The program of a seed. without: kinds of steps that are not to be in it; host: 'node' or
 * 'page'.
 */
export function makeProgram(seed, { without = [], host = 'node' } = {}) {
  const random = makeRandom(seed);
  const theme = random.weighted({ mixed: 3, files: 3, loops: 3, code: 2, calls: 4, failures: 2, kills: 3, ends: 3, guests: 2, sockets: 2 });
  const weights = {};
  for (const [op, { weight, hosts = ['node', 'page'] }] of Object.entries(stepKinds)) {
    if (!without.includes(op) && hosts.includes(host)) weights[op] = weight * (themes[theme][op] ?? 1);
  }
  const runtimes = [runtimeOptions(random, theme)];
  if (random.oneIn(8)) runtimes.push(runtimeOptions(random, theme));
  // Something to work with, most of the time.
  const start = [];
  if (!random.oneIn(6)) {
    const op = ['code', 'calls', 'failures', 'sockets'].includes(theme) ? 'codeIOThread' : 'iothread';
    for (let n = theme === 'calls' ? 2 : 1; weights[op] !== undefined && n > 0; n--) start.push({ op, ...stepKinds[op].make(random), name: `io${n}`, wait: 'first' });
    if (theme === 'files' || theme === 'kills') start.push({ op: 'open', ...stepKinds.open.make(random), wait: 'first' });
  }
  const lanes = Array.from({ length: random.between(1, 3) }, () =>
    Array.from({ length: random.between(2, 12) }, () => step(random, weights)));
  lanes[0].unshift(...start);
  // Whether all that still works is tried, and put away piece by piece, before the end; otherwise
  // the end meets whatever is in flight.
  return { seed, theme, tidy: random.oneIn(2), runtimes, lanes };
}

/** How many parts a program has. */
export function sizeOf({ runtimes, lanes }) {
  return runtimes.length + lanes.reduce((sum, lane) => sum + lane.length, 0);
}

/** A step as one line. */
export function describe({ op, wait, ...rest }) {
  const given = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `${wait ? 'await ' : ''}${op}(${given.join(', ')})`;
}
