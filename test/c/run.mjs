// Runs the C tests: each test of each program in a process of its own.
//
//   node test/c/run.mjs native|wasm|asan|tsan [program...]
//
// A program prints its tests' names with --list, one a line, and runs the one it
// is given: exit code 0 = passed, 77 = skipped (the reason is on stderr), else
// failed. A name with ` panics TEXT` behind it is of a test that has to end by a
// panic which says TEXT: SIGABRT, or in WebAssembly the exit code 134.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const AT_ONCE = Math.min(2, availableParallelism());
const SKIPPED = 77;
const PANICKED = 134;

/** What the sanitizers are to do; a finding ends the program with a code of its own. */
const SANITIZERS = {
  asan: {
    // allocator_may_return_null: a test asks for more than there can be.
    ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  },
  // atexit_sleep_ms: else each process waits for a second, for threads that nobody joined.
  tsan: { TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1:atexit_sleep_ms=50' },
};

/** Runs one process; {code, out, ms}, code null when a signal ended it. */
function execute(argv, port) {
  const sanitizer = SANITIZERS[port];
  const timeout = Number(process.env.TEST_TIMEOUT ?? (sanitizer ? 120 : 30)) * 1000;
  return new Promise((resolve) => {
    const start = performance.now();
    let out = '';
    let late = false;
    // In a process group of its own, so that what a test started dies with it.
    const child = spawn(argv[0], argv.slice(1), {
      cwd: top,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...sanitizer, ...process.env },
    });
    const timer = setTimeout(() => {
      late = true;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // it ended by itself just now
      }
    }, timeout);
    const done = (code, signal) => {
      clearTimeout(timer);
      if (late) out += `\n[no end within ${timeout / 1000} s]`;
      else if (signal) out += `\n[ended by ${signal}]`;
      resolve({ code: !late && signal === 'SIGABRT' ? PANICKED : code, out, ms: performance.now() - start });
    };
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', (error) => {
      out += error.message;
      done(1, null);
    });
    child.on('close', done);
  });
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runC(port, only = []) {
  // What the programs in WebAssembly have for /tmp.
  const scratch = join(top, 'build', 'test-c', 'tmp');
  if (port === 'wasm') mkdirSync(scratch, { recursive: true });
  const dir = SANITIZERS[port] ? join(top, 'build', `sanitize-${port}`, 'test-c') : join(top, 'build', 'test-c', port);
  const suffix = port === 'wasm' ? '.wasm' : '';
  const command = (program) =>
    port === 'wasm'
      ? [process.execPath, 'dist/cli/main.js', 'run', `--dir=${scratch}::/tmp`, join('build/test-c/wasm', program + suffix)]
      : [join(dir, program)];
  // The sources say which programs there are: build/ may hold old ones.
  const programs = readdirSync(join(top, 'test', 'c'))
    .filter((name) => name.endsWith('.c'))
    .map((name) => basename(name, '.c'))
    .filter((name) => only.length === 0 || only.includes(name));
  const count = { passed: 0, failed: 0, skipped: 0 };
  const report = (what, name, text) =>
    process.stdout.write(`  ${what} ${port}:${name}${text ? `\n${text.trim().replace(/^/gm, '      ')}` : ''}\n`);

  const queue = [];
  await Promise.all(
    programs.map(async (program) => {
      const { code, out } = await execute([...command(program), '--list'], port);
      const names = out.split('\n').filter((line) => line !== '');
      if (code !== 0 || names.length === 0) {
        count.failed++;
        report('FAILED', `${program} --list`, out || 'it listed no test');
      } else {
        queue.push(...names.map((line) => {
          const [, name, panics] = /^(.*?)(?: panics (.*))?$/.exec(line);
          return { program, name, panics };
        }));
      }
    }),
  );
  // In one order every time, whichever program answered first.
  queue.sort((a, b) => (a.program + a.name < b.program + b.name ? -1 : 1));

  const worker = async () => {
    for (let test = queue.shift(); test; test = queue.shift()) {
      const { code, out, ms } = await execute([...command(test.program), test.name], port);
      const name = `${test.program}/${test.name}`;
      const passed = test.panics === undefined ? code === 0 : code === PANICKED && out.includes(test.panics);
      if (passed) {
        count.passed++;
        if (process.env.V) report('passed', `${name} (${Math.round(ms)} ms)`);
      } else if (code === SKIPPED) {
        count.skipped++;
        report('skipped', `${name}: ${out.trim().split('\n').at(-1)}`);
      } else {
        count.failed++;
        const wanted = test.panics === undefined ? '' : `, not the panic '${test.panics}'`;
        report('FAILED', `${name} (exit ${code}, ${Math.round(ms)} ms${wanted})`, out);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, ...only] = process.argv.slice(2);
  if (port !== 'native' && port !== 'wasm' && !SANITIZERS[port]) {
    process.stderr.write('usage: node test/c/run.mjs native|wasm|asan|tsan [program...]\n');
    process.exit(2);
  }
  const { passed, failed, skipped } = await runC(port, only);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
