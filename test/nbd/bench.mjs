// make bench-nbd: our client beside a bare socket of Node and fio, and our server beside nbdkit's file plugin, by fio; each in turn and in one run.
//
//   ONLY='n_client n_read_32'   lines whose names contain one of these words
//   QUICK=1                     shorter samples, and fewer of them
//   JSON=1                      a line of JSON for each line of the tables
//   RECORD=1                    puts the table of the client into docs/performance.md, too
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { clientLines, measureClient, SIZE } from './bench-client.mjs';
import { makeImage, newPath, ok, serve, top } from './peers.mjs';

for (const tool of ['nbdkit', 'nbdcopy', 'fio']) {
  if (spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0) continue;
  process.stderr.write(`bench-nbd: ${tool} not found: apt-get install nbdkit libnbd-bin fio\n`);
  process.exit(1);
}

const quick = (process.env.QUICK ?? '') !== '';
const SAMPLES = quick ? 3 : 9;
// fio takes a fraction for no time at all.
const SECONDS = quick ? 1 : 2;
/** Our server is to reach so much of nbdkit's. */
const GOAL = 0.7;
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const isWanted = ({ name }) => only.length === 0 || only.some((word) => name.includes(word));
const lines = [1, 32].flatMap((depth) => ['auto', 'threads', 'native', 'sync'].map((aio) => ({ name: `n_read_${depth}_${aio}`, depth, aio }))).filter(isWanted);
/** Prints what was measured, for programs. */
const say = (figures) => {
  if (process.env.JSON) process.stdout.write(`${JSON.stringify(figures)}\n`);
};
const tell = (rows) => {
  const widths = rows[0].map((_, n) => Math.max(...rows.map((row) => row[n].length)));
  process.stdout.write(rows.map((row) => `${row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n]))).join('  ')}\n`).join(''));
};

const TICKS = Number(spawnSync('getconf', ['CLK_TCK']).stdout);
/** The processor time of a process, in µs. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
}

async function nbdkit(...plugin) {
  const socket = newPath('nbdkit');
  const child = spawn('nbdkit', ['-f', '-U', socket, ...plugin], { stdio: ['ignore', 'inherit', 'ignore'] });
  process.on('exit', () => child.kill());
  while (!existsSync(socket)) await new Promise(setImmediate);
  return { url: `nbd+unix:///?socket=${socket}`, socket, pid: child.pid };
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

const image = makeImage(SIZE);

const wanted = clientLines.filter(isWanted);
if (wanted.length > 0) {
  const memory = await nbdkit('memory', String(SIZE));
  await ok('nbdcopy', [image, memory.url]);
  const measured = [];
  for (const line of wanted) {
    const figures = await measureClient(line, memory.socket, SAMPLES, SECONDS);
    measured.push(figures);
    say(figures);
  }
  const table = [['line', 'IOPS', 'y_net_rtt', 'fio', 'CPU µs', 'y_net_rtt', 'fio', 'ratio', 'goal'], ...measured.map(({ name, ours, y_net_rtt, fio, beside, ratio, goal, reached }) => [
    name, ...[ours, y_net_rtt, fio].map(({ iops }) => iops.toFixed(0)), ...[ours, y_net_rtt, fio].map(({ cpu_us }) => cpu_us.toFixed(1)), ratio.toFixed(2),
    `${goal} of ${beside}: ${reached ? 'reached' : 'missed'}`,
  ])];
  tell(table);
  if (process.env.RECORD) {
    const page = join(top, 'docs', 'performance.md');
    const [begin, end] = ['<!-- bench-nbd client -->', '<!-- /bench-nbd client -->'];
    const text = readFileSync(page, 'utf8');
    const [before, rest] = text.split(begin);
    const [head, ...body] = table.map((row) => `| ${row.join(' | ')} |`);
    const where = `Node ${process.versions.node}, ${cpus().length} processors (${cpus()[0]?.model ?? 'unknown'}), medians of ${SAMPLES} samples of ${SECONDS} s:`;
    writeFileSync(page, [before, begin, `\n${where}\n\n`, [head, `|---${'|---:'.repeat(table[0].length - 1)}|`, ...body].join('\n'), '\n', end, rest.split(end)[1]].join(''));
  }
}

const other = lines.length > 0 ? await nbdkit('file', image) : undefined;
const rows = [['line', 'IOPS', 'nbdkit', 'ratio', 'CPU µs', 'nbdkit', 'goal']];
for (const { name, depth, aio } of lines) {
  const ours = await serve(image, '--read-only', `--aio=${aio}`);
  const pairs = [];
  await sample(ours, depth);
  for (let n = 0; n < SAMPLES; n++) pairs.push({ ours: await sample(ours, depth), other: await sample(other, depth) });
  await ours.stop();
  const ratio = median(pairs.map((pair) => pair.ours.iops / pair.other.iops));
  const of = (which, what) => median(pairs.map((pair) => pair[which][what]));
  say({ name, depth, aio, ours: { iops: of('ours', 'iops'), cpu_us: of('ours', 'cpu') }, nbdkit: { iops: of('other', 'iops'), cpu_us: of('other', 'cpu') }, ratio, goal: GOAL, reached: ratio >= GOAL });
  rows.push([name, of('ours', 'iops').toFixed(0), of('other', 'iops').toFixed(0), ratio.toFixed(2), of('ours', 'cpu').toFixed(1), of('other', 'cpu').toFixed(1), ratio >= GOAL ? 'reached' : `missed (${GOAL})`]);
}
if (lines.length > 0) tell(rows);
process.exit(0);
