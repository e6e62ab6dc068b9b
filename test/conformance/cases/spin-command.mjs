// SPDX-License-Identifier: MIT
/** `wasm-aio run` ends with the program's exit code, or 124 after its time limit, although a thread spins or waits for ever. */
import { commands } from './spin-plain.mjs';

export default async function ({ path, page, module, check }) {
  if (page) return 'a page has no processes';
  const [{ spawn }, { writeFileSync }, { fileURLToPath }] = await Promise.all(['node:child_process', 'node:fs', 'node:url'].map((from) => import(from)));
  const cli = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const runtime = [process.execPath, ...('Deno' in globalThis ? ['run', '-A'] : [])];
  const run = (...args) => new Promise((resolve) => {
    const child = spawn(runtime[0], [...runtime.slice(1), cli, 'run', ...args], { stdio: ['ignore', 'inherit', 'ignore'] });
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  const file = async (name) => {
    const made = await path(`${name}.wasm`);
    writeFileSync(made, commands[name]);
    return made;
  };
  const spinner = fileURLToPath(module('spin.module'));
  const runs = {
    'a thread spins beside exit()': [3, [spinner, 'thread']],
    'the loop inside spins': [124, ['--timeout=0.3', spinner]],
    'a command spins': [124, ['--timeout=0.3', await file('spins')]],
    'a command waits': [124, ['--timeout=0.3', await file('waits')]],
  };
  for (const [what, [expected, args]] of Object.entries(runs)) {
    const code = await run(...args);
    check(code === expected, `${what}: ended with ${code}, not ${expected}`);
  }
  return undefined;
}
