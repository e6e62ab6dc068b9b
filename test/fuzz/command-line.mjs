// SPDX-License-Identifier: MIT
// Command lines that nobody would type. The parsers answer with what was asked for, or with a usage error of one sentence; they
// throw nothing else, and what a command takes as its operands is what was typed.
import fc from 'fast-check';
import { parse } from '../../wasm/command-line.mjs';
import { parseOptions, UsageError } from '../../dist/cli/options.js';

const word = fc.oneof(
  fc.constantFrom('--', '-', '-h', '--help', '--no-size', '--size', '--size=', '--size=1', '--size=-1', '--fast', '--fast=1', '--fas', '-x', '--__proto__=1', '--constructor', '=', '', '--=', '-size', '--size=--size'),
  fc.string(), fc.string().map((text) => `--${text}`), fc.string().map((text) => `--size=${text}`),
);
const names = fc.constantFrom(0, 1, Infinity);

/** Whether each word was understood: as an option, as the value of one, as an operand, or as the -- that ends the options. */
function areAll(argv, { all, operands }, most) {
  let option = 0, operand = 0, over = false;
  for (let at = 0; at < argv.length; at++) {
    const [name, value] = all[option] ?? [];
    if (!over && argv[at] === '--') over = true;
    else if (!over && name && argv[at] === `--${name}=${value}`) option++;
    else if (!over && name && argv[at] === `--${name}`) {
      option++;
      if (name === 'size' && argv[++at] !== value) return false;
    } else if (argv[at] === operands[operand]) {
      operand++;
      over ||= most === Infinity;
    } else return false;
  }
  return option === all.length && operand === operands.length && operand <= most;
}

/** What has failed before: a group of letters that ends with -, before operands without end. */
const GROUPS = [[['-x-', 'program.wasm'], Infinity]];

/** wasm-aio's options. */
const own = (options) => fc.assert(fc.property(fc.array(word, { maxLength: 8 }), names, (argv, operands) => {
  const command = {
    name: 'test', usage: '[OPTION...]', about: 'Tests.', operands,
    options: { size: { value: 'BYTES', help: 'a size' }, fast: { help: 'a switch' } },
  };
  try {
    const given = parseOptions(command, argv);
    if (!given) return argv.includes('-h') || argv.includes('--help');
    return given.all.every(([, value]) => typeof value === 'string') && areAll(argv, given, operands);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message !== '' && !error.message.includes('undefined');
  }
}), { examples: GROUPS, ...options });

const option = fc.oneof(
  fc.constantFrom('-c', '-S', '-E', '-o', 'a.c', '-x', 'c', 'c++', '-', '-O2', '-g', '-Wall', '-Wl,', '-Wl,--gc-sections', '-Xlinker', '-L', '-l', '-lm', '-I', '-D', '-MD', '-MF', '-shared', '-r',
    '--launcher', '--aio-reactor', '--version', '-print-', '-print-search-dirs', '-dumpmachine', '@', '@missing', '-v', '-s', '-static', '-z', '-fsanitize=address', '-msimd128', '-std=', '-include', '--'),
  fc.string().map((text) => `-${text}`), fc.string().map((text) => `@${text}`), fc.string(),
);
/** What has failed before: a response file that is a directory. */
const BEFORE = [[['@.']]];

/** aiocc's. */
const aiocc = (options) => fc.assert(fc.property(fc.array(option, { maxLength: 8 }), (argv) => {
  try {
    const asked = parse(argv);
    return Array.isArray(asked.sources) && [asked.compile, asked.link, asked.deps].flat().every((text) => typeof text === 'string');
  } catch (error) {
    // The class of its errors is not exported by name alone: each is a sentence, and none is one of the language's own.
    if (error.constructor.name !== 'Failure') throw error;
    return error.message !== '' && !error.message.includes('undefined');
  }
}), { examples: BEFORE, ...options });

export function check(options) {
  const { interruptAfterTimeLimit: limit, ...rest } = options;
  const half = { numRuns: 5000, ...rest, ...(limit && { interruptAfterTimeLimit: limit / 2 }) };
  own(half);
  aiocc(half);
}
