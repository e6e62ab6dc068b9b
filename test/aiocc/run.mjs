// Runs the tests of aiocc.
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { buildSystems } from './build-systems.mjs';
import { debug } from './debug.mjs';
import { debuggers } from './debugger.mjs';
import { driver } from './driver.mjs';
import { launcher } from './launcher.mjs';
import { libc } from './libc.mjs';
import { Room, Skipped } from './room.mjs';
import { setjmp } from './setjmp.mjs';
import { skip } from '../skips.mjs';

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runAiocc(only = []) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const queue = Object.entries({ ...buildSystems, ...debug, ...debuggers, ...driver, ...launcher, ...libc, ...setjmp })
    .filter(([name]) => only.length === 0 || only.some((part) => name.includes(part)));
  const worker = async () => {
    for (let test = queue.shift(); test; test = queue.shift()) {
      const [name, body] = test;
      const room = new Room(String(queue.length));
      try {
        await body(room);
        count.passed++;
      } catch (error) {
        if (error instanceof Skipped) {
          skip(count, `aiocc:${name}`, error.message);
          continue;
        }
        count.failed++;
        process.stdout.write(`  FAILED   aiocc: ${name}\n${error.stack}\n`.slice(0, 4000));
      } finally {
        rmSync(room.dir, { recursive: true, force: true });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  return count;
}
