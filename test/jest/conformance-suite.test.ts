// SPDX-License-Identifier: MIT
/** The conformance suite itself: what a hang, a crash, a known failure and a failure mean, and how results are printed. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { scratch, spawned, wasmAio } from './helpers/child.js';

const dir = scratch();
afterAll(dir.remove);
const dist = (name: string): string => JSON.stringify(new URL(`../../../dist/${name}`, import.meta.url).href);

/** Runs a module in Node, and returns what it has printed as JSON. */
async function inNode(source: string): Promise<unknown> {
  const ended = await spawned(process.execPath, ['--input-type=module', '-e', source]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ended.stdout);
}

describe('cases', () => {
  test('each has a name of its own, a clause, known requirements, and modules that are valid', async () => {
    const found = await inNode(`
      import { cases } from ${dist('conformance/suite.js')};
      import { features } from ${dist('conformance/features.js')};
      import { assemble } from ${dist('conformance/wasm.js')};
      const known = Object.keys(await features());
      const wrong = [];
      for (const one of cases) {
        const { id, title, clause, requires, wasm = {} } = one;
        if (!title || !/^(ECMA-262|HTML|WebAssembly|HR-Time|File System|Encoding|Web IDL|Fetch|Streams|Compression|Node) \\S/.test(clause)) wrong.push(id);
        if (cases.filter((other) => other.id === id).length > 1) wrong.push(id + ' twice');
        for (const name of requires) if (!known.includes(name)) wrong.push(id + ' requires ' + name);
        // instructions/validation is about modules that are not valid.
        for (const [name, source] of Object.entries(wasm)) if (id !== 'instructions/validation' && !WebAssembly.validate(assemble(source))) wrong.push(id + ' ' + name);
      }
      console.log(JSON.stringify({ wrong, enough: cases.length >= 120 }));`);
    expect(found).toEqual({ wrong: [], enough: true });
  });

  test('one that hangs, throws or lacks something does not disturb the next one', async () => {
    const found = await inNode(`
      import { runCases } from ${dist('conformance/suite.js')};
      const results = [];
      const one = (id, run, more = {}) => ({ id, requires: [], clause: 'none', run, ...more });
      await runCases([
        one('hangs', { run() { for (;;); } }.run, { patience: 300 }),
        one('waits', { async run() { await new Promise(() => {}); } }.run, { patience: 300, alone: true }),
        one('throws', { run({ equal }) { equal(1, 2, 'one'); } }.run),
        one('lacks', { run() {} }.run, { requires: ['opfs'] }),
        one('skips', { run({ skip }) { skip('not today'); } }.run),
        one('main', { async run({ worker, equal }) { equal(await worker((tools, n) => n, 4).ended, 4); } }.run, { on: 'main' }),
        one('passes', { run: async ({ worker, equal }) => equal(await worker((tools, n) => n + 1, 4).ended, 5) }.run, { alone: true }),
      ], ({ id, status, text }) => results.push([id, status, text]));
      console.log(JSON.stringify(results.sort()));
      process.exit();`);
    expect(found).toEqual([
      ['hangs', 'failed', 'no end within 0.3 s'], ['lacks', 'not run', 'no opfs'], ['main', 'passed', ''], ['passes', 'passed', ''],
      ['skips', 'not run', 'not today'], ['throws', 'failed', 'one: 1, not 2'], ['waits', 'failed', 'no end within 0.3 s'],
    ]);
  });

  test('a shell may say how its workers start', async () => {
    const found = await inNode(`
      import { Worker } from 'node:worker_threads';
      import { runCases } from ${dist('conformance/suite.js')};
      let started = 0;
      globalThis.startWorker = (text) => (started++, new Worker(text, { eval: true }));
      const results = [];
      await runCases([{ id: 'one', requires: [], run: { run({ equal }) { equal(1, 1); } }.run }], ({ status }) => results.push(status));
      // One finds out what workers have.
      console.log(JSON.stringify({ started, results }));`);
    expect(found).toEqual({ started: 2, results: ['passed'] });
  });

  test('the process of one that crashes or is silent is replaced', async () => {
    const program = join(dir.path, 'program.mjs');
    writeFileSync(program, `
      const say = (line) => console.log(JSON.stringify(line));
      const ids = process.argv.slice(2);
      for (const id of ids) say({ started: id });
      say({ result: { id: 'noise' } });
      for (const id of ids) {
        if (id === 'crashes') process.kill(process.pid, 'SIGKILL');
        if (id === 'silent') for (;;);
        say({ result: { id, status: 'passed', text: '', ms: 1 } });
      }`);
    const found = await inNode(`
      import { runCases } from ${dist('cli/conformance-run.js')};
      const results = [];
      await runCases(new URL(${JSON.stringify(pathToFileURL(program).href)}), ['one', 'crashes', 'two', 'silent', 'three'],
        ({ id, status, text }) => id !== 'noise' && results.push([id, status, text]), 3000);
      console.log(JSON.stringify(results.sort()));`);
    expect(found).toEqual([
      ['crashes', 'failed', 'the process ended by SIGKILL'], ['one', 'passed', ''], ['silent', 'failed', 'the process was silent for 3 s'],
      ['three', 'passed', ''], ['two', 'passed', ''],
    ]);
  });
});

