// SPDX-License-Identifier: MIT
import { pathToFileURL } from 'node:url';
import { AioError } from '../errors.js';
import { WasiHost, type WasiOptions } from '../wasi.js';
import { parseNumber, UsageError } from './options.js';

export const RUN_HELP = `usage: wasm-aio run [OPTION...] PROGRAM.wasm [ARGUMENT...]
Runs a WASI preview1 command: one that aiocc built, or any other.

  --dir=HOST[::GUEST]     a directory that it may use, by the name GUEST (HOST if none is given)
  --env=NAME[=VALUE]      a variable of its environment (without a value: this process's)
  --listen=[HOST:]PORT    a TCP socket that listens; its fd follows those of the directories (3, 4, ...)
  --timeout=SECONDS       ends it with exit code 124, and says where its loops are
  --max-memory=SIZE       what its memory may grow to, if it imports it (64M, 1G)
`;

const USAGE = 'usage: wasm-aio run [OPTION...] PROGRAM.wasm [ARGUMENT...] (run --help lists the options)';

/** Its options end at the first word that is none. */
function parse(argv: readonly string[]): { options: Omit<WasiOptions, 'module'>; program: string; args: string[] } {
  const dirs: Record<string, string> = {};
  const env: Record<string, string> = {};
  const listen: string[] = [];
  const options: Omit<WasiOptions, 'module'> = { dirs, env, listen };
  const left = [...argv];
  while (left[0]?.startsWith('-')) {
    const arg = left.shift() ?? '';
    if (arg === '--') break;
    const [, name, attached] = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined || !['dir', 'env', 'listen', 'timeout', 'max-memory'].includes(name)) {
      throw new UsageError(`unknown option ${arg}; ${USAGE}`);
    }
    const value = attached ?? left.shift() ?? '';
    if (value === '') throw new UsageError(`--${name} needs a value; ${USAGE}`);
    const [first = '', ...more] = value.split(name === 'env' ? '=' : '::');
    switch (name) {
      case 'dir':
        dirs[more.join('::') || first] = first;
        break;
      case 'env':
        env[first] = value.includes('=') ? more.join('=') : (process.env[first] ?? '');
        break;
      case 'listen':
        listen.push(value.includes(':') ? value : `127.0.0.1:${value}`);
        break;
      case 'timeout':
        options.timeout = Number(value) * 1000;
        if (!(options.timeout > 0 && options.timeout <= 2 ** 31 - 1)) throw new UsageError(`--timeout=${value}: must be a number of seconds above 0`);
        break;
      default:
        options.maximumMemory = parseNumber(name, value, 65536, 4 * 1024 ** 3, true);
    }
  }
  const [program, ...args] = left;
  if (program === undefined) throw new UsageError(USAGE);
  return { options, program, args };
}

/** `wasm-aio run [OPTION...] PROGRAM.wasm [ARGUMENT...]`: its exit code; 134 if it died. */
export async function run(argv: string[]): Promise<number> {
  if (argv[0] === '--help') {
    process.stdout.write(RUN_HELP);
    return 0;
  }
  const { options, program, args } = parse(argv);
  const host = await WasiHost.create({ ...options, module: pathToFileURL(program), args: [program, ...args] });
  process.on('SIGUSR2', () => process.stderr.write(host.dump()));
  let code: number;
  try {
    code = await host.run();
  } catch (error) {
    if (!(error instanceof AioError)) throw error;
    process.stderr.write(`wasm-aio: ${error.message}\n`);
    code = error.code === 'ERR_AIO_PANIC' ? 134 : error.code === 'ERR_AIO_TIMEOUT' ? 124 : 1;
  }
  // exit() ends all threads, whatever they do.
  process.exit(code);
}
