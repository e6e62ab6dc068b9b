// SPDX-License-Identifier: MIT
// The floor of the WASI lines: the bare fs calls that a host in JavaScript cannot do without.
//
//   node floor.mjs FOLDER MS LINE...
//
// Prints "NAME PICOSECONDS" for each sample.
import {
  closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readlinkSync, readSync, renameSync, rmdirSync, writeSync,
} from 'node:fs';
import { join } from 'node:path';

const [folder, ms, ...names] = process.argv.slice(2);
const SAMPLES = 15;

const file = openSync(join(folder, 'file'), constants.O_RDWR);
const directory = openSync(folder, constants.O_RDONLY);
const many = openSync(join(folder, 'many'), constants.O_RDONLY);
const block = new Uint8Array(new SharedArrayBuffer(4096));
/** As our own host names fds: without the link /proc/self. */
const self = `/proc/${readlinkSync('/proc/self')}/fd`;
const deep = openSync(join(folder, 'd/d/d/d/d/d/d/d'), constants.O_RDONLY);
const O_PATH = 0o10000000;
let n = 0;
const below = (path) => `/proc/self/fd/${directory}/${path}`;
let at = 0;

const openPath = (path) => {
  const fd = openSync(path, constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  readlinkSync(`/proc/self/fd/${fd}`);
  fstatSync(fd);
  closeSync(fd);
};

const lines = {
  y_fs_fstat: () => fstatSync(file, { bigint: true }),
  y_fs_read_4k: () => readSync(file, block, 0, 4096, (at = (at + 4096) % 1048576)),
  y_fs_write_4k: () => writeSync(file, block, 0, 4096, (at = (at + 4096) % 1048576)),
  y_fs_readdir_64: () => readdirSync(`/proc/self/fd/${many}`, { encoding: 'buffer' })
    .map((name) => lstatSync(`/proc/self/fd/${many}/${name}`, { bigint: true }).ino),
  y_fs_path: () => openPath(below('file')),
  y_fs_path_9: () => openPath(below('d/d/d/d/d/d/d/d/file')),
  y_clock: () => performance.now(),
  // What has to be asked for a path: where its directory is now, which was found before, and then the file.
  y_fs_lstat: () => lstatSync(`${self}/${directory}/file`, { bigint: true }),
  y_fs_lstat_9: () => {
    readlinkSync(`${self}/${deep}`);
    lstatSync(`${self}/${deep}/file`, { bigint: true });
  },
  // The same where the directory has not been found yet: whether it is below the one that the guest was given.
  y_fs_lstat_new: () => {
    n++;
    const fd = openSync(`${self}/${directory}/tree/${n % 8}/${(n >> 3) % 8}/${(n >> 6) % 8}`, O_PATH | constants.O_DIRECTORY);
    readlinkSync(`${self}/${fd}`);
    readlinkSync(`${self}/${directory}`);
    lstatSync(`${self}/${fd}/file`, { bigint: true });
    closeSync(fd);
  },
  y_fs_readlink: () => readlinkSync(below('link'), { encoding: 'buffer' }),
  y_fs_mkdir_rmdir: () => {
    mkdirSync(below('made'));
    rmdirSync(below('made'));
  },
  y_fs_rename_2: () => {
    renameSync(below('moved'), below('other'));
    renameSync(below('other'), below('moved'));
  },
};

for (const name of names) {
  const work = lines[name];
  if (!work) continue;
  const ns = Number(ms) * 1e6;
  let rounds = 1;
  let took = 0;
  const sample = () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) work();
    took = Number(process.hrtime.bigint() - start);
    return took;
  };
  for (let warm = 0; warm < ns / 4 || took < ns / SAMPLES; warm += took) if (sample() < ns / SAMPLES) rounds *= 2;
  for (let n = 0; n < SAMPLES; n++) console.log(`${name} ${Math.round((sample() * 1000) / rounds)}`);
}
