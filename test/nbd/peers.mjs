// What the tests with real peers share: programs that run, images, and our server.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(top, 'dist', 'cli', 'main.js');
/** So long, in ms, a program may take that is known to end. */
const PATIENCE_MS = 300_000;

/** What happens by chance follows from this number, which is printed. */
export const seed = Number(process.env.SEED || (Date.now() % 2 ** 31));

/** Numbers from 0 to below 2 ** 32, always the same for a seed. */
export function random(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The environment of the programs. nbdsh begins with the first python3, which has to be the system's. */
export const environment = { ...process.env, PATH: `/usr/bin:${process.env.PATH}` };

/** A folder that is removed at the end. */
export const dir = mkdtempSync('/tmp/nbd-');
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

let files = 0;
export const newPath = (name = 'file') => join(dir, `${name}-${files++}`);

/** Makes an image of random bytes, in which some parts are zeros. */
export function makeImage(size, start = seed) {
  const next = random(start);
  const words = Uint32Array.from({ length: size / 4 }, (_, n) => ((n >> 14) % 5 === 3 ? 0 : next()));
  const path = newPath('image');
  writeFileSync(path, words);
  return path;
}

export async function sumOf(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Runs a program to its end: {code, out}, where `out` is all that it has printed. What hangs is killed, and code is null. */
export async function run(command, args, { input = '', env = {} } = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...environment, ...env } });
  child.stdin.on('error', () => {}).end(input);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, out };
}

/** As run(), but throws unless the exit code is 0. Returns what was printed. */
export async function ok(command, args, options) {
  const { code, out } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}\nended with ${code}:\n${out}`);
  return out;
}

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts our server. Its `url` is for libnbd and QEMU; its process ends by stop(signal), which resolves with the exit code. */
export async function serve(image, ...args) {
  const socket = newPath('socket');
  const isTcp = args.some((arg) => arg.startsWith('--bind'));
  const child = spawn(process.execPath, [cli, 'nbd-serve', ...(isTcp ? [] : [`--unix=${socket}`]), ...args, image], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const closed = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code;
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const [line] = await Promise.race([once(child.stdout, 'data'), closed.then((code) => { throw new Error(`nbd-serve ended with ${code}: ${said}`); })]);
  const stop = (signal = 'SIGTERM') => {
    child.kill(signal);
    return closed;
  };
  return { url: String(line).split(' ')[0], socket, pid: child.pid, said: () => said, closed, stop };
}
