// SPDX-License-Identifier: MIT
/** Runs cases of the conformance suite in processes of this runtime: what hangs or crashes one of them fails one case only. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Result } from './conformance-suite.js';

/** A process that says nothing for so long is killed. Each case has a shorter watchdog of its own. */
const SILENCE_MS = 90_000;

/** The program that runs this, with its arguments before a script's name. */
function command(): [string, ...string[]] {
  return 'Deno' in globalThis ? [process.execPath, 'run', '-A'] : [process.execPath];
}

interface Ended {
  results: Result[];
  /** The cases that had begun and not ended when the process ended. */
  running: string[];
  /** How the process ended, if it did not run all of them. */
  how: string;
}

/** Runs these cases in one process, until it ends. */
function runProcess(program: URL, ids: readonly string[], report: (result: Result) => void, silence: number): Promise<Ended> {
  const [file, ...args] = command();
  const child = spawn(file, [...args, fileURLToPath(program), ...ids], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Ended = { results: [], running: [], how: '' };
  let rest = '';
  let errors = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      ended.how = `the process was silent for ${silence / 1000} s`;
      child.kill('SIGKILL');
    }, silence);
  };
  const take = (line: string): void => {
    let said: { started?: string; result?: Result };
    try {
      said = JSON.parse(line) as typeof said;
    } catch {
      // Not ours: what the runtime prints of itself.
      return;
    }
    if (said.started !== undefined) ended.running.push(said.started);
    const { result } = said;
    if (!result) return;
    ended.running = ended.running.filter((id) => id !== result.id);
    ended.results.push(result);
    report(result);
  };
  watch();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    watch();
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
  return new Promise((resolve) => {
    const over = (how: string): void => {
      clearTimeout(timer);
      ended.how ||= how;
      resolve(ended);
    };
    child.on('error', (error) => over(String(error)));
    child.on('close', (code, signal) => over(`the process ended by ${signal ?? `exit code ${code}`}${errors.trim() && `: ${errors.trim().split('\n').at(-1)}`}`));
  });
}

/**
 * Runs the cases in a process, and in further ones if that ends too early: those that were running then run alone, so that
 * it shows which of them is to blame.
 */
export async function runCases(program: URL, ids: readonly string[], report: (result: Result) => void, silence = SILENCE_MS): Promise<void> {
  if (ids.length === 0) return;
  const { results, running, how } = await runProcess(program, ids, report, silence);
  const missing = ids.filter((id) => !results.some((result) => result.id === id));
  if (missing.length === 0) return;
  if (ids.length === 1 || running.length === 0) {
    // Without a case that runs the process itself does not work.
    for (const id of missing) report({ id, status: 'failed', text: how, ms: 0 });
    return;
  }
  for (const id of running) await runCases(program, [id], report, silence);
  await runCases(program, missing.filter((id) => !running.includes(id)), report, silence);
}
