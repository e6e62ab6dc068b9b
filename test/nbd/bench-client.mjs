// The client's lines of make bench-nbd: nbdkit's memory plugin at a Unix socket, read by our client, by a bare socket of Node and by fio, in turn.
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { ok, top } from './peers.mjs';

export const SIZE = 64 * 1024 ** 2;
const cli = join(top, 'dist', 'cli', 'main.js');
const netClient = fileURLToPath(new URL('net-client.mjs', import.meta.url));
const urlOf = (socket) => `nbd+unix:///?socket=${socket}`;

/** What reads random blocks of 4 KiB: resolves with requests a second, and µs of the client's processor time for each. */
const clients = {
  async ours(socket, depth, seconds) {
    const out = await ok(process.execPath, [
      cli, 'bench', `--filename=${urlOf(socket)}`, '--rw=randread', '--bs=4096', '--iothreads=1', `--iodepth=${depth}`, `--runtime=${seconds}`, '--json',
    ]);
    const { jobs: [{ iops, cpu_percent }] } = JSON.parse(out.slice(out.indexOf('{')));
    return { iops, cpu: (cpu_percent / 100 / iops) * 1e6 };
  },
  async net(socket, depth, seconds) {
    return JSON.parse(await ok(process.execPath, [netClient, socket, String(SIZE), String(depth), String(seconds * 1000)]));
  },
  async fio(socket, depth, seconds) {
    const out = await ok('fio', [
      '--name=read', '--ioengine=nbd', `--uri=${urlOf(socket)}`, '--rw=randread', '--bs=4k', `--iodepth=${depth}`, `--size=${SIZE}`, '--norandommap', '--time_based', `--runtime=${seconds}`,
      '--output-format=json',
    ]);
    const { jobs: [{ read, usr_cpu, sys_cpu }] } = JSON.parse(out.slice(out.indexOf('{')));
    return { iops: read.iops, cpu: ((usr_cpu + sys_cpu) / 100 / read.iops) * 1e6 };
  },
};

/** Our client is to reach so much of the other one's requests a second. */
export const clientLines = [
  { name: 'n_client_1', depth: 1, beside: 'net', goal: 0.8 },
  { name: 'n_client_32', depth: 32, beside: 'fio', goal: 0.7 },
];

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Measures one line. The ratio is the median of those of samples that were taken one after the other. */
export async function measureClient({ name, depth, beside, goal }, socket, samples, seconds) {
  const taken = [];
  for (let n = 0; n <= samples; n++) {
    const sample = {};
    for (const [who, read] of Object.entries(clients)) sample[who] = await read(socket, depth, seconds);
    // The first ones bring the programs into memory.
    if (n > 0) taken.push(sample);
  }
  const of = (who) => ({ iops: median(taken.map((sample) => sample[who].iops)), cpu_us: median(taken.map((sample) => sample[who].cpu)) });
  const ratio = median(taken.map((sample) => sample.ours.iops / sample[beside].iops));
  return { name, depth, ours: of('ours'), y_net_rtt: of('net'), fio: of('fio'), beside: beside === 'net' ? 'y_net_rtt' : beside, ratio, goal, reached: ratio >= goal };
}
