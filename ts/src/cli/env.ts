// SPDX-License-Identifier: MIT
import { fileURLToPath } from 'node:url';
import { helpOf, parseOptions, UsageError, type Command } from './options.js';
import { print } from './output.js';

const options = {
  launcher: { help: 'what is linked runs itself, so that configure takes the build for a native one' },
};

const command: Command<keyof typeof options> = {
  name: 'env',
  usage: '[--launcher]',
  about: 'Prints the variables by which a build system finds aiocc, as commands of the shell.',
  options,
  operands: 0,
  footer: 'eval "$(wasm-aio env --launcher)" && ./configure && make; or without --launcher, ./configure --host=$AIO_HOST. CMake 3.21 and later reads CMAKE_TOOLCHAIN_FILE.',
};

const HOST = 'wasm32-unknown-emscripten';
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The command `wasm-aio env`. */
export async function env(argv: string[]): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  if (given.operands[0] !== undefined) throw new UsageError(`wasm-aio env takes no ${given.operands[0]}`);
  const tool = (name: string): string => fileURLToPath(new URL(`../../wasm/${name}`, import.meta.url));
  const variables = {
    CC: tool('aiocc'), CXX: tool('aiocc++'), AR: tool('aioar'), RANLIB: tool('aioranlib'), AIO_HOST: HOST,
    CONFIG_SITE: tool('config.site'), CMAKE_TOOLCHAIN_FILE: tool('cmake/wasm-aio.cmake'),
    ...(given.last.launcher !== undefined && { AIOCC_LAUNCHER: '1' }),
  };
  await print(Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`).join(''));
  return 0;
}
