#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import { VERSION } from '../version.js';
import { suggestion, UsageError } from './options.js';
import { complain, helpText, print } from './output.js';

/** Loads the command `run`, which takes longer than a worker needs to start: so the first worker of the guest is started before. */
async function loadRun(): Promise<(argv: string[]) => Promise<number>> {
  const { makeGuestWorker } = await import('../hosts/node-guest-worker.js');
  const early = 'Deno' in globalThis || 'Bun' in globalThis ? undefined : makeGuestWorker('main');
  // If it turns out that there is nothing to run, it does not keep the process alive.
  early?.unref();
  const { run } = await import('./run.js');
  return (argv) => run(argv, early);
}

/** The commands: what each of them does, and how its code is loaded. */
const commands: Record<string, { usage: string; help: string; load: () => Promise<(argv: string[]) => Promise<number>> }> = {
  run: { usage: 'PROGRAM.wasm [ARGUMENT...]', help: 'run a WASI program that aiocc or any other compiler made', load: loadRun },
  top: { usage: 'SOCKET', help: 'show the loops of a program that runs, what each waits for, and its longest call-back', load: async () => (await import('./top.js')).top },
  bench: { usage: '[OPTION...]', help: 'measure reads and writes of a file', load: async () => (await import('./bench.js')).bench },
  'nbd-serve': { usage: '[OPTION...] FILE', help: 'serve a file as a block device over the network (NBD)', load: async () => (await import('./nbd-serve.js')).nbdServe },
  serve: { usage: '[--port=N]', help: 'serve the demo pages and the page of the conformance suite on this machine', load: async () => (await import('./serve.js')).serve },
  env: { usage: '[--launcher]', help: 'print the variables by which build systems find aiocc', load: async () => (await import('./env.js')).env },
  conformance: { usage: '[OPTION...]', help: 'test what programs with shared memory need of this runtime', load: async () => (await import('./conformance.js')).conformance },
  doctor: { usage: '[ADDRESS]', help: 'say what is wrong here, or with a page that is served', load: async () => (await import('./doctor.js')).runDoctor },
};

function help(): string {
  const rows = Object.entries(commands).map(([name, { usage, help: meaning }]): [string, string] => [`${name} ${usage}`, meaning]);
  const text = helpText("QEMU's event loop in WebAssembly: runs programs, measures, and finds faults.", [...rows, ['-h, --help', 'print this help'], ['-v, --version', 'print the version']],
    '`wasm-aio COMMAND --help` says what a command takes.');
  return `usage: wasm-aio COMMAND [ARGUMENT...]\n${text}`;
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    await print(help());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    await print(`${VERSION}\n`);
    return 0;
  }
  // `help bench` is `bench --help`.
  if (name === 'help') return main(args[0] === undefined ? ['--help'] : [args[0], '--help']);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return (await command.load())(args);
  const known = Object.keys(commands);
  if (name.startsWith('-')) throw new UsageError(`unknown option ${name}: ${suggestion(name.replace(/^-+/, ''), ['help', 'version'], '--', 'wasm-aio --help')}`);
  throw new UsageError(`there is no command '${name}': ${suggestion(name, [...known, 'help'], 'wasm-aio ', 'wasm-aio --help')}`);
}

// Only the exit code is set here. The process ends by itself when nothing is left to do, so that everything that was written
// to a pipe arrives.
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) process.exitCode = 2;
  else if (error instanceof AioError && error.code === 'ERR_AIO_PANIC') process.exitCode = 134;
  else process.exitCode = 1;
  const unexpected = !(error instanceof UsageError || error instanceof AioError);
  complain(unexpected && error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
}
