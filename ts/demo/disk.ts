// SPDX-License-Identifier: MIT
/** The demo page, which runs the same job as `wasm-aio bench` on a file in OPFS. */
import { content } from '../bench/data.js';
import { Job, type JobResult, type Progress, type Reader } from '../bench/job.js';
import { benchModule } from '../bench/module.js';
import { duration, grouped, mib } from '../bench/units.js';
import { Runtime } from '../browser.js';
import { NOT_ISOLATED } from '../hosts/isolation.js';

const MIB = 1024 ** 2;
const BLOCK_SIZE = 4096;
const IO_THREADS = 2;
const SEED = 1;
const FILE = 'wasm-aio-bench.img';

function element<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

const form = element('form', HTMLFormElement);
const runButton = element('run', HTMLButtonElement);
const stopButton = element('stop', HTMLButtonElement);
const status = element('status', HTMLElement);
const iops = element('iops', HTMLOutputElement);
const pause = element('pause', HTMLOutputElement);
const line = element('line', SVGPolylineElement);

/** Measures the longest time between two frames or timers, which would be long if the page were blocked. */
class PauseMeter {
  private last = performance.now();
  private longest = 0;
  private readonly timer = setInterval(() => this.tick(), 10);

  private tick(): void {
    const now = performance.now();
    this.longest = Math.max(this.longest, now - this.last - 10);
    this.last = now;
    pause.value = `${Math.round(this.longest)} ms`;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** Draws the reads per second between two reports as a line. */
class Chart {
  private readonly values: number[] = [];
  private last: Progress = { completed: 0, seconds: 0 };

  add(progress: Progress): void {
    const seconds = progress.seconds - this.last.seconds;
    if (progress.completed < this.last.completed || seconds <= 0) {
      this.last = progress;
      return;
    }
    const value = (progress.completed - this.last.completed) / seconds;
    this.last = progress;
    this.values.push(value);
    iops.value = grouped(value);
    const top = Math.max(...this.values, 1);
    const step = 600 / Math.max(this.values.length - 1, 1);
    const points = this.values.map((v, n) => `${(n * step).toFixed(1)},${(116 - (v / top) * 112).toFixed(1)}`);
    line.setAttribute('points', points.join(' '));
  }
}

function fill(id: string, rows: string[][]): void {
  const table = element(id, HTMLTableElement);
  table.hidden = rows.length === 0;
  table.tBodies[0]?.replaceChildren(
    ...rows.map((row) => {
      const tr = document.createElement('tr');
      for (const text of row) tr.insertCell().textContent = text;
      return tr;
    }),
  );
}

function show(results: JobResult[]): void {
  fill('jobs', results.map((job) => [
    String(job.iodepth), grouped(job.ios), grouped(job.iops), mib(job.bw_bytes), duration(job.lat_ns.p50),
    duration(job.lat_ns.p95), duration(job.lat_ns.p99), duration(job.lat_ns.max),
    job.verified ? 'all right' : 'not checked',
  ]));
  fill('loops', results.flatMap((job) => job.loops.map((loop) => [
    `${loop.name}, iodepth ${job.iodepth}`, grouped(loop.polls), grouped(loop.sleeps), grouped(loop.wakeups_sent),
    grouped(loop.wakeups_saved), grouped(loop.bhs), grouped(loop.jobs),
  ])));
}

async function makeFile(runtime: Runtime, size: number): Promise<void> {
  const directory = await navigator.storage.getDirectory();
  const handle = await directory.getFileHandle(FILE, { create: true });
  const writable = await handle.createWritable();
  for (const chunk of content(runtime, size, SEED)) await writable.write(chunk);
  await writable.close();
}

let current: Job | undefined;
let stopped = false;

async function runAll(size: number, seconds: number): Promise<JobResult[]> {
  status.textContent = 'Starting the runtime…';
  const runtime = await Runtime.create({ module: benchModule });
  const chart = new Chart();
  const results: JobResult[] = [];
  try {
    status.textContent = 'Making the file…';
    await makeFile(runtime, size);
    const first = await runtime.iothread('io0');
    const file = await first.open(FILE);
    const readers: Reader[] = [{ ioThread: first, file }];
    for (let n = 1; n < IO_THREADS; n++) readers.push({ ioThread: await runtime.iothread(`io${n}`), file });
    for (const iodepth of [1, 32]) {
      if (stopped) break;
      status.textContent = `Reading at depth ${iodepth}…`;
      current = new Job(runtime, readers, {
        rw: 'randread', fsync: 0, blockSize: BLOCK_SIZE, iodepth, numberIos: 0, runtime: seconds * 1000, size, fileSize: size,
        contentSeed: SEED, verify: true, seed: SEED,
      });
      results.push(await current.run((progress) => chart.add(progress)));
      show(results);
    }
  } finally {
    current = undefined;
    await runtime.close();
    await (await navigator.storage.getDirectory()).removeEntry(FILE).catch(() => {});
  }
  return results;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const size = Number(element('size', HTMLSelectElement).value) * MIB;
  const seconds = Number(element('seconds', HTMLSelectElement).value);
  const meter = new PauseMeter();
  stopped = false;
  runButton.disabled = true;
  stopButton.disabled = false;
  status.classList.remove('failed');
  show([]);
  runAll(size, seconds)
    .then(
      () => (status.textContent = stopped ? 'Stopped.' : 'Done: every block had the content that was written.'),
      (error: unknown) => {
        status.textContent = error instanceof Error ? error.message : String(error);
        status.classList.add('failed');
      },
    )
    .finally(() => {
      meter.stop();
      runButton.disabled = false;
      stopButton.disabled = true;
    });
});

stopButton.addEventListener('click', () => {
  stopped = true;
  current?.stop();
});

runButton.disabled = false;
status.textContent = crossOriginIsolated ? 'Ready.' : NOT_ISOLATED;
