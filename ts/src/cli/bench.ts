// SPDX-License-Identifier: MIT
import { isExport } from '../api/open-file.js';
import { rmSync } from 'node:fs';
import { SECTOR, seedOf } from '../bench/data.js';
import { Job, writes, type Reader } from '../bench/job.js';
import { benchModule } from '../bench/module.js';
import { AioError } from '../errors.js';
import { Runtime } from '../index.js';
import { make, sizeToRead, temporaryPath } from './bench-file.js';
import { benchHelp, parseBenchOptions, type BenchOptions } from './bench-options.js';
import { sweepText, type SweepPoint } from './bench-chart.js';
import { compare, type Comparison, type Limits } from './bench-compare.js';
import { clearProgress, comparisonTable, progressLine, table, type Measured } from './bench-table.js';
import { isInteractive, outputWidth, print } from './output.js';
import { TraceFile } from './trace-file.js';

const DEFAULT_SIZE = 64 * 1024 ** 2;
/** The longest time of a ramp in ms, and how many requests each place in the queues has in it at least. */
const RAMP_MS = 500;
const RAMP_REQUESTS = 4;
/** The most ramps before a job. */
const RAMPS = 8;
/** The exit code 128 + SIGINT, as shells report it. */
const INTERRUPTED = 130;

/** The command `wasm-aio bench`, a small fio for this event loop. */
export async function bench(argv: string[]): Promise<number> {
  const options = parseBenchOptions(argv);
  if (!options) {
    await print(benchHelp());
    return 0;
  }
  // Check the file before anything is started, because most mistakes are in its name.
  if (options.filename !== undefined && !options.createOnly && !isExport(options.filename)) {
    sizeToRead(options.filename, options.size, options.blockSize);
  }
  const traced = options.trace === undefined ? undefined : await TraceFile.create(options.trace);
  const runtime = await Runtime.create({ module: benchModule });
  traced?.begin(runtime.core);
  const run = new BenchRun(runtime, options);
  const interrupt = (): void => run.interrupt();
  const dump = (): void => void process.stderr.write(`${clearProgress()}${runtime.dump()}`);
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGUSR2', dump);
  try {
    return await run.all();
  } finally {
    run.removeFile();
    await traced?.end();
    await runtime.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGUSR2', dump);
  }
}

class BenchRun {
  private interrupted = false;
  private job: Job | undefined;
  /** The path of a file that was created only for this run. */
  private temporary: string | undefined;
  /** The seed of the content of a file that the bench has created. */
  private contentSeed: number | undefined;
  private verify = false;

  constructor(private readonly runtime: Runtime, private readonly options: BenchOptions) {}

  /** Ctrl-C: the first one ends the job, the second one ends the process. */
  interrupt(): void {
    if (this.interrupted) {
      this.removeFile();
      process.exit(INTERRUPTED);
    }
    this.interrupted = true;
    this.job?.stop();
  }

  removeFile(): void {
    if (this.temporary !== undefined) rmSync(this.temporary, { force: true });
  }

  async all(): Promise<number> {
    const { options, runtime } = this;
    if (options.createOnly) {
      await make(runtime, options.filename ?? '', options.size ?? DEFAULT_SIZE, options.seed);
      return 0;
    }
    const path = options.filename ?? (await this.makeFile());
    const readers = await this.openAll(path);
    // The open fds keep the file's content, so it can be deleted now and is not left behind whatever happens.
    if (!options.compare) this.removeFile();
    await this.learnContent(readers);
    if (options.sweep) return this.sweep(readers, options.sweep);
    const results: Measured[] = [];
    const others: Comparison[] = [];
    for (const iodepth of options.iodepths) {
      if (this.interrupted) break;
      results.push(await this.one(readers, iodepth));
      if (options.compare && !this.interrupted) others.push(...(await this.compare(path, iodepth, readers[0]?.file.size ?? 0)));
    }
    const text = table(results, options.blockSize, this.interrupted) + (options.compare ? comparisonTable(results, others) : '');
    return this.print({ jobs: results, ...(options.compare ? { compare: others } : {}) }, text);
  }

  /** Runs a job for each batch size. */
  private async sweep(readers: Reader[], values: number[]): Promise<number> {
    const points: SweepPoint[] = [];
    for (const aioMaxBatch of values) {
      for (const { ioThread } of readers) await ioThread.set({ aioMaxBatch });
      for (const iodepth of this.options.iodepths) {
        if (this.interrupted) break;
        points.push({ aioMaxBatch, result: await this.one(readers, iodepth) });
      }
    }
    const jobs = points.map(({ aioMaxBatch, result }) => ({ 'aio-max-batch': aioMaxBatch, ...result }));
    return this.print({ jobs }, sweepText(points));
  }

  private async print(document: object, text: string): Promise<number> {
    const interrupted = this.interrupted ? { interrupted: true } : {};
    await print(this.options.json ? `${JSON.stringify({ ...document, ...interrupted })}\n` : text);
    return this.interrupted ? INTERRUPTED : 0;
  }

