// SPDX-License-Identifier: MIT
/** The page that reads and writes a disk image: the job of `wasm-aio bench`, on a file of the origin. */
import { Job, writes, type JobResult, type Mode, type Progress } from '../bench/job.js';
import { benchModule } from '../bench/module.js';
import { duration, grouped, mib } from '../bench/units.js';
import { Runtime } from '../browser.js';
import { bars } from './disk/bars.js';
import * as image from './disk/image.js';
import { inWords, perKick } from './disk/kicks.js';
import { memory } from './disk/memory.js';
import { origin } from './disk/origin.js';
import { find, isIsolated, messageOf, onFile, readAddress, say, showStop, tell, valueOf, writeAddress } from './page.js';

const MIB = 1024 ** 2;
const BLOCK_SIZE = 4096;
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128];
const SWEEP_MS = 400;
/** The chart has so many bars; two are added together when there are more. */
const BARS = 60;
/** Buckets of the histogram: each is a quarter of a doubling, the first begins at FIRST_NS. */
const [BUCKETS, FIRST_NS, EACH] = [60, 4000, 4];

const settings = ['where', 'rw', 'depth', 'batch', 'seconds', 'size', 'verify'];
const place = (): image.Place => (valueOf('where') === 'memory' ? memory : origin);

let current: Job | undefined;
let stopped = false;

// ---- What is shown

/** Requests a second, in each interval between two reports. */
class Chart {
  #values: number[] = [];
  #last: Progress = { completed: 0, seconds: 0 };

