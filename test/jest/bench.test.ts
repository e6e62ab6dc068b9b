// SPDX-License-Identifier: MIT
/** `wasm-aio bench`: what it prints, what it refuses, how it ends. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { scratch, spawned, wasmAio, type Ended } from './helpers/child.js';
import { cli } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);
const inDir = (name: string): string => join(dir.path, name);

/** The made file's place: where TMPDIR says. */
const temporary = inDir('tmp');
mkdirSync(temporary);
process.env.TMPDIR = temporary;

interface Report {
  jobs: {
    aio: string; rw: string; flushes: number; iodepth: number; iothreads: number; ios: number; iops: number; bw_bytes: number; verified: boolean;
    submission: { requests: number; submissions: number; kicks: number; largest_batch: number };
    lat_ns: { p50: number; p95: number; p99: number; max: number; mean: number; stddev: number };
    cpu_percent: number;
    ramp_ios: number;
    histogram_ns: [number, number][];
    loops: { name: string; ios: number; polls: number; wakeups_sent: number; wakeups_saved: number; bhs: number; jobs: number }[];
  }[];
  interrupted?: boolean;
}
const report = (ended: Ended): Report => JSON.parse(ended.stdout) as Report;

/** One line on standard error, and nothing else. */
function refused(ended: Ended, code: number, words: RegExp): void {
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).toMatch(/^wasm-aio: [^\n]*\n$/);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
}

/** A file of the bench. */
async function made(name: string, size = '1M'): Promise<string> {
  const path = inDir(name);
  expect(await wasmAio('bench', '--create-only', `--filename=${path}`, `--size=${size}`)).toMatchObject({ code: 0, stderr: '' });
  return path;
}

