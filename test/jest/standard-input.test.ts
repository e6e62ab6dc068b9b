// SPDX-License-Identifier: MIT
/** Programs that inherit this process's standard input, one after the other: each goes on where the one before has stopped reading. */
import { afterAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './helpers/child.js';
import { pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

/** Runs a program of ours with that on a pipe as standard input, which stays open if it is to. What it prints, and its exit code. */
function withInput(input: string, open: boolean, body: string): Promise<{ code: number | null; out: string }> {
  const file = join(dir.path, `script-${scripts++}.mjs`);
  writeFileSync(file, `
    import { WasiHost } from 'wasm-aio/wasi';
    import { readFileSync } from 'node:fs';
    const module = readFileSync(${JSON.stringify(pathOf('build/plain/command.wasm'))});
    const run = async (what, options = {}) => {
      const host = await WasiHost.create({ module, args: ['command', what] });
      await host.run(options).catch((error) => console.log(error.name));
      await host.close();
    };
    ${body}`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { cwd: dir.path, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
    // What has come so far may be all that there will be.
    const timer = setTimeout(() => child.kill('SIGKILL'), 45_000);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, out });
    });
    if (open) child.stdin.write(input);
    else child.stdin.end(input);
  });
}
let scripts = 0;

test.each([['that has ended', false], ['that stays open', true]])('each gets the next bytes of a pipe %s, and what none has read is left', async (_which, open) => {
  const { code, out } = await withInput('line 1\nline 2\nline 3\nline 4\n', open, `
    await run('seven');
    await run('ignore');
    await run('seven');
    await run('seven');
    ${open ? "process.stdin.once('data', (rest) => { console.log('rest', String(rest)); process.stdin.pause(); }).resume();" : "for (let n = 0; n < 3; n++) await run('seven');"}`);
  expect(out).toBe(`7: line 1\nnot read\n7: line 2\n7: line 3\n${open ? 'rest line 4\n\n' : '7: line 4\n0: \n0: \n'}`);
  expect(code).toBe(0);
});

test('two at once share it', async () => {
  const { out } = await withInput('line 1\nline 2\n', false, "await Promise.all([run('seven'), run('seven')]); await run('seven');");
  expect(out.split('\n').filter((line) => line !== '').length).toBe(3);
  expect(out).toContain('7: line 1\n');
  expect(out).not.toContain('error');
});

test('listeners do not pile up, nor does a program that waited for more keep the process', async () => {
  const { code, out } = await withInput('', true, `
    const count = () => process.stdin.eventNames().reduce((sum, name) => sum + process.stdin.listenerCount(name), 0);
    const first = count();
    for (let n = 0; n < 12; n++) await run('ignore');
    // It waits in poll_oneoff for bytes that do not come, or for a clock.
    for (let n = 0; n < 3; n++) await run('time');
    for (let n = 0; n < 3; n++) {
      const abort = new AbortController();
      const waiting = run('seven', { signal: abort.signal });
      while (process.stdin.listenerCount('data') === 0) await new Promise(setImmediate);
      abort.abort();
      await waiting;
    }
    console.log(count() - first);`);
  expect(out).toBe(`${'not read\n'.repeat(12)}${'time\n'.repeat(3)}${'AbortError\n'.repeat(3)}0\n`);
  expect(code).toBe(0);
});

test("what was left of a stream of the user's is in that stream", async () => {
  const { out } = await withInput('', false, `
    import { PassThrough } from 'node:stream';
    const stdin = new PassThrough();
    stdin.write('line 1\\nline 2\\nline 3\\n');
    for (let n = 0; n < 2; n++) {
      const host = await WasiHost.create({ module, args: ['command', 'seven'], stdin });
      await host.run();
      await host.close();
    }
    console.log('rest', String(stdin.read()));`);
  expect(out).toBe('7: line 1\n7: line 2\nrest line 3\n\n');
});
