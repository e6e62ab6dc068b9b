// SPDX-License-Identifier: MIT
/** The command line of wasm-aio: help, suggestions, ranges, and output that cannot be written. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, scratch, spawned, wasmAio, type Ended } from './helpers/child.js';
import { cli, pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);
/** Where the bench makes its files. */
const temporary = join(dir.path, 'tmp');
mkdirSync(temporary);
process.env.TMPDIR = temporary;

const COMMANDS = ['run', 'top', 'bench', 'nbd-serve', 'serve', 'conformance', 'doctor'];
const short = ['bench', '--size=1M', '--number-ios=20', '--iodepth=4'];

/** wasm-aio in a shell: `$0` is node, `$1` the program, "$@" the arguments. */
const inShell = (script: string, ...args: string[]): Promise<Ended> => spawned('bash', ['-c', `cli=$1; shift; ${script}`, process.execPath, cli, ...args]);

/** One sentence on standard error, and nothing else. */
function refused(ended: Ended, code: number, words: RegExp): void {
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).toMatch(/^wasm-aio: [^\n]*\n$/);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
}

describe('help', () => {
  test.each([['-h'], ['--help'], ['help'], ['help', 'help']])('of all: wasm-aio %s %s', async (...args) => {
    const ended = await wasmAio(...args.filter((arg) => typeof arg === 'string'));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^usage: wasm-aio COMMAND /);
    for (const command of COMMANDS) expect(ended.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test.each(COMMANDS)('of %s, whatever else is given', async (command) => {
    const ways = [[command, '-h'], [command, '--help'], ['help', command], [command, '--frobnicate', '--help']];
    for (const ended of await Promise.all(ways.map((args) => wasmAio(...args)))) {
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout.startsWith(`usage: wasm-aio ${command} `)).toBe(true);
      expect(ended.stdout).toMatch(/^ {2}-h, --help +print this help$/m);
    }
  });

  test('what follows a program is the program\'s', async () => {
    const { stdout } = await runProgram('program', 'args', '-h', '--help', '--', '--env');
    expect(stdout).toMatch(/-h[^]*--help[^]*--[^]*--env/);
    expect(stdout).not.toMatch(/usage/);
  });
});

test.each([
  [['benhc'], /no command 'benhc': did you mean wasm-aio bench\?/],
  [['frobnicate'], /no command 'frobnicate': wasm-aio --help lists them/],
  [['constructor'], /no command 'constructor'/],
  [['--hlep'], /unknown option --hlep: did you mean --help\?/],
  [['bench', '--iodpeth=4'], /unknown option --iodpeth=4: did you mean --iodepth\?/],
  [['bench', '-iodepth=4'], /unknown option -iodepth=4: did you mean --iodepth\?/],
  [['bench', '--frobnicate'], /unknown option --frobnicate: wasm-aio bench --help lists them/],
  [['bench', '--constructor'], /unknown option --constructor/],
  [['run', '--dirs', '/', 'x.wasm'], /unknown option --dirs: did you mean --dir\?/],
  [['serve', '--prot=1'], /unknown option --prot=1: did you mean --port\?/],
  [['doctor', '--hepl'], /unknown option --hepl: did you mean --help\?/],
])('%j: says what was probably meant', async (args, words) => {
  refused(await wasmAio(...args), 2, words);
});

test.each([
  [['bench', '--bs=1'], /--bs=1: must be a size from 512 to 16M, such as/],
  [['bench', '--bs=32M'], /--bs=32M: must be a size from 512 to 16M/],
  [['bench', '--iodepth=4097'], /--iodepth=4097: must be a whole number from 1 to 4096/],
  [['bench', '--fsync=99999999999999999999'], /must be a whole number from 0 to 9007199254740991/],
  [['bench', '--runtime=1000001'], /--runtime=1000001: must be a number of seconds above 0 and up to 1000000/],
  [['bench', '--runtime=1e3'], /--runtime=1e3: must be a number of seconds/],
  [['run', '--timeout=2147484', 'x.wasm'], /--timeout=2147484: must be a number of seconds above 0 and up to 2147483/],
  [['run', '--max-memory=5G', 'x.wasm'], /--max-memory=5G: must be a size from 64k to 4G/],
  [['run', '--env==x', 'x.wasm'], /--env==x: must be NAME\[=VALUE\]/],
  [['run', '--dir=::/x', 'x.wasm'], /--dir=::\/x: must be HOST\[::GUEST\]/],
  [['serve', '--port=65536'], /--port=65536: must be a whole number from 0 to 65535/],
  [['bench', '--filename', '--verify'], /--filename needs a value \(FILE\); one that begins with - is written --filename=--verify/],
  [['bench', '--filename='], /--filename needs a value \(FILE\)/],
  [['doctor', 'a', 'b'], /unknown argument b: usage: wasm-aio doctor \[ADDRESS\]/],
])('%j: says what is possible', async (args, words) => {
  refused(await wasmAio(...args), 2, words);
});

describe('output that cannot be written: one sentence, exit code 1, and nothing is left behind', () => {
  const commands = [short, [...short, '--json'], ['--help'], ['bench', '--help'], ['--version'], ['doctor'], ['serve', '--port=0']];

  test.each(commands.map((args) => [args]))('%j to a full device', async (args) => {
    refused(await inShell('exec "$0" "$cli" "$@" >/dev/full', ...args), 1, /standard output cannot be written: no space is left on the device \(ENOSPC\)/);
    expect(readdirSync(temporary)).toEqual([]);
  });

  // The reader has ended before the command begins.
  test.each(commands.map((args) => [args]))('%j to a pipe that is closed', async (args) => {
    const ended = await inShell('exec 3> >(:); wait $!; exec "$0" "$cli" "$@" >&3', ...args);
    refused(ended, 1, /standard output cannot be written: its reader has closed the pipe \(EPIPE\)/);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('at 50 columns', () => {
  const narrow = (...args: string[]): Promise<Ended> => inShell('COLUMNS=50 exec "$0" "$cli" "$@"', ...args);
  const longest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

  test('the bench\'s tables are turned, and nothing is missing', async () => {
    const ended = await narrow(...short, '--iodepth=4,8', '--aio=native', '--compare');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(longest(ended.stdout)).toBeLessThanOrEqual(50);
    expect(ended.stdout).toMatch(/^iodepth +4 +8$/m);
    for (const heading of ['reads', 'IOPS', 'MiB/s', 'p50', 'p99', 'max', 'content']) expect(ended.stdout).toMatch(new RegExp(`^${heading}  .+  \\S`, 'm'));
    for (const loop of ['io0, iodepth 4', 'io1, iodepth 4', 'io0, iodepth 8', 'io1, iodepth 8']) expect(ended.stdout).toMatch(new RegExp(`^loop .*${loop}`, 'm'));
    expect(ended.stdout).toMatch(/^largest batch +4 +8$/m);
    expect(ended.stdout).toMatch(/^by .*fs\.readSync/m);
    // The longest bar takes the room that the figures leave.
    expect(ended.stdout).toMatch(/% {2}#{26}$/m);
  });

  test.each([[], ...COMMANDS.map((command) => [command])])('the help: %s', async (...command) => {
    const { code, stdout } = await narrow(...command.filter((word) => typeof word === 'string'), '--help');
    expect(code).toBe(0);
    // (The usage line is one word after the other.)
    expect(longest(stdout.slice(stdout.indexOf('\n') + 1))).toBeLessThanOrEqual(50);
  });
});

test.each(['NO_COLOR=1', 'TERM=dumb'])('%s: a terminal gets no escape sequence', (setting) => {
  const command = `${setting} ${process.execPath} ${cli} bench --size=64k --runtime=0.7 --iodepth=2`;
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stdout).toMatch(/Random reads of 4096 bytes/);
  expect(stdout).not.toMatch(/\x1b/);
});

test('serve: the demo, the documentation if it has been made, and nothing outside of them', async () => {
  const child = spawn(process.execPath, [cli, 'serve', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const address = /^http:\S+/.exec(line)?.[0] ?? '';
    const get = async (path: string): Promise<[number, string]> => {
      const response = await fetch(address + path);
      return [response.status, await response.text()];
    };
    expect(await get('')).toEqual([200, expect.stringMatching(/<title>Break it/)]);
    const site = existsSync(pathOf('build/site/html/index.html')) ? [200, expect.stringMatching(/<title>/)] : [404, 'the documentation has not been built: run `make docs`\n'];
    expect(await get('docs')).toEqual(site);
    expect(await get('conformance')).toEqual([200, expect.stringMatching(/<title>conformance/)]);
    for (const path of ['docs/..%2f..%2f..%2fpackage.json', 'dist/..%2fpackage.json', 'package.json']) expect(await get(path)).toEqual([404, 'not found\n']);
  } finally {
    child.kill();
    await once(child, 'close');
  }
});

describe('make where nothing can be built', () => {
  const makes = (env: Record<string, string>): string[] => {
    const { status, stdout, stderr } = spawnSync('make', ['--no-print-directory', 'demo'], { cwd: pathOf('.'), encoding: 'utf8', env: { ...process.env, MAKEFLAGS: '', MAKELEVEL: '0', ...env } });
    return [String(status), stdout, stderr];
  };
  const sentence = /^Makefile:\d+: \*\*\* building wasm-aio needs Debian .*, but the npm package does not: npm install wasm-aio works here\. {2}Stop\.\n$/;

  test('macOS', () => {
    const bin = join(dir.path, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'uname'), '#!/bin/sh\necho Darwin\n', { mode: 0o755 });
    expect(makes({ PATH: `${bin}:${process.env.PATH}` })).toEqual(['2', '', expect.stringMatching(sentence)]);
  });

  test('Windows', () => {
    expect(makes({ OS: 'Windows_NT' })).toEqual(['2', '', expect.stringMatching(sentence)]);
  });
});
