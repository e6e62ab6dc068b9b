// make bench-nbd: our server beside nbdkit's file plugin, in turn and in one run, by fio.
//
//   ONLY='n_read_32 native'   lines whose names contain one of these words
//   QUICK=1                   shorter samples, and fewer of them
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { makeImage, newPath, ok, serve } from './peers.mjs';

for (const tool of ['nbdkit', 'fio']) {
  if (spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0) continue;
  process.stderr.write(`bench-nbd: ${tool} not found: apt-get install nbdkit fio\n`);
  process.exit(1);
}

const quick = (process.env.QUICK ?? '') !== '';
const SAMPLES = quick ? 3 : 9;
const SECONDS = quick ? 0.5 : 2;
/** Our server is to reach so much of nbdkit's. */
const GOAL = 0.7;
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const lines = [1, 32].flatMap((depth) => ['threads', 'native', 'sync'].map((aio) => ({ name: `n_read_${depth}_${aio}`, depth, aio })))
  .filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));

const TICKS = Number(spawnSync('getconf', ['CLK_TCK']).stdout);
/** The processor time of a process, in µs. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
}

async function nbdkit(image) {
  const socket = newPath('nbdkit');
  const child = spawn('nbdkit', ['-f', '-U', socket, 'file', image], { stdio: 'inherit' });
  process.on('exit', () => child.kill());
  while (!existsSync(socket)) await new Promise(setImmediate);
  return { url: `nbd+unix:///?socket=${socket}`, pid: child.pid };
}

/** Random reads of 4 KiB: requests a second, and µs of the server's processor time for each. */
async function sample({ url, pid }, depth) {
  const before = cpuOf(pid);
  const out = await ok('fio', [
    '--name=read', '--ioengine=nbd', `--uri=${url}`, '--rw=randread', '--bs=4k', `--iodepth=${depth}`, '--size=64M', '--norandommap', '--time_based', `--runtime=${SECONDS}`, '--output-format=json',
  ]);
  const { jobs: [{ read }] } = JSON.parse(out.slice(out.indexOf('{')));
  return { iops: read.iops, cpu: (cpuOf(pid) - before) / read.total_ios };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const image = makeImage(64 * 1024 ** 2);
const other = await nbdkit(image);
const rows = [['line', 'IOPS', 'nbdkit', 'ratio', 'CPU µs', 'nbdkit', 'goal']];
for (const { name, depth, aio } of lines) {
  const ours = await serve(image, '--read-only', `--aio=${aio}`);
  const pairs = [];
  await sample(ours, depth);
  for (let n = 0; n < SAMPLES; n++) pairs.push({ ours: await sample(ours, depth), other: await sample(other, depth) });
  await ours.stop();
  const ratio = median(pairs.map((pair) => pair.ours.iops / pair.other.iops));
  const of = (which, what) => median(pairs.map((pair) => pair[which][what]));
  rows.push([name, of('ours', 'iops').toFixed(0), of('other', 'iops').toFixed(0), ratio.toFixed(2), of('ours', 'cpu').toFixed(1), of('other', 'cpu').toFixed(1), ratio >= GOAL ? 'reached' : `missed (${GOAL})`]);
}
const widths = rows[0].map((_, n) => Math.max(...rows.map((row) => row[n].length)));
process.stdout.write(rows.map((row) => `${row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n]))).join('  ')}\n`).join(''));
process.exit(0);
