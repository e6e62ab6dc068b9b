// SPDX-License-Identifier: MIT
/** wasm-aio top: what it says of a program in a known state, and of what is no program. */
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { scratch, spawned, wasmAio } from './helpers/child.js';
import { cli, pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);
const socket = join(dir.path, 'socket');
const program = pathOf('build/fixtures/top.wasm');

/** Ends the last program, if a test has not. */
let stopLast: (() => Promise<unknown>) | undefined;
afterEach(() => stopLast?.());

/** Starts a program, and resolves when it has said that it is ready. */
async function start(): Promise<{ stop: () => Promise<number | null>; kill: () => Promise<unknown> }> {
  const child = spawn(process.execPath, [cli, 'run', `--top=${socket}`, program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  stopLast = () => {
    child.kill('SIGKILL');
    return ended;
  };
  const [said] = await Promise.race([once(child.stdout, 'data'), ended]) as [unknown];
  expect(String(said).trimEnd()).toBe('ready');
  return {
    stop: async () => {
      child.stdin.end();
      return (await ended)[0];
    },
    kill: stopLast,
  };
}

/** The part of a text that is about a loop, by the words with which its lines begin. */
function loopOf(text: string, name: string): Record<string, string> {
  const part = text.split('\n\n').find((one) => one.startsWith(`${name}: `)) ?? '';
  const [head = '', ...rows] = part.replace(/\n {8,}/g, ' ').split('\n');
  return Object.fromEntries([['is', head.slice(name.length + 2)], ...rows.map((row) => /^ {2}(\w+(?: for| by)?) +(.*)$/.exec(row)?.slice(1) ?? [])]) as Record<string, string>;
}

test('each loop has its state, what it waits for, who woke it, and its longest call-back', async () => {
  const running = await start();
  const { code, stdout, stderr } = await wasmAio('top', '--once', socket);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^top\.wasm \(pid \d+\), watched for [\d.]+ m?s: 3 loops\.\n/);
  expect(loopOf(stdout, 'main')).toMatchObject({
    is: expect.stringMatching(/^asleep for /),
    'waits for': expect.stringMatching(/^1 request \(thread pool\), the oldest for .*; job runs in \S+ for .*; a timer in 59 min \d+ s; fd 0 \(\w+\)$/),
  });
  expect(loopOf(stdout, 'IO io0')).toMatchObject({
    is: expect.stringMatching(/^asleep for /), 'waits for': 'nothing but notifications of other threads',
    'woken by': expect.stringMatching(/^main [1-9]\d* times?$/), does: expect.stringMatching(/^iterations \d+\/s, call-backs \d+\/s; awake \d+%, polling \d+%, asleep \d+%$/),
  });
  // It slept for 20 ms.
  const [, longest] = /^be_slow \(bottom half\) ([\d.]+) ms$/.exec(loopOf(stdout, 'IO io0').longest ?? '') ?? [];
  expect(Number(longest)).toBeGreaterThanOrEqual(20);
  expect(loopOf(stdout, 'held')).toMatchObject({ is: expect.stringMatching(/^runs hold \(bottom half\) /), longest: expect.stringMatching(/^hold \(bottom half\) /) });

  // Where lines are narrow, it is the same in more of them.
  const narrow = (await spawned('env', ['COLUMNS=40', process.execPath, cli, 'top', '--once', socket])).stdout;
  expect(narrow.split('\n').filter((line) => line.length > 40)).toEqual([]);
  expect(narrow).toContain('\n  waits for\n      nothing but notifications');

  // Without --once it goes on, without a terminal in plain lines, until the program has ended.
  const shown = spawn(process.execPath, [cli, 'top', '--interval=0.01', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  shown.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    if (text.split('watched for').length === 4) void running.stop();
  });
  const [ended] = await once(shown, 'close') as [number | null];
  expect(ended).toBe(0);
  expect(text).toMatch(/\n\ntop\.wasm has ended\.\n$/);
  expect(text).not.toContain('\x1b');
  expect(await running.stop()).toBe(0);
  expect(existsSync(socket)).toBe(false);
});

/** What a terminal shows that has got this: of its sequences, those that top writes. */
function screenOf(written: string): string[] {
  const screen: string[] = [];
  let row = 0;
  let column = 0;
  for (const [part, sequence] of written.matchAll(/\x1b\[(\d*[A-Z])|\r|\n|[^\x1b\r\n]+/g)) {
    const line = screen[row] ?? '';
    if (sequence === '2J') screen.length = 0;
    else if (sequence === 'H') [row, column] = [0, 0];
    else if (sequence === 'K') screen[row] = line.slice(0, column);
    else if (sequence === 'J') screen.splice(row, Infinity, ...(column > 0 ? [line.slice(0, column)] : []));
    else if (sequence) throw new Error(`unknown: ${sequence}`);
    else if (part === '\r') column = 0;
    else if (part === '\n') row++;
    else {
      screen[row] = line.slice(0, column).padEnd(column) + part + line.slice(column + part.length);
      column += part.length;
    }
  }
  return Array.from(screen, (line) => line ?? '');
}

test('a terminal is redrawn in place, as much of it as there is room for, until the program has ended', async () => {
  // Which call-back is the longest after so short a time depends on how busy the machine is.
  for (const [rows, last] of [[60, /^ {2}longest +\w+ \(bottom half\) /], [12, /^\.\.\. and \d+ lines more: make the window taller$/]] as const) {
    const running = await start();
    // script(1) gives it a terminal.
    const command = `stty rows ${rows} cols 80; exec '${process.execPath}' '${cli}' top --interval=0.01 '${socket}'`;
    const shown = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TERM: 'xterm', NO_COLOR: '' } });
    const ended = once(shown, 'close');
    const frames: string[] = [];
    let text = '';
    // Each picture begins at the top and ends by clearing what is below it.
    shown.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      for (let end = text.indexOf('\x1b[J', frames.at(-1)?.length ?? 0); end >= 0; end = text.indexOf('\x1b[J', frames.at(-1)!.length)) frames.push(text.slice(0, end + 3));
      // It was redrawn: later pictures have later times.
      if (frames.length >= 3 && new Set(frames.map((frame) => screenOf(frame)[0])).size > 1) void running.stop();
    });
    await ended;
    expect(await running.stop()).toBe(0);
    for (const frame of frames.slice(0, 3)) {
      const screen = screenOf(frame);
      expect(screen[0]).toMatch(/^top\.wasm \(pid \d+\), watched for /);
      expect(screen.filter((line) => line.includes('watched for'))).toHaveLength(1);
      expect(screen.length).toBeLessThanOrEqual(rows - 3);
      expect(screen.at(-1)).toMatch(last);
    }
    expect(text.split('\x1b[2J')).toHaveLength(2);
    expect(screenOf(text).at(-1)).toBe('top.wasm has ended.');
  }
});

