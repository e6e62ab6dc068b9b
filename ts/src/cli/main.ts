#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import { UsageError } from './options.js';

const HELP = `usage: wasm-aio COMMAND [ARGUMENT...]

  run PROGRAM.wasm [ARGUMENT...]   run a WASI program, aiocc's or any other (run --help)
  bench [OPTION...]                measure reads of a file (bench --help)
  serve [--port=N]                 serve the demo page on this machine
  doctor [ADDRESS]                 say what is wrong here, or with a page that is served
  --help, --version
`;

async function main(argv: string[]): Promise<number> {
  const [command, ...args] = argv;
  switch (command) {
    case 'run':
      return (await import('./run.js')).run(args);
    case 'bench':
      return (await import('./bench.js')).bench(args);
    case 'serve':
      return (await import('./serve.js')).serve(args);
    case 'doctor':
      return (await import('./doctor.js')).runDoctor(args);
    case '--version':
      process.stdout.write(`${(await import('./version.js')).version()}\n`);
      return 0;
    case undefined:
    case '--help':
    case 'help':
      process.stdout.write(HELP);
      return command === undefined ? 2 : 0;
    default:
      throw new UsageError(`there is no command '${command}'; wasm-aio --help lists them`);
  }
}

// The exit code alone: the process ends by itself when nothing is left to do,
// and whatever was written to a pipe gets there.
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) process.exitCode = 2;
  else if (error instanceof AioError && error.code === 'ERR_AIO_PANIC') process.exitCode = 134;
  else process.exitCode = 1;
  const unexpected = !(error instanceof UsageError || error instanceof AioError);
  process.stderr.write(`wasm-aio: ${unexpected && error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
}