describe('a run', () => {
  test('says nothing on standard error with many workers', async () => {
    const ended = await wasmAio('bench', '--size=1M', '--number-ios=10', '--iodepth=1', '--iothreads=12');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('makes a file, reads and verifies it at each depth, and removes it', async () => {
    const ended = await wasmAio('bench', '--json', '--size=1M', '--number-ios=301', '--iodepth=1,32', '--iothreads=3');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const { jobs } = report(ended);
    expect(jobs.map(({ aio, iodepth, iothreads, ios, verified }) => ({ aio, iodepth, iothreads, ios, verified }))).toEqual([
      { aio: 'threads', iodepth: 1, iothreads: 3, ios: 301, verified: true },
      { aio: 'threads', iodepth: 32, iothreads: 3, ios: 301, verified: true },
    ]);
    for (const job of jobs) {
      const { p50, p95, p99, max, mean, stddev } = job.lat_ns;
      expect(p50).toBeGreaterThan(0);
      // The histogram has the upper ends of its buckets, which are a sixteenth wide: so far from the exact ones.
      const { histogram_ns: entries, ios } = job;
      const moment = (of: (ns: number) => number): number => entries.reduce((sum, [ns, count]) => sum + count * of(ns), 0) / ios;
      const [first, second] = [moment((ns) => ns), moment((ns) => ns * ns)];
      expect(mean / first).toBeGreaterThan(15 / 17);
      expect(mean / first).toBeLessThanOrEqual(1);
      expect((mean ** 2 + stddev ** 2) / second).toBeGreaterThan((15 / 17) ** 2);
      expect((mean ** 2 + stddev ** 2) / second).toBeLessThanOrEqual(1.0001);
      expect(job.cpu_percent).toBeGreaterThan(0);
      // What was not measured: a tenth, or four for each that is under way at once.
      expect(job.ramp_ios).toBeGreaterThanOrEqual(Math.max(31, 4 * 3 * job.iodepth));
      expect(job.loops.map((loop) => loop.ios)).toEqual([101, 100, 100]);
      expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].sort((a, b) => a - b));
      expect(Math.abs(job.bw_bytes / job.iops / 4096 - 1)).toBeLessThan(0.01);
      expect(job.loops.map(({ name }) => name)).toEqual(['io0', 'io1', 'io2']);
      expect(job.loops.reduce((sum, loop) => sum + loop.jobs, 0)).toBe(301);
      for (const loop of job.loops) expect(loop.polls).toBeGreaterThan(0);
    }
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('prints a table, and no progress where there is no terminal', async () => {
    const ended = await wasmAio('bench', '--size=64k', '--number-ios=50', '--iodepth=2', '--bs=8k');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/iodepth +iothreads +reads +IOPS +MiB\/s +CPU +avg +dev +p50 +p95 +p99 +max/);
    expect(ended.stdout).toMatch(/\n2 +2 +50 .*all right\n/);
    expect(ended.stdout).toMatch(/loop +polls +sleeps +wake-ups sent +saved +BHs +jobs\n/);
    // Each column is explained, and nothing is said to starve.
    for (const column of ['CPU', 'avg, dev', 'p50 to max', 'content', 'sleeps', 'wake-ups', 'BHs, jobs']) {
      expect(ended.stdout).toMatch(new RegExp(`\\n +${column} +\\w`));
    }
    expect(ended.stdout).not.toContain('starved');
  });

  test('shows its progress on a terminal', () => {
    const command = `${process.execPath} ${cli} bench --size=64k --runtime=0.7 --iodepth=2`;
    const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/\r\x1b\[Kiodepth 2: 0\.\d s, [\d,]+ IOPS, [\d.]+ MiB\/s/);
  });

  test('reads a given file and leaves it as it was', async () => {
    const path = inDir('given');
    writeFileSync(path, Buffer.alloc(100_000, 'x'));
    const before = statSync(path).mtimeMs;
    const ended = await wasmAio('bench', '--json', `--filename=${path}`, '--number-ios=100', '--iodepth=4');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(report(ended).jobs[0]).toMatchObject({ ios: 100, verified: false });
    expect(readFileSync(path).equals(Buffer.alloc(100_000, 'x'))).toBe(true);
    expect(statSync(path).mtimeMs).toBe(before);
  });

  test('the same seed makes the same file, another one another', async () => {
    const [a, b] = [await made('seed-a'), await made('seed-b')];
    const other = inDir('seed-c');
    await wasmAio('bench', '--create-only', `--filename=${other}`, '--size=1M', '--seed=2');
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(readFileSync(a).equals(readFileSync(other))).toBe(false);
  });
});

describe('engines', () => {
  test.each([['threads', 0], ['native', 32], ['io_uring', 32], ['sync', 0]])('%s', async (aio, batch) => {
    const ended = await wasmAio('bench', '--json', `--aio=${aio}`, '--size=1M', '--number-ios=500', '--iodepth=32', '--iothreads=1');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const [job] = report(ended).jobs;
    expect(job).toMatchObject({ aio, rw: 'randread', ios: 500, verified: true });
    // The first 32 are handed over at once.
    expect(job?.submission.largest_batch).toBe(batch);
    expect(job?.submission.requests).toBe(aio === 'threads' ? 0 : 500);
  });

  test('--aio-max-batch bounds what native hands over at once', async () => {
    const ended = await wasmAio('bench', '--json', '--aio=native', '--aio-max-batch=8', '--size=1M', '--number-ios=500', '--iodepth=32');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const { submission } = report(ended).jobs[0] ?? {};
    expect(submission?.largest_batch).toBe(8);
    expect(submission?.submissions).toBeGreaterThanOrEqual(500 / 8);
    expect(submission?.kicks).toBeLessThanOrEqual(submission?.submissions ?? 0);
  });

  test('a table shows the batches and how the latencies are distributed', async () => {
    const ended = await wasmAio('bench', '--aio=native', '--size=1M', '--number-ios=100', '--iodepth=4');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^Random reads of 4096 bytes, engine: native\n/);
    expect(ended.stdout).toMatch(/engine +requests +submissions +requests each +kicks +largest batch\niodepth 4 +100 /);
    expect(ended.stdout).toMatch(/Latency, iodepth 4:\n( +< +[\d.]+ [um]?s +[\d.]+ % .*\n)+/);
    expect(ended.stdout).toMatch(/% +#{40}\n/);
  });

  test('--sweep draws latency and IOPS over the batch size', async () => {
    const ended = await wasmAio('bench', '--sweep', 'aio-max-batch=1,8', '--size=1M', '--number-ios=200', '--iodepth=32', '--iothreads=1');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    for (const title of ['IOPS', 'Latency p50', 'Latency p99', 'Requests a submission']) {
      expect(ended.stdout).toMatch(new RegExp(`${title}, iodepth 32, over aio-max-batch:\\n +1 .*#\\n +8 .*#\\n`));
    }
    expect(ended.stdout).toMatch(/Requests a submission.*\n +1 +1\.0 +#/);
  });

  test('--compare: the same reads by other means', async () => {
    const ended = await wasmAio('bench', '--compare', '--aio=sync', '--size=1M', '--number-ios=200', '--iodepth=4', '--iothreads=1');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['wasm-aio sync', 'fs\\.promises', 'fs\\.read', 'fs\\.readSync', 'fio']) {
      expect(ended.stdout).toMatch(new RegExp(`\\n${name} .*\\d`));
    }
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('writing', () => {
  test.each([
    ['write', 'threads'], ['randwrite', 'native'], ['randrw', 'io_uring'], ['randrw', 'sync'],
  ])('%s by %s: every block has what was written to it, and the file stays the bench\'s', async (rw, aio) => {
    const path = await made(`rw-${rw}-${aio}`);
    const ended = await wasmAio('bench', '--json', '--verify', `--rw=${rw}`, `--aio=${aio}`, `--filename=${path}`, '--number-ios=600',
      '--iodepth=16', '--fsync=50');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(report(ended).jobs[0]).toMatchObject({ aio, rw, ios: 600, verified: true });
    expect(report(ended).jobs[0]?.flushes).toBeGreaterThan(2);
    const again = await wasmAio('bench', '--json', '--verify', '--rw=read', `--filename=${path}`, '--number-ios=256', '--iodepth=4', '--iothreads=1');
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(report(again).jobs[0]).toMatchObject({ ios: 256, verified: true });
  });

  test('a block that is older than it should be is found', async () => {
    const path = await made('stale', '64k');
    const before = readFileSync(path);
    expect(await wasmAio('bench', '--rw=write', `--filename=${path}`, '--number-ios=16', '--iodepth=1', '--iothreads=1')).toMatchObject({ code: 0 });
    const after = readFileSync(path);
    expect(after.equals(before)).toBe(false);
    // Half of a block is of another generation: torn.
    before.copy(after, 8192, 8192, 8192 + 2048);
    writeFileSync(path, after);
    refused(await wasmAio('bench', '--verify', `--filename=${path}`, '--number-ios=500'), 1, /offset 8192 has not/);
  });

  test('a file that the bench did not make is not touched without --overwrite', async () => {
    const path = inDir('theirs');
    writeFileSync(path, Buffer.alloc(65536, 'x'));
    refused(await wasmAio('bench', '--rw=randwrite', `--filename=${path}`, '--number-ios=10', '--iodepth=2'), 1,
      /theirs: the bench did not make this file: give --overwrite to write to it anyway/);
    expect(readFileSync(path).equals(Buffer.alloc(65536, 'x'))).toBe(true);
    const ended = await wasmAio('bench', '--json', '--overwrite', '--rw=randwrite', `--filename=${path}`, '--number-ios=50', '--iodepth=2');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(path).equals(Buffer.alloc(65536, 'x'))).toBe(false);
    // And it is not taken for one of the bench's.
    refused(await wasmAio('bench', '--verify', `--filename=${path}`, '--number-ios=10'), 1, /--verify needs a file that the bench made/);
  });

  test('fewer blocks than writes at once', async () => {
    const path = await made('few', '16k');
    refused(await wasmAio('bench', '--rw=write', `--filename=${path}`, '--iodepth=8'), 1, /has 4 blocks, fewer than 16 writes at once/);
  });

  test('--compare only reads', async () => {
    refused(await wasmAio('bench', '--compare', '--rw=write'), 2, /--compare only reads: not with --rw=write/);
  });
});

describe('verification', () => {
  test('of a file that the bench made', async () => {
    const path = await made('verified');
    const ended = await wasmAio('bench', '--json', '--verify', `--filename=${path}`, '--number-ios=500');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(report(ended).jobs.map(({ verified }) => verified)).toEqual([true, true]);
  });

  test('finds one wrong byte, and says where', async () => {
    const path = await made('corrupted', '64k');
    const fd = openSync(path, 'r+');
    writeSync(fd, 'x', 40_000);
    closeSync(fd);
    const ended = await wasmAio('bench', '--verify', `--filename=${path}`, '--number-ios=2000');
    refused(ended, 1, /corrupted: the block at offset 36864 has not the content that was written/);
  });

  test('finds blocks that changed places', async () => {
    const path = await made('moved', '64k');
    const bytes = readFileSync(path);
    const [first, second] = [bytes.subarray(8192, 12288), bytes.subarray(16384, 20480)].map((part) => Buffer.from(part));
    bytes.set(second ?? [], 8192);
    bytes.set(first ?? [], 16384);
    writeFileSync(path, bytes);
    refused(await wasmAio('bench', '--verify', `--filename=${path}`, '--number-ios=2000'), 1, /offset (8192|16384) has not/);
  });

  test('is refused for a file that the bench did not make', async () => {
    const path = inDir('foreign');
    writeFileSync(path, Buffer.alloc(65536));
    refused(await wasmAio('bench', '--verify', `--filename=${path}`, '--number-ios=10'), 1, /--verify needs a file that the bench made/);
  });
});

describe('bad input', () => {
  test.each([
    ['--frobnicate', /unknown option --frobnicate/],
    ['stray', /unknown argument stray/],
    ['--bs=1000', /--bs=1000: must be a multiple of 512/],
    ['--bs=x', /--bs=x: must be a size/],
    ['--iodepth=0', /--iodepth=0: must be a whole number from 1/],
    ['--iodepth=1,', /--iodepth=: must be/],
    ['--iothreads=1000', /--iothreads=1000/],
    ['--number-ios=-1', /--number-ios=-1/],
    ['--runtime=0', /--runtime=0: must be a number of seconds/],
    ['--size=1', /--size=1: must be/],
    ['--seed=1.5', /--seed=1.5/],
    ['--json=yes', /--json takes no value/],
    ['--filename', /--filename needs a value/],
    ['--thread-pool-max=0', /--thread-pool-max=0/],
    ['--create-only', /--create-only needs --filename/],
    ['--aio=posix', /--aio=posix: must be one of threads, native, io_uring, sync/],
    ['--rw=trim', /--rw=trim: must be one of read, randread, write, randwrite, randrw/],
    ['--aio-max-batch=-1', /--aio-max-batch=-1/],
    ['--fsync=1', /--fsync needs a --rw that writes, not randread/],
    ['--overwrite', /--overwrite needs --filename/],
    ['--sweep=iodepth=1', /--sweep=iodepth=1: must be aio-max-batch=N,\.\.\./],
    ['--sweep=aio-max-batch=x', /--sweep=aio-max-batch=x: must be a whole number/],
  ])('%s: exit code 2', async (option, words) => {
    refused(await wasmAio('bench', option), 2, words);
  });

  test('a missing file', async () => {
    refused(await wasmAio('bench', '--filename=/nowhere/at/all'), 1, /\/nowhere\/at\/all: no such file/);
  });

  test('a directory', async () => {
    refused(await wasmAio('bench', `--filename=${dir.path}`), 1, /is a directory/);
  });

  test('a file shorter than a block', async () => {
    const path = inDir('short');
    writeFileSync(path, 'short');
    refused(await wasmAio('bench', `--filename=${path}`), 1, /short: has 5 bytes, fewer than a block of 4096/);
  });

  test('a FIFO, in which a read would never end', async () => {
    const path = inDir('fifo');
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    refused(await wasmAio('bench', `--filename=${path}`), 1, /not a regular file/);
  });

  test('--create-only overwrites nothing', async () => {
    const path = inDir('precious');
    writeFileSync(path, 'precious');
    refused(await wasmAio('bench', '--create-only', `--filename=${path}`), 1, /exists already/);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  test('a full disk: one line, and nothing half-written is left', async () => {
    // A limit on the size of files stands in for the disk's end, and needs no privilege.
    const command = `ulimit -f 200; exec ${process.execPath} ${cli} bench --size=1M --number-ios=1`;
    const ended = await spawned('bash', ['-c', command]);
    refused(ended, 1, /too large here: give a smaller --size|no space left/);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

/** A run that goes on until it is told; resolves when it reads. */
async function running(...options: string[]): Promise<{ child: ChildProcess; ended: Promise<Ended>; dump: string }> {
  const child = spawn(process.execPath, [cli, 'bench', '--runtime=600', '--iodepth=4', ...options]);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ ...output, code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    // SIGUSR2 says where every loop is: once both have done jobs, it reads.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
      if ((output.stderr.match(/jobs [1-9]/g) ?? []).length >= 2) resolve();
    });
    child.on('close', () => reject(new Error(`it ended early: ${output.stderr}`)));
    // Before its handler is there the signal would end it: that takes the made file.
    const ask = (): void => {
      if (child.exitCode === null && readFileSync(`/proc/${child.pid}/status`, 'utf8').includes('SigCgt')) {
        const caught = BigInt(`0x${/SigCgt:\s*(\w+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '0'}`);
        if ((caught >> 11n) & 1n) child.kill('SIGUSR2');
      }
      if (!/jobs [1-9][^]*jobs [1-9]/.test(output.stderr) && child.exitCode === null) setTimeout(ask, 50);
    };
    ask();
  });
  return { child, ended, dump: output.stderr };
}

describe('signals', () => {
  test('SIGUSR2 prints where every loop is', async () => {
    const { child, ended, dump } = await running('--size=1M');
    child.kill('SIGINT');
    await ended;
    expect(dump).toMatch(/thread 0 'owner'/);
    expect(dump).toMatch(/thread \d+ 'IO io0': (sleeps|runs|starts)/);
    expect(dump).toMatch(/polls \d+, sleeps \d+, bottom halves \d+/);
  });

  test('Ctrl-C ends it with the figures so far, and leaves nothing behind', async () => {
    const { child, ended } = await running('--size=1M', '--json');
    child.kill('SIGINT');
    const { code, signal, stdout } = await ended;
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    const { jobs, interrupted } = JSON.parse(stdout) as Report;
    expect(interrupted).toBe(true);
    expect(jobs[0]?.ios).toBeGreaterThan(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a file that is cut off in the middle of a run: a read error, exit code 1', async () => {
    const path = await made('cut');
    const { ended } = await running(`--filename=${path}`);
    truncateSync(path, 8192);
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/\nwasm-aio: .*cut: read error at offset \d+: EIO\n$/);
  });
});