test('what a killed program has left is replaced; what another one uses is not, nor is a file', async () => {
  await (await start()).kill();
  expect(await wasmAio('top', socket)).toMatchObject({ code: 1, stdout: '', stderr: `wasm-aio: ${socket}: no program listens there, or not any more: start the program with wasm-aio run --top=${socket}\n` });
  const running = await start();
  expect(await wasmAio('run', `--top=${socket}`, program)).toMatchObject({ code: 1, stderr: `wasm-aio: --top=${socket}: another program listens there: choose another name\n` });
  expect(await wasmAio('top', '--once', socket)).toMatchObject({ code: 0 });
  expect(await running.stop()).toBe(0);
  expect(await wasmAio('top', socket)).toMatchObject({ code: 1, stdout: '', stderr: `wasm-aio: ${socket}: there is no such socket: start the program with wasm-aio run --top=${socket}\n` });
  writeFileSync(socket, 'kept');
  expect(await wasmAio('run', `--top=${socket}`, program)).toMatchObject({ code: 1, stderr: `wasm-aio: --top=${socket}: there is a file of that name, which is no socket: choose another name\n` });
  expect(existsSync(socket)).toBe(true);
});

test('a program without loops, and one that is none of ours', async () => {
  const path = join(dir.path, 'other');
  const plain = pathOf('build/plain/command.wasm');
  const { code, stderr } = await wasmAio('run', plain);
  expect(await wasmAio('run', `--top=${path}`, plain)).toMatchObject({ code, stderr: `${stderr}wasm-aio: --top: ${plain} has no loops, because aiocc has not built it: nothing was shown\n` });
  expect(await wasmAio('run', `--top=${path}`, `${plain}.no`)).toMatchObject({ code: 1 });
  expect(existsSync(path)).toBe(false);
  const server = createServer((peer) => peer.on('error', () => {}).end('HTTP/1.1 400 Bad Request\n')).listen(path);
  await once(server, 'listening');
  expect(await wasmAio('top', path)).toMatchObject({ code: 1, stdout: '', stderr: `wasm-aio: ${path}: what listens there is no program of wasm-aio run --top=${path}\n` });
  server.close();
  expect(await wasmAio('top')).toMatchObject({ code: 2, stderr: expect.stringMatching(/^wasm-aio: no socket is named; usage: wasm-aio top /) });
});
