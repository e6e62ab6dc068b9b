// Runs programs in Node, each batch in a process of its own, which has to end by itself.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How long nothing may be heard of a process. */
const SILENT_MS = 120_000;
/** How long it may take to end when its last program has. */
const END_MS = 10_000;

function run(work, told) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', '--no-warnings', fileURLToPath(new URL('batch-node.mjs', import.meta.url))]);
    child.stdin.end(JSON.stringify(work));
    let current;
    let seen = 0;
    let done = false;
    let failed = false;
    let late;
    let timer;
    let errors = '';
    const patience = (ms, what) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        late = what;
        child.kill('SIGKILL');
      }, ms);
    };
    patience(SILENT_MS, 'the process says nothing');
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    createInterface({ input: child.stdout }).on('line', (text) => {
      let line;
      try {
        line = JSON.parse(text);
      } catch {
        errors += `${text}\n`;
        return;
      }
      if (line.done) {
        done = true;
        patience(END_MS, 'the process does not end by itself');
        return;
      }
      patience(SILENT_MS, 'the process says nothing');
      if (line.problems === undefined) current = line.seed;
      else {
        current = undefined;
        seen++;
        failed ||= line.problems.length > 0;
        told(line);
      }
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const problem = (kind, text) => told({ seed: current ?? work.seeds?.[0] ?? work.programs[0].seed, problems: [{ kind, text: `${text}\n${errors}`.trim() }] });
      if (late) problem(done ? 'no end' : 'stuck', late);
      else if (current !== undefined) problem('death', `the process ended amid a program: code ${code}, signal ${signal}`);
      else if (!done && seen === 0) problem('start', `the process ended before a program began: code ${code}, signal ${signal}`);
      else if (code !== 0 && !failed) problem('exit code', `the process ended with code ${code}`);
      if (current !== undefined) seen++;
      // Never the same again, should it have failed before its first program.
      resolve(Math.max(seen, 1));
    });
  });
}

export async function nodeRunner() {
  return { host: 'node', atOnce: 2, run, async close() {} };
}
