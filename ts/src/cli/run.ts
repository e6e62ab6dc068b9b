// SPDX-License-Identifier: MIT
import { pathToFileURL } from 'node:url';
import { AioError, hostErrno, messageOf } from '../errors.js';
import { Runtime } from '../index.js';
import { UsageError } from './options.js';

/** Where a program's threads have their C stacks: as much as main() usually has. */
const STACK_SIZE = 1024 * 1024;

/** `wasm-aio run PROGRAM.wasm [ARGUMENT...]`: its exit code; 134 if it died. */
export async function run(argv: string[]): Promise<number> {
  const [program, ...args] = argv;
  if (program === undefined || program.startsWith('-')) {
    throw new UsageError('usage: wasm-aio run PROGRAM.wasm [ARGUMENT...]');
  }
  let runtime: Runtime;
  try {
    runtime = await Runtime.create({
      module: pathToFileURL(program), args: [program, ...args], stackSize: STACK_SIZE, reserve: 1,
    });
  } catch (error) {
    if (error instanceof AioError) throw error;
    throw new AioError('ERR_AIO_IO', `${program}: ${hostErrno(error) === 'ENOENT' ? 'no such file' : messageOf(error)}`);
  }
  process.on('SIGUSR2', () => process.stderr.write(runtime.dump()));
  const exitCode = await runtime.main();
  // exit() ends all threads, whatever they do.
  runtime.threads.terminate();
  process.exit(exitCode);
}
