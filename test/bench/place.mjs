// SPDX-License-Identifier: MIT
// Putting two threads of a process on one CPU or on two. Left alone they are moved
// to and fro, and a round trip is then a mixture of two figures tenfold apart.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const SETTLE_MS = 100;
const WATCH_MS = 150;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The CPUs that this process may use. */
export function allowedCpus() {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Why threads cannot be placed so here; null if they can. */
export function cannotPlace(place) {
  try {
    if (place === 'cross' && allowedCpus().length < 2) return 'there is one CPU only';
  } catch {
    return 'there is no /proc';
  }
  return spawnSync('taskset', ['--version']).status === 0 ? null : 'there is no taskset';
}

/** What a thread has done so far: times it went to sleep, or ns that it ran. */
const measures = {
  sleeps(path) {
    const status = readFileSync(`${path}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)[1]);
  },
  work: (path) => Number(readFileSync(`${path}/schedstat`, 'utf8').split(' ')[0]),
};

function threads(pid, by) {
  return new Map(readdirSync(`/proc/${pid}/task`).map((tid) => [Number(tid), measures[by](`/proc/${pid}/task/${tid}`)]));
}

/** The two that did more than any other, by far. */
async function findPlayers(pid, by) {
  await sleep(SETTLE_MS);
  const before = threads(pid, by);
  await sleep(WATCH_MS);
  const players = [...threads(pid, by)]
    .map(([tid, count]) => ({ tid, count: count - (before.get(tid) ?? 0) }))
    .sort((a, b) => b.count - a.count);
  if (players.length < 2 || players[1].count < 2 * (players[2]?.count ?? 0)) {
    throw new Error('its two threads cannot be told from the others');
  }
  return players.slice(0, 2).map(({ tid }) => tid);
}

/**
 * Throws with the reason if it cannot be done. tids: two, or anything else if they
 * are to be found. cpus: those to choose from, if this thread is on one of them only.
 */
export async function placeThreads(pid, tids, { place, by = 'sleeps', cpus = allowedCpus() }) {
  const players = Array.isArray(tids) && tids.every(Number.isInteger) ? tids : await findPlayers(pid, by);
  players.forEach((tid, i) => placeThread(tid, place === 'same' ? cpus[0] : cpus[i]));
}

export function placeThread(tid, cpu) {
  const { status, stderr } = spawnSync('taskset', ['-cp', String(cpu), String(tid)]);
  if (status !== 0) throw new Error(String(stderr).trim() || 'taskset failed');
}