test('a case of the other layers that hangs fails with the state of every loop, and ends its process', async () => {
  const file = join(dir.path, 'hangs.mjs');
  writeFileSync(file, `
    import { Runtime } from ${dist('index.js')};
    export default async () => {
      const aio = await Runtime.create();
      await (await aio.iothread('one')).clock();
      aio.context.timer('never', () => {}).arm(1e6);
      await new Promise(() => {});
    };`);
  const script = fileURLToPath(new URL('../../../test/conformance/script.mjs', import.meta.url));
  const ended = await spawned(process.execPath, [script, 'node', file, '2000']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/"status":"failed","text":"Error: no end within 2 s\\nRuntime 1 of 1:\\nthread 0 'owner': .*timers: the first in .*\\nthread 1 'IO one': sleeps in aio_poll/);
});

test('known failures are expected in their versions, and a newer version only differs', async () => {
  const found = await inNode(`
    import { expected, judge } from ${dist('conformance/expected.js')};
    expected.some = { tried: '3.2', failures: [
      { id: 'a/all', why: 'all' }, { id: 'a/old', to: '2', why: 'old' }, { id: 'a/new', from: '3.1', why: 'new' }, { id: 'a/rare', sometimes: true, why: 'rare' },
    ] };
    const verdicts = (version, status, name = 'some') => judge(['all', 'old', 'new', 'rare', 'other'].map((id) => ({ id: 'a/' + id, status })), { name, version })
      .map(({ verdict }) => verdict).join(' ');
    console.log(JSON.stringify({
      2: verdicts('2.9.1', 'failed'), 3: verdicts('3.0', 'failed'), '3.2': verdicts('3.2.17', 'failed'), 4: verdicts('4.0', 'failed'),
      better: verdicts('3.2', 'passed'), later: verdicts('3.10', 'passed'), skipped: verdicts('3.2', 'not run'), stranger: verdicts('1', 'failed', 'stranger'),
    }));`);
  expect(found).toEqual({
    2: 'expected expected failed expected failed', 3: 'expected failed failed expected failed', '3.2': 'expected failed expected expected failed',
    4: 'expected differs expected expected differs', better: 'fixed passed fixed passed passed', later: 'differs passed differs passed passed',
    skipped: 'not run not run not run not run not run', stranger: 'differs differs differs differs differs',
  });
});

describe('wasm-aio conformance', () => {
  test('lists cases with their clauses', async () => {
    const ended = await wasmAio('conformance', '--list', '--area=wait', '--case=clock/monotonic');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^wait\/not-equal\n {4}wait returns [^\n]+\n {4}ECMA-262 sec-atomics\.wait\n/);
    expect(ended.stdout).toMatch(/^clock\/monotonic$/m);
    expect(ended.stdout).not.toMatch(/^atomics\//m);
  });

  test('refuses an area and a case that it does not know', async () => {
    const ended = await wasmAio('conformance', '--area=wiat');
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: "wasm-aio: there is no area 'wiat': did you mean wait?\n" });
    expect(await wasmAio('conformance', '--repro=none')).toMatchObject({ code: 2, stderr: "wasm-aio: there is no case 'none': wasm-aio conformance --list lists them\n" });
  });

  test('prints results as text, JSON, TAP and JUnit', async () => {
    const chosen = ['--case=atomics/wrap', '--case=opfs/cursor', '--case=host/stream'];
    const [text, json, tap, junit] = await Promise.all([[], ['--json'], ['--tap'], ['--junit']].map((form) => wasmAio('conformance', ...chosen, ...form)));
    for (const ended of [text, json, tap, junit]) expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(text?.stdout).toMatch(/^node [\d.]+ +passed +known +failed +differs +not run\natomics +1 +0 +0 +0 +0\nhost +1 +0 +0 +0 +0\nopfs +0 +0 +0 +0 +1\nall +2 +0 +0 +0 +1\n$/);
    expect(JSON.parse(json?.stdout ?? '')).toMatchObject({
      runtime: { name: 'node', version: process.versions.node },
      results: [{ id: 'atomics/wrap', verdict: 'passed' }, { id: 'host/stream', verdict: 'passed' }, { id: 'opfs/cursor', verdict: 'not run', text: 'no opfs' }],
    });
    expect(tap?.stdout).toBe('TAP version 14\n1..3\nok 1 - atomics/wrap\nok 2 - host/stream\nok 3 - opfs/cursor # SKIP no opfs\n');
    expect(junit?.stdout).toMatch(/<testsuite name="conformance node [\d.]+" tests="3" failures="0" skipped="1">\n {4}<testcase classname="atomics" name="wrap" time="[\d.]+"><\/testcase>/);
  });

  test.each(['wait/no-lost-wake-up', 'instructions/narrow', 'wait-async/main', 'host/slice-copies'])('the reproduction of %s runs by itself', async (id) => {
    const { stdout } = await wasmAio('conformance', `--repro=${id}`);
    const file = join(dir.path, `${id.replace('/', '-')}.mjs`);
    writeFileSync(file, stdout);
    expect(await spawned(process.execPath, [file])).toMatchObject({ code: 0, stdout: 'passed\n', stderr: '' });
    // It fails as the case would.
    writeFileSync(file, stdout.replace(/equal\((?=[^)])/, 'equal(1, 2, "on purpose"); equal('));
    expect((await spawned(process.execPath, [file])).stdout).toMatch(/^failed: on purpose: 1, not 2\n/);
  });
});
