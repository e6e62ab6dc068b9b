// Runs the C tests: natively each in a process of its own, in WebAssembly each in an
// instance of its own (see guests.mjs).
//
//   node test/c/run.mjs [native|wasm|asan-clang|tsan-gcc|... [program|program/test...]]
//
// All programs of a build are one executable, build/BUILD/tests: see main.c for its arguments. A test
// has passed if its exit code is 0, and was skipped if it is 77 (the reason is on
// standard error). One that has to panic must end by SIGABRT, or in WebAssembly
// with the exit code 134, and say what it is expected to.
//
// TEST_TIMEOUT=seconds changes when a test is given up.
import { fork, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from '../skips.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const AT_ONCE = Math.min(2, availableParallelism());
const SKIPPED = 77;
const PANICKED = 134;
/** Instances that one process runs, so that nothing piles up in it. */
const INSTANCES = 100;

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

/** Ends a process and what it has started: each is the leader of a process group. */
function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // it ended by itself just now
  }
}

/** Collects what a process writes; calls done(how it ended) when it is gone. */
function watch(child, append, done) {
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', append);
  child.on('error', (error) => {
    append(error.message);
    done(1, null);
  });
  child.on('close', done);
}

/** Runs each test in a process. */
class Processes {
  constructor(program, sanitizer, timeout) {
    Object.assign(this, { program, sanitizer, timeout });
  }

  /** @returns {Promise<{code: number|null, out: string}>} code null: a signal ended it */
  run(args) {
    return new Promise((resolve) => {
      let out = '';
      let late = false;
      const child = spawn(this.program, args, {
        cwd: top, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...this.sanitizer, ...process.env },
      });
      const timer = setTimeout(() => {
        late = true;
        kill(child);
      }, this.timeout);
      watch(child, (text) => (out += text), (code, signal) => {
        clearTimeout(timer);
        if (late) out += `\n[no end within ${this.timeout / 1000} s]`;
        else if (signal) out += `\n[ended by ${signal}]`;
        resolve({ code: !late && signal === 'SIGABRT' ? PANICKED : code, out });
      });
    });
  }

  end() {}
}

/** Runs tests in instances, one after the other in a process that starts with the first. */
class Instances {
  left = 0;

  constructor(module, scratch, timeout) {
    Object.assign(this, { module, scratch, timeout });
  }

  start() {
    this.left = INSTANCES;
    this.out = '';
    const child = fork(fileURLToPath(new URL('guests.mjs', import.meta.url)), [this.module, this.scratch], {
      cwd: top, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true,
    });
    this.child = child;
    child.on('message', (result) => this.settle?.({ code: result.code, out: this.out + result.out }));
    watch(child, (text) => (this.out += text), (code, signal) => {
      if (this.child !== child) return;
      this.child = undefined;
      this.settle?.({ code: null, out: `${this.out}\n[the process of this instance, and of those before it, ended by ${signal ?? code}]` });
    });
  }

  async run(args) {
    if (this.left-- === 0) this.end();
    if (!this.child) this.start();
    const { child } = this;
    const result = await new Promise((resolve) => {
      this.settle = resolve;
      child.send({ args, timeout: this.timeout });
      // The instance is to end by its own time limit, and say where it is.
      this.timer = setTimeout(() => kill(child), this.timeout + 10_000);
    });
    clearTimeout(this.timer);
    this.settle = undefined;
    this.out = '';
    return result;
  }

  end() {
    const { child } = this;
    this.child = undefined;
    if (child) kill(child);
  }
}

/** Who runs the tests of a build. */
function executor(build) {
  const sanitizer = SANITIZERS[build.split('-')[0]];
  const timeout = Number(process.env.TEST_TIMEOUT ?? (sanitizer ? 120 : 60)) * 1000;
  if (!build.startsWith('wasm')) return new Processes(join('build', build, 'tests'), sanitizer, timeout);
  // What the programs in WebAssembly have for /tmp.
  const scratch = join(top, 'build', 'tmp');
  mkdirSync(scratch, { recursive: true });
  return new Instances(join('build', build, 'tests.wasm'), scratch, timeout);
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runC(build, only = []) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const report = (what, name, text) =>
    process.stdout.write(`  ${what} ${build}:${name}${text ? `\n${text.trim().replace(/^/gm, '      ')}` : ''}\n`);

  const executors = Array.from({ length: AT_ONCE }, () => executor(build));
  const { code, out } = await executors[0].run(['--list']);
  const tests = out.split('\n').filter((line) => line !== '').map((line) => {
    const [, program, name, panics] = /^(.*?)\/(.*?)(?: panics (.*))?$/.exec(line) ?? [];
    return { program, name, panics };
  });
  if (code !== 0 || tests.length === 0) {
    count.failed++;
    report('FAILED', '--list', out || 'it listed no test');
    tests.length = 0;
  }
  const queue = tests
    .filter(({ program, name }) => only.length === 0 || only.includes(program) || only.includes(`${program}/${name}`))
    .sort((a, b) => (a.program + a.name < b.program + b.name ? -1 : 1));

  await Promise.all(executors.map(async (run) => {
    for (let test = queue.shift(); test; test = queue.shift()) {
      const start = performance.now();
      const { code, out } = await run.run([test.program, test.name]);
      const ms = Math.round(performance.now() - start);
      const name = `${test.program}/${test.name}`;
      const passed = test.panics === undefined ? code === 0 : code === PANICKED && out.includes(test.panics);
      if (passed) {
        count.passed++;
        if (process.env.V) report('passed', `${name} (${ms} ms)`);
      } else if (code === SKIPPED) {
        skip(count, `${build}:${name}`, out.trim().split('\n').at(-1).replace('skipped: ', ''));
      } else {
        count.failed++;
        const wanted = test.panics === undefined ? '' : `, not the panic '${test.panics}'`;
        report('FAILED', `${name} (exit ${code}, ${ms} ms${wanted})`, out);
      }
    }
    run.end();
  }));
  return count;
}

/** The programs whose objects have counters that wrap: conditions, CoMutexes, handlers, timers, sources, queues, barriers, polls. */
const WRAPPING = ['test-co-mutex', 'test-co-mutex-handoff', 'test-co-threads', 'test-cond', 'test-engines', 'test-fd', 'test-fd-threads', 'test-gmain',
  'test-gmain-fds', 'test-gsource', 'test-handlers-threads', 'test-heap', 'test-plain-threads', 'test-poll-ring', 'test-thread-pool', 'test-timer',
  'test-timer-order', 'test-timer-run'];

/** The same tests in a build whose counters start shortly before they wrap. */
export function runWrapping(build, only) {
  return runC(build, only.length > 0 ? only : WRAPPING);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [build, ...only] = process.argv.slice(2);
  const { passed, failed, skipped } = await runC(build ?? 'native', only);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
