// SPDX-License-Identifier: MIT
// What the CPUs did during the run: our share, that of others, and what the
// hypervisor kept for itself.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const TICKS = 100;           // a second, in every kernel's /proc

/** CPU seconds so far. */
function read() {
  // user nice system idle iowait irq softirq steal
  const [user, nice, system, , , irq, softirq, steal] =
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim().split(/\s+/).slice(1).map(Number);
  // Behind the name, which may contain anything: utime stime cutime cstime are the
  // 12th to 15th, the children's being counted when they have ended.
  const own = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /s, '').split(' ').slice(11, 15).map(Number);
  return {
    busy: (user + nice + system + irq + softirq) / TICKS,
    stolen: steal / TICKS,
    own: own.reduce((sum, ticks) => sum + ticks, 0) / TICKS,
    wall: performance.now() / 1000,
  };
}

/** A function that says what happened since; its text is '' without /proc. */
export function watchMachine() {
  let before;
  try {
    before = read();
  } catch {
    return () => '';
  }
  return () => {
    const after = read();
    const since = (key) => after[key] - before[key];
    const count = cpus().length;
    const others = Math.max(since('busy') - since('own'), 0);
    const share = (seconds) => `${(100 * seconds / since('wall') / count).toFixed(1)} %`;
    return `${since('wall').toFixed(0)} s on ${count} CPUs: the benchmarks used ${share(since('own'))} of them, `
      + `others ${share(others)}, the hypervisor ${share(since('stolen'))}`;
  };
}
