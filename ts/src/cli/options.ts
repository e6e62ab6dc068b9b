// SPDX-License-Identifier: MIT
/** Reads command lines by node:util's parseArgs, and holds what each command accepts. */
import { parseArgs } from 'node:util';
import { nearest } from '../check.js';
import { helpText } from './output.js';

/** The error of a wrong command line, for which the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError';

  /** Also true for errors of another copy of this class: `wasm-aio` and `wasm-aio run` are bundles, which have one each. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'UsageError';
  }
}

export interface OptionSpec {
  /** The placeholder of the option's value in the help; absent for a switch. */
  value?: string;
  help: string;
}

/** A command: what its help says, and what its command line may contain. */
export interface Command<Names extends string> {
  name: string;
  /** The part of the usage line that follows the name. */
  usage: string;
  about: string;
  options: Record<Names, OptionSpec>;
  /** The most operands. With Infinity the options end at the first operand: the rest are the arguments of a program. */
  operands: number;
  /** A last paragraph of the help. */
  footer?: string;
}

export interface Given<Names extends string> {
  /** The last value of each option that was given; the empty string for a switch. */
  last: Partial<Record<Names, string>>;
  /** All options and their values, in order. */
  all: [name: Names, value: string][];
  operands: string[];
}

/** The end of the message about an unknown word: the word that was probably meant, or where all words are listed. */
export function suggestion(word: string, known: readonly string[], dashes: string, help: string): string {
  const meant = nearest(word, known);
  return meant === undefined ? `${help} lists them` : `did you mean ${dashes}${meant}?`;
}

export function helpOf({ name, usage, about, options, footer }: Command<string>): string {
  const rows = Object.entries<OptionSpec>(options).map(([option, { value, help }]): [string, string] =>
    [`--${option}${value === undefined ? '' : `=${value}`}`, help]);
  return `usage: wasm-aio ${name} ${usage}\n${helpText(about, [...rows, ['-h, --help', 'print this help']], footer)}`;
}

/** Reads `--name=value`, `--name value`, switches and operands. Returns undefined if the help was asked for. */
export function parseOptions<Names extends string>(command: Command<Names>, argv: readonly string[]): Given<Names> | undefined {
  const { name: commandName, options: specs } = command;
  const help = `wasm-aio ${commandName} --help`;
  const types = Object.entries<OptionSpec>(specs).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }]);
  const { tokens } = parseArgs({
    args: [...argv], strict: false, tokens: true,
    options: { ...Object.fromEntries(types) as Record<string, { type: 'string' | 'boolean' }>, help: { type: 'boolean', short: 'h' } },
  });
  const given: Given<Names> = { last: {}, all: [], operands: [] };
  // The token's text is compared, because parseArgs takes the second - of `-x-` for the end of the options.
  const first = command.operands === Infinity ? tokens.find(({ kind, index }) => kind === 'positional' || argv[index] === '--') : undefined;
  const end = first?.index ?? Infinity;
  if (first) given.operands = argv.slice(first.kind === 'positional' ? end : end + 1);
  const own = tokens.filter(({ index }) => index < end);
  // The token's text is compared, because parseArgs takes `-iodepth` for a group of letters, one of which is h.
  if (own.some((token) => token.kind === 'option' && ['-h', '--help'].includes(argv[token.index] ?? ''))) return undefined;

  for (const token of own) {
    if (token.kind === 'positional') given.operands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, value, inlineValue, index } = token;
    if (!Object.hasOwn(specs, name)) {
      const word = argv[index] ?? name;
      throw new UsageError(`unknown option ${word}: ${suggestion(word.replace(/^-+|=.*$/gs, ''), [...Object.keys(specs), 'help'], '--', help)}`);
    }
    const { value: placeholder } = specs[name as Names];
    if (placeholder === undefined && value !== undefined) throw new UsageError(`--${name} takes no value`);
    if (placeholder !== undefined && (value === undefined || value === '')) throw new UsageError(`--${name} needs a value (${placeholder})`);
    if (placeholder !== undefined && inlineValue === false && /^-./s.test(value ?? '')) {
      throw new UsageError(`--${name} needs a value (${placeholder}); one that begins with - is written --${name}=${value}`);
    }
    given.last[name as Names] = value ?? '';
    given.all.push([name as Names, value ?? '']);
  }
  const stray = given.operands[command.operands];
  if (stray !== undefined) throw new UsageError(`unknown argument ${stray}: usage: wasm-aio ${commandName} ${command.usage}`);
  return given;
}

/** Formats a number of bytes as on the command line: 64k, 4G. */
function sizeText(bytes: number): string {
  const unit = ['G', 'M', 'k'].findIndex((_, n) => bytes > 0 && bytes % 1024 ** (3 - n) === 0);
  return unit < 0 ? String(bytes) : `${bytes / 1024 ** (3 - unit)}${['G', 'M', 'k'][unit]}`;
}

/** Parses an integer from min to max. */
export function parseNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw new UsageError(`--${name}=${text}: must be a whole number from ${min} to ${max}`);
  return value;
}

/** Parses a number of bytes from min to max, with a unit or without: 4096, 4k, 64M, 1G. */
export function parseSize(name: string, text: string, min: number, max: number): number {
  const [, digits, unit] = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const scale = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(unit ?? '').toLowerCase()] ?? NaN;
  const value = Number(digits) * scale;
  if (!(value >= min && value <= max)) throw new UsageError(`--${name}=${text}: must be a size from ${sizeText(min)} to ${sizeText(max)}, such as 4096, 4k or 64M`);
  return value;
}

/** Parses a number of seconds greater than 0 and up to max. Returns ms. */
export function parseSeconds(name: string, text: string, max: number): number {
  const ms = /^\d*\.?\d+$/.test(text) ? Number(text) * 1000 : NaN;
  if (!(ms > 0 && ms <= max * 1000)) throw new UsageError(`--${name}=${text}: must be a number of seconds above 0 and up to ${max}`);
  return ms;
}

/** Checks that a value is one of the keys of `choices`. */
export function choice<Name extends string>(option: string, text: string, choices: Record<Name, unknown>): Name {
  if (!Object.hasOwn(choices, text)) {
    throw new UsageError(`--${option}=${text}: must be one of ${Object.keys(choices).join(', ')}`);
  }
  return text as Name;
}