  private compare(path: string, iodepth: number, fileSize: number): Promise<Comparison[]> {
    const { rw, blockSize, numberIos, runtime, size = fileSize } = this.options;
    this.tell(`iodepth ${iodepth}: comparing`);
    return compare({ path, rw, blockSize, iodepth, numberIos, runtime, size }, this.ramp(iodepth), () => this.interrupted);
  }

  private async makeFile(): Promise<string> {
    this.temporary = temporaryPath();
    const size = this.options.size ?? DEFAULT_SIZE;
    this.tell(`making a file of ${size} bytes`);
    await make(this.runtime, this.temporary, size, this.options.seed);
    return this.temporary;
  }

  private openAll(path: string): Promise<Reader[]> {
    const { properties, iothreads, aio, rw } = this.options;
    const start = async (n: number): Promise<Reader> => {
      const ioThread = await this.runtime.iothread(`io${n}`, properties);
      return { ioThread, file: await ioThread.open(path, { aio, write: writes(rw) }) };
    };
    return Promise.all(Array.from({ length: iothreads }, (_, n) => start(n)));
  }

  /**
   * Finds out whether the bench has created the file. If so, blocks are checked: always in a file that was created for this
   * run, on demand in a given one. If not, the file is written only if the user has asked for that.
   */
  private async learnContent(readers: Reader[]): Promise<void> {
    const [reader] = readers;
    if (!reader) return;
    const { file } = reader;
    const { verify, overwrite, rw } = this.options;
    this.contentSeed = seedOf(this.runtime, await file.read(0, SECTOR), file.size);
    if (this.contentSeed === undefined && verify) {
      throw new AioError(
        'ERR_AIO_IO',
        `${file.path}: --verify needs a file that the bench made: wasm-aio bench --create-only --filename=FILE`,
      );
    }
    if (this.contentSeed === undefined && writes(rw) && !overwrite) {
      throw new AioError('ERR_AIO_IO', `${file.path}: the bench did not make this file: give --overwrite to write to it anyway`);
    }
    this.verify = verify || this.temporary !== undefined;
    const blocks = Math.floor((this.options.size ?? file.size) / this.options.blockSize);
    const needed = Math.max(...this.options.iodepths) * readers.length;
    if (writes(rw) && blocks < needed) {
      throw new AioError('ERR_AIO_IO', `${file.path}: has ${blocks} blocks, fewer than ${needed} writes at once: give a smaller --iodepth`);
    }
  }

  /**
   * What comes before a job and is not measured: half a second, or a tenth of the requests if their number is given. It lets the compiler and the polling
   * time of the loops settle, and is repeated while it starts threads of the pools, whose first requests bring them into memory.
   */
  private ramp(atOnce: number): Limits {
    const { numberIos } = this.options;
    return { numberIos: numberIos && Math.max(Math.ceil(numberIos / 10), RAMP_REQUESTS * atOnce), runtime: RAMP_MS };
  }

  private async one(readers: Reader[], iodepth: number): Promise<Measured> {
    this.tell(`iodepth ${iodepth}: warming up`);
    let ios = 0;
    for (let threads = -1, n = 0; threads !== this.runtime.threads.count && n < RAMPS; n++) {
      threads = this.runtime.threads.count;
      const ramp = await this.run(readers, iodepth, this.ramp(iodepth * readers.length), false);
      // Then there are no other figures.
      if (this.interrupted) return ramp;
      ios += ramp.ios;
    }
    return { ...(await this.run(readers, iodepth, this.options, this.verify)), ramp_ios: ios };
  }

  private async run(readers: Reader[], iodepth: number, { numberIos, runtime }: Limits, verify: boolean): Promise<Measured> {
    const { blockSize, seed, rw, fsync } = this.options;
    const { contentSeed } = this;
    const fileSize = readers[0]?.file.size ?? 0;
    const size = this.options.size ?? fileSize;
    this.job = new Job(this.runtime, readers, {
      rw, fsync, blockSize, iodepth, numberIos, runtime, size, verify, seed,
      fileSize: contentSeed === undefined ? 0 : fileSize, contentSeed: contentSeed ?? seed,
    });
    const before = process.cpuUsage();
    const started = performance.now();
    try {
      const result = await this.job.run((progress) => this.tell(progressLine(iodepth, blockSize, progress)));
      const { user, system } = process.cpuUsage(before);
      return { ...result, cpu_percent: Math.round((user + system) / (performance.now() - started) / 10), ramp_ios: 0 };
    } finally {
      process.stderr.write(clearProgress());
      this.job = undefined;
    }
  }

  private tell(line: string): void {
    if (isInteractive()) process.stderr.write(clearProgress() + line.slice(0, (outputWidth() ?? Infinity) - 1));
  }
}
