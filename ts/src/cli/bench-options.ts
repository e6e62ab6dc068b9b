// SPDX-License-Identifier: MIT
import type { IOThreadOptions } from '../iothread/options.js';
import type { AioEngine } from '../api/file.js';
import { isExport } from '../api/open-file.js';
import { SECTOR } from '../bench/data.js';
import { modes, writes, type Mode } from '../bench/job.js';
import { Engine } from '../runtime/exports.js';
import { choice, helpOf, parseNumber, parseOptions, parseSeconds, parseSize, UsageError, type Command } from './options.js';

const options = {
  filename: { value: 'FILE', help: 'use this file, or the export nbd://HOST:PORT/NAME; default: a file made for the run' },
  size: { value: 'SIZE', help: 'of the file that is made, or how much of FILE to use (64M)' },
  aio: { value: 'ENGINE', help: 'threads, native, io_uring or sync (threads); nbd, which an export needs' },
  'aio-max-batch': { value: 'N', help: 'requests that native submits at once; 0: 32 (0)' },
  rw: { value: 'MODE', help: 'read, randread, write, randwrite or randrw (randread)' },
  fsync: { value: 'N', help: 'flush after this many writes of an IOThread; 0: never (0)' },
  overwrite: { help: 'write to FILE although the bench did not make it' },
  bs: { value: 'SIZE', help: 'of a block: a multiple of 512 (4k)' },
  iodepth: { value: 'N,...', help: 'requests in flight in each IOThread; one job for each N (1,32)' },
  iothreads: { value: 'N', help: 'IOThreads that read at the same time (2)' },
  'number-ios': { value: 'N', help: 'requests in a job (default: as many as its time allows)' },
  runtime: { value: 'SECONDS', help: 'longest time of a job (3; no limit with --number-ios)' },
  verify: { help: 'check the content of FILE, which the bench must have made' },
  compare: { help: 'do the same reads by fs.promises, fs.read, fs.readSync, and by fio if it is installed' },
  sweep: { value: 'NAME=N,...', help: 'one job for each value of aio-max-batch=N,..., drawn as a chart (engine: native)' },
  'create-only': { help: 'make FILE, which must not exist, and keep it' },
  seed: { value: 'N', help: 'of the data and the offsets (1)' },
  'thread-pool-max': { value: 'N', help: "threads in each IOThread's pool (twice the CPUs)" },
  'poll-max-ns': { value: 'NS', help: 'longest time to poll before a sleep; 0: do not poll (32768)' },
  'poll-grow': { value: 'N', help: 'the factor by which the polling time grows; 0: 2 (0)' },
  'poll-shrink': { value: 'N', help: 'the divisor by which it shrinks; 0: to nothing (0)' },
  trace: { value: 'FILE', help: 'write what the loops did to FILE, which Perfetto (ui.perfetto.dev) and Chrome open' },
  json: { help: 'print one JSON document instead of a table' },
};

const command: Command<keyof typeof options> = {
  name: 'bench',
  usage: '[OPTION...]',
  about: 'Reads and writes blocks of a file through IOThreads in WebAssembly and checks their content.',
  options,
  operands: 0,
  footer: 'Before each job, half a second of the same (or a tenth of --number-ios) is not measured, and again while it starts threads. '
    + 'Ctrl-C ends it with the figures so far; SIGUSR2 prints where every loop is.',
};

export const benchHelp = (): string => helpOf(command);

export interface BenchOptions {
  filename: string | undefined;
  /** The number of bytes to use; undefined means all of the file. */
  size: number | undefined;
  blockSize: number;
  iodepths: number[];
  iothreads: number;
  numberIos: number;
  aio: AioEngine;
  rw: Mode;
  fsync: number;
  overwrite: boolean;
  compare: boolean;
  /** The values of aio-max-batch, for each of which a job is run; undefined if there is no sweep. */
  sweep: number[] | undefined;
  /** The time limit in ms; 0 means no limit. */
  runtime: number;
  verify: boolean;
  createOnly: boolean;
  seed: number;
  /** The properties of the IOThreads. */
  properties: IOThreadOptions;
  json: boolean;
  /** The file for a trace. */
  trace: string | undefined;
}

const MAX = Number.MAX_SAFE_INTEGER;