  add(progress: Progress): void {
    const seconds = progress.seconds - this.#last.seconds;
    if (seconds <= 0) return;
    const value = (progress.completed - this.#last.completed) / seconds;
    this.#last = progress;
    this.#values.push(value);
    if (this.#values.length > BARS) this.#values = Array.from({ length: BARS / 2 }, (_, n) => (this.#values[2 * n]! + this.#values[2 * n + 1]!) / 2);
    find('iops').textContent = grouped(value);
    const room = Math.max(10, this.#values.length);
    const all = progress.seconds * (room / this.#values.length);
    bars(find('chart'), this.#values, room, [[0, '0'], [room / 2, `${(all / 2).toPrecision(2)} s`]], (most) => `${grouped(most)} requests a second`);
  }
}

function drawLatencies(histogram: readonly (readonly [number, number])[]): void {
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const [ns, count] of histogram) counts[Math.max(0, Math.min(BUCKETS - 1, Math.floor(EACH * Math.log2(ns / FIRST_NS))))]! += count;
  const at = (ns: number): number => EACH * Math.log2(ns / FIRST_NS);
  bars(find('latency'), counts, BUCKETS, [[at(1e4), '10 µs'], [at(1e5), '100 µs'], [at(1e6), '1 ms'], [at(1e7), '10 ms']], (most) => `${grouped(most)} requests`);
}

/** With a space that does not break. */
const time = (ns: number): string => duration(ns).replace(' us', ' µs').replace(' ', '\u00a0');
/** With three digits, for where there is little room. */
const short = (value: number): string => value.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 3 });
const perSubmission = ({ submission: { requests, submissions } }: JobResult): number => requests / Math.max(1, submissions);

function addRow(result: JobResult, batch: number, unchecked: string): void {
  const table = find<HTMLTableElement>('jobs');
  table.hidden = false;
  const tr = table.tBodies[0]!.insertRow(0);
  const kind = { randread: 'reads', randwrite: 'writes', randrw: 'half and half' }[result.rw as string] ?? result.rw;
  const texts = [
    `${kind}${place() === memory ? ' in memory' : ''}, ${result.iodepth} at a time, batch\u00a0${batch}`, grouped(result.ios), grouped(result.iops), mib(result.bw_bytes), time(result.lat_ns.p50),
    time(result.lat_ns.p99), `${perSubmission(result).toFixed(2)}, at most ${result.submission.largest_batch}`, inWords(perKick(result), 2), result.verified ? 'all right' : unchecked,
  ];
  for (const [n, text] of texts.entries()) {
    const cell = tr.insertCell();
    cell.textContent = text;
    if (n > 0) cell.dataset['of'] = table.tHead!.rows[0]!.cells[n]!.textContent ?? '';
  }
}

async function showImage(): Promise<void> {
  const { where } = place();
  const found = await place().find();
  find('kept').textContent = found
    ? `An image of ${mib(found.size)} MiB, made ${new Date(found.made).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })}, ${where}.`
    : 'No image yet: the first run makes one.';
  find('delete').hidden = !found;
}

// ---- Running

/** Runs a job for each of the batch limits. */
async function run(batches: readonly number[], ms: number, each?: (result: JobResult) => void): Promise<void> {
  say('Starting…');
  const { worker } = place();
  // No worker is started before there is an image.
  const runtime = await Runtime.create({ module: benchModule, reserve: 0, ...(worker && { worker }) });
  try {
    let disk = await place().find();
    if (!disk) {
      say('Making the image…');
      await image.make(place(), runtime, Number(valueOf('size')) * MIB);
      disk = await place().find();
      await showImage();
    }
    const size = disk!.size;
    const seed = image.seed(runtime, disk!);
    if (size < BLOCK_SIZE) throw new Error('The image is smaller than a block of 4 KiB: delete it, or use another file.');
    const verify = valueOf('verify') === '1';
    const checks = verify && seed !== undefined;
    const rw = valueOf('rw') as Mode;
    if (seed === undefined && writes(rw)) throw new Error('This image is a copy of your file: it can be read. To write, delete it, and the next run makes a new one.');
    const ioThread = await runtime.iothread('io0');
    for (const batch of batches) {
      if (stopped) break;
      const file = await ioThread.open(image.NAME, { aio: 'native', aioMaxBatch: batch, write: writes(rw) });
      say(`${rw === 'randread' ? 'Reading' : 'Working'}, ${valueOf('depth')} at a time, at most ${batch} in a submission…`);
      const chart = new Chart();
      const job = new Job(runtime, [{ ioThread, file }], {
        rw, fsync: 0, blockSize: BLOCK_SIZE, iodepth: Number(valueOf('depth')), numberIos: 0, runtime: ms, size, fileSize: seed === undefined ? 0 : size,
        contentSeed: seed ?? 0, verify: checks, seed: 1,
      });
      current = job;
      const result = await job.run((progress) => {
        chart.add(progress);
        drawLatencies(job.histogram());
      });
      drawLatencies(result.histogram_ns);
      addRow(result, batch, verify && !checks ? 'not checked: the image is your file' : 'not checked');
      each?.(result);
      await file.close();
    }
  } finally {
    current = undefined;
    await runtime.close();
  }
}

async function sweep(): Promise<void> {
  const results: JobResult[] = [];
  find('batches').hidden = false;
  const draw = (): void => {
    const ticks = BATCHES.map((batch, n): [number, string] => [n, String(batch)]);
    bars(find('batch-iops'), results.map(({ iops }) => iops), BATCHES.length, ticks, grouped, short);
    bars(find('batch-kicks'), results.map((result) => perKick(result) ?? 0), BATCHES.length, ticks, String, (value) => inWords(value || undefined, 1));
  };
  draw();
  await run(BATCHES, SWEEP_MS, (result) => {
    results.push(result);
    draw();
  });
}

// ---- The controls

/** Does one thing at a time. */
async function during(work: () => Promise<void>): Promise<void> {
  stopped = false;
  const controls = [...document.querySelectorAll<HTMLButtonElement>('#form button:not(#stop), #form select, #form input, #image button, #image input')];
  for (const control of controls) control.disabled = true;
  showStop(true);
  try {
    await work();
    say(stopped ? 'Stopped.' : 'Done.');
  } catch (error) {
    tell(error);
  }
  for (const control of controls) control.disabled = false;
  showStop(false);
}

async function use(file: File): Promise<void> {
  await during(async () => {
    if (file.size < BLOCK_SIZE) throw new Error(`${file.name} is smaller than a block of 4 KiB.`);
    say(`Copying ${file.name}…`);
    await image.copy(place(), file, BLOCK_SIZE);
    await showImage();
  });
}

function listen(): void {
  find('form').addEventListener('change', () => writeAddress(settings));
  find('where').addEventListener('change', () => void showImage().catch(tell));
  find('form').addEventListener('submit', (event) => {
    event.preventDefault();
    void during(() => run([Number(valueOf('batch'))], Number(valueOf('seconds')) * 1000));
  });
  find('sweep').addEventListener('click', () => void during(sweep));
  find('stop').addEventListener('click', () => {
    stopped = true;
    current?.stop();
  });
  find('delete').addEventListener('click', () => void during(async () => {
    await place().remove();
    await showImage();
  }));
  onFile('file', (file) => void use(file));
  addEventListener('hashchange', () => {
    if (!find('stop').hidden) return;
    readAddress(settings);
    void showImage().catch(tell);
  });
}

/** Shows what image there is. Without files of the origin, the image is in memory. */
async function start(): Promise<void> {
  let why = '';
  try {
    await origin.find();
  } catch (error) {
    why = `${messageOf(error)} Here the image is in memory. `;
    find<HTMLSelectElement>('where').value = 'memory';
    find<HTMLOptionElement>('origin').disabled = true;
  }
  readAddress(settings);
  await showImage();
  listen();
  for (const id of ['run', 'sweep']) find<HTMLButtonElement>(id).disabled = false;
  drawLatencies([]);
  say(`${why}Ready.`);
}

if (isIsolated()) start().catch(tell);
