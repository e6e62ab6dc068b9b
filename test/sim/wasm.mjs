// SPDX-License-Identifier: MIT
// The simulator in WebAssembly: every scenario passes there, what is planted is found and told of, and a caller may be the scheduler.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Simulator } from './simulator.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = join(top, 'build', 'sim', 'sim.wasm');
const mutant = (name) => join(top, 'build', 'sim', 'wasm', 'mutants', name, 'sim.wasm');
const load = (file) => Simulator.create(readFileSync(file));

const SEEDS = 30;
const LARGEST = 200 * 1024;

/** Looks through the scenarios for a failure. */
function find(sim, seeds) {
  for (const { name } of sim.scenarios()) {
    const { failure } = sim.search(name, { seeds });
    if (failure) return { name, ...failure };
  }
  return assert.fail(`${seeds} seeds of each scenario find nothing`);
}

/** Runs a small scenario by hand: choose(n) is one of n threads, each time. */
function byHand(sim, name, choose) {
  sim.begin(name);
  while (!sim.result().ended) {
    const able = sim.threads().flatMap(({ mayGoOn }, n) => (mayGoOn ? [n] : []));
    sim.goOn(able[choose(able.length)]);
  }
  return sim.result();
}

const tests = {
  'it is small, and imports nothing but its own loader': () => {
    const bytes = readFileSync(MODULE);
    assert.ok(gzipSync(bytes, { level: 9 }).length <= LARGEST, 'larger than 200 KiB');
    assert.deepEqual([...new Set(WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(({ module }) => module))], ['sim']);
  },
  'a lost wake-up is found, the same seed finds it again, and its interleaving shows the source': async () => {
    const sim = await load(mutant('notify-if-not-notified'));
    // In others a thread waits in vain for what a sleeper has to do.
    const name = 'gsource_is_woken';
    const found = { name, ...sim.search(name, { seeds: 1000 }).failure };
    assert.match(found.message, /^nothing can go on: .*sleeps on a word that nobody wakes/);
    const steps = sim.interleaving();
    for (const { file, line, source } of steps.filter((step) => step.file.startsWith('core-c/loop/'))) {
      assert.equal(source, readFileSync(join(top, file), 'utf8').split('\n')[line - 1].trim());
    }
    assert.ok(steps.some(({ source }) => source.includes('notified')));
    const again = await load(mutant('notify-if-not-notified'));
    assert.deepEqual(again.run(found.name, found.seed).failure, { seed: found.seed, message: found.message });
    assert.deepEqual(again.interleaving(), steps);
  },
  'a data race is found, with the functions that race': async () => {
    const sim = await load(mutant('mutex-locks-relaxed'));
    assert.match(find(sim, 1000).message, /^data race: '\w+' (reads|writes) \(\w+\(\)\) what '\w+' has (read|written) \(\w+\(\)\)/);
  },
  'all orders of the small scenarios': async () => {
    const sim = await load(MODULE);
    for (const { name } of sim.scenarios().filter(({ small }) => small)) {
      const { complete, failure } = sim.searchAll(name);
      assert.ok(complete, `${name}: ${failure?.message ?? 'not all'}`);
    }
  },
  'the caller is the scheduler': async () => {
    const sim = await load(MODULE);
    for (const { name } of sim.scenarios().filter(({ small }) => small)) {
      for (const choose of [() => 0, (n) => n - 1]) {
        const { failure, steps } = byHand(sim, name, choose);
        assert.equal(failure, undefined, name);
        assert.ok(steps > 0);
      }
    }
    assert.throws(() => sim.goOn(0), /cannot go on/);
    const racy = await load(mutant('mutex-locks-relaxed'));
    assert.match(byHand(racy, 'mutex_of_two', (n) => n - 1).failure.message, /^data race: .*\(\w+\(\)\)/);
  },
};

export async function runSimWasm(only, verbose) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const note = async (name, test) => {
    try {
      await test();
      count.passed++;
    } catch (error) {
      count.failed++;
      process.stdout.write(`  FAILED   simulator in WebAssembly: ${name}: ${error.message}\n`);
    }
  };
  const sim = await load(MODULE);
  for (const { name } of sim.scenarios()) {
    if (only.length > 0 && !only.includes(name)) continue;
    await note(name, () => {
      const { failure, steps } = sim.search(name, { seeds: SEEDS });
      if (verbose) process.stdout.write(`${name.padEnd(24)} ${SEEDS} seeds in WebAssembly, ${steps} steps\n`);
      assert.equal(failure, undefined, failure && `${failure.message} (seed ${failure.seed})`);
    });
  }
  if (only.length === 0) for (const [name, test] of Object.entries(tests)) await note(name, test);
  return count;
}