/** The property if it was given; otherwise an empty object, so that the default applies. */
function property(
  key: keyof IOThreadOptions, name: string, text: string | undefined, min: number, max: number,
): IOThreadOptions {
  return text === undefined ? {} : { [key]: parseNumber(name, text, min, max) };
}

function parseSweep(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const [, values] = /^aio-max-batch=(.*)$/s.exec(text) ?? [];
  if (values === undefined) throw new UsageError(`--sweep=${text}: must be aio-max-batch=N,...`);
  return values.split(',').map((value) => parseNumber('sweep=aio-max-batch', value, 0, 1024));
}

/** Parses the command line of the bench. Returns undefined if the help was asked for. */
export function parseBenchOptions(argv: readonly string[]): BenchOptions | undefined {
  const given = parseOptions(command, argv)?.last;
  if (!given) return undefined;
  const blockSize = parseSize('bs', given.bs ?? '4k', SECTOR, 16 * 1024 ** 2);
  if (blockSize % SECTOR !== 0) throw new UsageError(`--bs=${given.bs}: must be a multiple of ${SECTOR}`);
  const numberIos = given['number-ios'] === undefined ? 0 : parseNumber('number-ios', given['number-ios'], 1, MAX);
  const runtime = given.runtime === undefined ? (numberIos ? 0 : 3000) : parseSeconds('runtime', given.runtime, 1e6);
  const options: BenchOptions = {
    filename: given.filename,
    size: given.size === undefined ? undefined : parseSize('size', given.size, SECTOR, MAX),
    blockSize,
    iodepths: (given.iodepth ?? '1,32').split(',').map((depth) => parseNumber('iodepth', depth, 1, 4096)),
    iothreads: parseNumber('iothreads', given.iothreads ?? '2', 1, 64),
    numberIos,
    aio: choice('aio', given.aio ?? (isExport(given.filename ?? '') ? 'nbd' : given.sweep === undefined ? 'threads' : 'native'), Engine),
    rw: choice('rw', given.rw ?? 'randread', modes),
    fsync: parseNumber('fsync', given.fsync ?? '0', 0, MAX),
    overwrite: given.overwrite !== undefined,
    compare: given.compare !== undefined,
    sweep: parseSweep(given.sweep),
    runtime,
    verify: given.verify !== undefined,
    createOnly: given['create-only'] !== undefined,
    seed: parseNumber('seed', given.seed ?? '1', 0, 2 ** 32 - 1),
    properties: {
      ...property('threadPoolMax', 'thread-pool-max', given['thread-pool-max'], 1, 64),
      ...property('aioMaxBatch', 'aio-max-batch', given['aio-max-batch'], 0, MAX),
      ...property('pollMaxNs', 'poll-max-ns', given['poll-max-ns'], 0, MAX),
      ...property('pollGrow', 'poll-grow', given['poll-grow'], 0, MAX),
      ...property('pollShrink', 'poll-shrink', given['poll-shrink'], 0, MAX),
    },
    json: given.json !== undefined,
    trace: given.trace,
  };
  if (options.createOnly && options.filename === undefined) throw new UsageError('--create-only needs --filename');
  if (options.filename === undefined && (options.size ?? blockSize) < blockSize) {
    throw new UsageError(`--size=${given.size}: must be at least a block (--bs=${blockSize})`);
  }
  if (Math.max(...options.iodepths) * options.iothreads * blockSize > 512 * 1024 ** 2) {
    throw new UsageError('--bs times --iodepth times --iothreads must not exceed 512 MiB');
  }
  checkTogether(options);
  return options;
}

/** Refuses options that cannot be combined. */
function checkTogether({ compare, createOnly, rw, fsync, sweep, aio, overwrite, filename }: BenchOptions): void {
  if (compare && writes(rw)) throw new UsageError(`--compare only reads: not with --rw=${rw}`);
  if (fsync > 0 && !writes(rw)) throw new UsageError(`--fsync needs a --rw that writes, not ${rw}`);
  if (sweep && aio !== 'native' && aio !== 'nbd') throw new UsageError(`--sweep needs --aio=native or an export, because only their batches have a limit: not --aio=${aio}`);
  if ((compare || createOnly) && isExport(filename ?? '')) throw new UsageError('--compare and --create-only need a file, not an export');
  if (overwrite && filename === undefined) throw new UsageError('--overwrite needs --filename');
}
