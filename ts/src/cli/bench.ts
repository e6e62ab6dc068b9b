// SPDX-License-Identifier: MIT
import { rmSync } from 'node:fs';
import { seedOf } from '../bench/data.js';
import { ReadJob, type JobResult, type Reader } from '../bench/read-job.js';
import { AioError } from '../errors.js';
import { Runtime } from '../index.js';
import { make, sizeToRead, temporaryPath } from './bench-file.js';
import { HELP, parseBenchOptions, type BenchOptions } from './bench-options.js';
import { clearProgress, progressLine, table } from './bench-table.js';

const DEFAULT_SIZE = 64 * 1024 ** 2;
/** 128 + SIGINT, as a shell has it. */
const INTERRUPTED = 130;

/** `wasm-aio bench`: a small fio for this loop. */
export async function bench(argv: string[]): Promise<number> {
  const options = parseBenchOptions(argv);
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  // Before anything is started: most mistakes are in the file's name.
  if (options.filename !== undefined && !options.createOnly) {
    sizeToRead(options.filename, options.size, options.blockSize);
  }
  const runtime = await Runtime.create();
  const run = new BenchRun(runtime, options);
  const interrupt = (): void => run.interrupt();
  const dump = (): void => void process.stderr.write(`${clearProgress()}${runtime.dump()}`);
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGUSR2', dump);
  try {
    return await run.all();
  } finally {
    run.removeFile();
    await runtime.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGUSR2', dump);
  }
}

class BenchRun {
  private interrupted = false;
  private job: ReadJob | undefined;
  /** A file that was made for this run alone. */
  private temporary: string | undefined;

  constructor(private readonly runtime: Runtime, private readonly options: BenchOptions) {}

  /** The first time ends the job; the second time, the process. */
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
    // The fds keep it: whatever happens from here on, nothing is left behind.
    this.removeFile();
    const size = options.size ?? readers[0]?.file.size ?? 0;
    const verify = await this.seedToVerify(readers[0]);
    const results: JobResult[] = [];
    for (const iodepth of options.iodepths) {
      if (this.interrupted) break;
      results.push(await this.one(readers, iodepth, size, verify));
    }
    if (options.json) {
      const interrupted = this.interrupted ? { interrupted: true } : {};
      process.stdout.write(`${JSON.stringify({ jobs: results, ...interrupted })}\n`);
    } else {
      process.stdout.write(table(results, options.blockSize, this.interrupted));
    }
    return this.interrupted ? INTERRUPTED : 0;
  }

  private async makeFile(): Promise<string> {
    this.temporary = temporaryPath();
    const size = this.options.size ?? DEFAULT_SIZE;
    this.tell(`making a file of ${size} bytes`);
    await make(this.runtime, this.temporary, size, this.options.seed);
    return this.temporary;
  }

  private openAll(path: string): Promise<Reader[]> {
    const { properties, iothreads } = this.options;
    const start = async (n: number): Promise<Reader> => {
      const ioThread = await this.runtime.iothread(`io${n}`, properties);
      return { ioThread, file: await ioThread.open(path) };
    };
    return Promise.all(Array.from({ length: iothreads }, (_, n) => start(n)));
  }

  /** A file that was made here is always checked, a given one on demand. */
  private async seedToVerify(reader: Reader | undefined): Promise<number | undefined> {
    if (!reader || !(this.options.verify || this.temporary !== undefined)) return undefined;
    const seed = seedOf(this.runtime, await reader.file.read(0, 512), reader.file.size);
    if (seed === undefined) {
      throw new AioError(
        'ERR_AIO_IO',
        `${reader.file.path}: --verify needs a file that the bench made: wasm-aio bench --create-only --filename=FILE`,
      );
    }
    return seed;
  }

  private async one(readers: Reader[], iodepth: number, size: number, verify: number | undefined): Promise<JobResult> {
    const { blockSize, numberIos, runtime, seed } = this.options;
    this.job = new ReadJob(this.runtime, readers, { blockSize, iodepth, numberIos, runtime, size, verify, seed });
    try {
      return await this.job.run((progress) => this.tell(progressLine(iodepth, blockSize, progress)));
    } finally {
      process.stderr.write(clearProgress());
      this.job = undefined;
    }
  }

  private tell(line: string): void {
    if (process.stderr.isTTY && process.stdout.isTTY) process.stderr.write(clearProgress() + line);
  }
}
