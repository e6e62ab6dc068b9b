// make test-nbd: NBD with peers that others have written.
//
//   ONLY='fio qemu'      cases whose names contain one of these words
//   SEED=n               what happens by chance, again
import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { clientCases } from './client-cases.mjs';
import { ownCases } from './own-cases.mjs';
import { seed } from './peers.mjs';
import { serverCases } from './server-cases.mjs';

const TOOLS = ['nbdinfo', 'nbdcopy', 'nbdsh', 'nbdkit', 'qemu-io', 'qemu-img', 'qemu-nbd', 'fio'];
const missing = TOOLS.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
if (missing.length > 0) {
  process.stderr.write(`test-nbd: ${missing.join(', ')} not found: apt-get install nbdkit libnbd-bin python3-libnbd qemu-utils fio\n`);
  process.exit(1);
}

const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const cases = Object.entries({ ...serverCases, ...clientCases, ...ownCases }).filter(([name]) => only.length === 0 || only.some((word) => name.includes(word)));
if (cases.length === 0) {
  process.stderr.write(`test-nbd: no case has one of the words ${only.join(', ')} in its name\n`);
  process.exit(2);
}
process.stdout.write(`           SEED=${seed}\n`);
let failed = 0;
/** So long a case may take, in ms. One that hangs fails; what it has started ends with this process. */
const LIMIT_MS = 180_000;
for (const [name, body] of cases) {
  const start = performance.now();
  try {
    await Promise.race([body(), setTimeout(LIMIT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`it has not ended within ${LIMIT_MS / 1000} s`);
    })]);
    process.stdout.write(`  ok       ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`  FAILED   ${name}\n${String(error.stack ?? error).replace(/^/gm, '      ')}\n`);
  }
}
process.stdout.write(`test-nbd: ${cases.length - failed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);
