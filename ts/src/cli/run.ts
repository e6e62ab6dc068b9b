// SPDX-License-Identifier: MIT
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { AioError } from '../errors.js';
import { makeGuestWorker } from '../hosts/node-guest-worker.js';
import { WasiHost, type WasiOptions } from '../wasi.js';
import { helpOf, parseOptions, parseSeconds, parseSize, UsageError, type Command, type Given } from './options.js';
import { complain, print } from './output.js';
import { TraceFile } from './trace-file.js';

const options = {
  dir: { value: 'HOST[::GUEST]', help: 'a directory that the program may use, under the name GUEST (HOST if none is given); the HOST mem is a new one in memory' },
  env: { value: 'NAME[=VALUE]', help: "a variable of its environment (without a value: this process's)" },
  native: { help: 'give it what a native program has: /, the working directory and this environment' },
  listen: { value: '[HOST:]PORT', help: 'a TCP socket that listens; its fd follows those of the directories (3, 4, ...)' },
  'allow-net': { help: 'its sockets may use other addresses than those of the loopback interface' },
  timeout: { value: 'SECONDS', help: 'end it after this time with exit code 124, and say where its loops are' },
  trace: { value: 'FILE', help: 'write what its loops did, and its poll_oneoff calls, to FILE, which Perfetto (ui.perfetto.dev) and Chrome open' },
  top: { value: 'SOCKET', help: 'listen on SOCKET, so that `wasm-aio top SOCKET` shows its loops while it runs' },
  'max-memory': { value: 'SIZE', help: 'what its memory may grow to, if it imports its memory (64M, 1G)' },
};

const command: Command<keyof typeof options> = {
  name: 'run',
  usage: '[OPTION...] PROGRAM.wasm [ARGUMENT...]',
  about: "Runs a WASI preview1 command: one that aiocc built, or any other. The exit code is the program's; 134 if it failed.",
  options,
  operands: Infinity,
  footer: 'What follows PROGRAM.wasm is given to the program. SIGUSR2 prints where every loop is.',
};

/** The longest time-out that setTimeout() accepts. */
const MAX_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

function hostOptions({ all, last }: Given<keyof typeof options>): Omit<WasiOptions, 'module'> {
  const dirs = new Map<string, string>();
  const env = Object.create(null) as Record<string, string>;
  const listen: string[] = [];
  if (last.native !== undefined) {
    dirs.set('/', '/').set('.', '.');
    // The program's libc begins in the directory that PWD names.
    Object.assign(env, process.env, { PWD: process.cwd() });
  }
  for (const [name, value] of all) {
    const [first = '', ...more] = value.split(name === 'env' ? '=' : '::');
    if (name === 'native' || name === 'allow-net' || name === 'trace' || name === 'top') continue;
    if (first === '' && name !== 'listen') throw new UsageError(`--${name}=${value}: must be ${options[name].value}`);
    if (name === 'dir') {
      const guest = more.join('::') || first;
      if (dirs.has(guest)) throw new UsageError(`--dir=${value}: the guest has a directory ${guest} already`);
      dirs.set(guest, first);
    }
    if (name === 'env') {
      // A variable that this process does not have is none of the guest's either.
      const text = value.includes('=') ? more.join('=') : process.env[first];
      if (text !== undefined) env[first] = text;
    }
    if (name === 'listen') listen.push(value.includes(':') ? value : `127.0.0.1:${value}`);
  }
  return {
    dirs, env, listen, allowNet: last['allow-net'] !== undefined,
    ...(last.timeout !== undefined && { timeout: parseSeconds('timeout', last.timeout, MAX_SECONDS) }),
    ...(last['max-memory'] !== undefined && { maximumMemory: parseSize('max-memory', last['max-memory'], 65536, 4 * 1024 ** 3) }),
  };
}

/** Makes the workers of the guest: the first one is one that has been started already. */
function workersAfter(early: Worker): () => Worker {
  let first: Worker | undefined = early;
  return () => {
    const worker = first ?? makeGuestWorker('thread');
    if (first) worker.ref();
    first = undefined;
    return worker;
  };
}

/**
 * The command `wasm-aio run [OPTION...] PROGRAM.wasm [ARGUMENT...]`. Returns the program's exit code, or 134 if it died. early: a worker
 * for the guest that was started before this file was loaded.
 */
export async function run(argv: string[], early?: Worker): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  const [program] = given.operands;
  const options = hostOptions(given);
  if (program === undefined) throw new UsageError(`no program is named; usage: wasm-aio run ${command.usage}`);
  const traced = given.last.trace === undefined ? undefined : await TraceFile.create(given.last.trace);
  const shown = given.last.top === undefined ? undefined : await (await import('./top-server.js')).TopServer.listen(given.last.top, program);
  const host = await WasiHost.create({
    ...options, module: pathToFileURL(program), args: given.operands, ...(early && { worker: workersAfter(early) }),
  });
  await traced?.recordPolls(host);
  if (traced || shown) {
    host.whenCore = (core, guest) => {
      traced?.begin(core);
      shown?.begin(core, (fd) => guest.kindOf(fd));
    };
  }
  process.on('SIGUSR2', () => void host.dumpWithStacks().then((text) => process.stderr.write(text)));
  let code: number;
  try {
    code = await host.run();
  } catch (error) {
    if (!(error instanceof AioError)) throw error;
    complain(error.message);
    code = error.code === 'ERR_AIO_PANIC' ? 134 : error.code === 'ERR_AIO_TIMEOUT' ? 124 : 1;
  }
  const noLoops = `${program} has no loops, because aiocc has not built it`;
  if (!(await traced?.end() ?? true)) complain(`--trace: ${noLoops}, and has not called poll_oneoff: nothing was written`);
  if (!(shown?.end() ?? true)) complain(`--top: ${noLoops}: nothing was shown`);
  // process.exit() ends all threads, whatever they are doing.
  process.exit(code);
}
