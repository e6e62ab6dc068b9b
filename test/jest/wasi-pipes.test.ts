// SPDX-License-Identifier: MIT
/** Standard input and output that are pipes of the system, as between the commands of a shell. */
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import type * as rings from '../../dist/wasi/ring.js';
import type * as sharing from '../../dist/wasi/shared.js';
import { spawned } from './helpers/child.js';
import { cli, dist, pathOf } from './helpers/paths.js';
import { seeded } from './helpers/random.js';

const { random } = seeded();
const command = pathOf('build/plain/command.wasm');

/** Bytes that depend on a seed; both the producer and the test make them. */
const bytesOf = `(seed, size) => {
  const bytes = Buffer.alloc(size);
  for (let i = 0, x = seed | 1; i < size; i++) {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    bytes[i] = x;
  }
  return bytes;
}`;

/** Writes them in pieces of up to \`most\` bytes; it waits for some of them to be taken, and goes on at once after others. */
const producer = (seed: number, size: number, most: number): string => `
  const bytes = (${bytesOf})(${seed}, ${size});
  (async () => {
    for (let at = 0, n = ${seed} | 1; at < bytes.length;) {
      n = (Math.imul(n, 1664525) + 1013904223) >>> 0;
      const piece = bytes.subarray(at, at += 1 + n % ${most});
      if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
      if (n % 7 === 0) await new Promise(setImmediate);
    }
  })();`;

/** Prints the hash of its input, of which it reads now and then a piece. */
const consumer = `
  const hash = require('node:crypto').createHash('sha256');
  process.stdin.on('data', (piece) => {
    hash.update(piece);
    if (piece.length % 3 === 0) { process.stdin.pause(); setImmediate(() => process.stdin.resume()); }
  }).on('end', () => console.log(hash.digest('hex')));`;

test.each([[1 << 23, 200_000], [100_000, 50]])('%d bytes in pieces of up to %d arrive as they were sent', async (size, most) => {
  const seed = Math.floor(random() * 2 ** 31);
  const script = '"$1" -e "$2" | "$1" "$3" run "$4" cat | "$1" -e "$5"';
  const { stdout, stderr } = await spawned('sh', ['-c', script, 'sh', process.execPath, producer(seed, size, most), cli, command, consumer]);
  const bytes = (new Function(`return ${bytesOf}`)() as (seed: number, size: number) => Buffer)(seed, size);
  expect(stdout).toBe(`${createHash('sha256').update(bytes).digest('hex')}\n`);
  expect(stderr).toBe('');
}, 120_000);

test('a pipe whose reader has gone is EPIPE for the guest', async () => {
  // The command ends with 9 if a write fails.
  const script = '{ "$1" -e "for (let i = 0; i < 100; i++) process.stdout.write(Buffer.alloc(65536))"; } | { "$1" "$2" run "$3" cat; echo "$?" >&2; } | head -c 10';
  const { stderr } = await spawned('sh', ['-c', script, 'sh', process.execPath, cli, command]);
  expect(stderr).toContain('9\n');
}, 120_000);

test('a guest reads a pipe itself only while the owner has none of its bytes; who asks meanwhile is served afterwards', async () => {
  const { OwnerEnd, Ring } = await import(dist('wasi/ring.js')) as typeof rings;
  const { Shared } = await import(dist('wasi/shared.js')) as typeof sharing;
  const shared = Shared.create(true);
  const ring = Ring.allocate(shared, false, OwnerEnd.writer) as rings.Ring;
  const attention = (): boolean => shared.takeAttention().includes(ring.index);

  expect(ring.beginBypass()).toBe(false);          // before the owner has said so
  ring.demand();
  expect(ring.takeDemand()).toBe(true);
  expect(ring.beginBypass()).toBe(false);          // the owner reads
  ring.write(new Uint8Array(3));
  ring.metDemand(true);
  expect(ring.beginBypass()).toBe(false);          // what is in the ring goes first
  ring.read(new Uint8Array(3));
  attention();

  expect(ring.beginBypass()).toBe(true);
  expect(ring.beginBypass()).toBe(false);          // one at a time
  ring.endBypass();
  expect([attention(), ring.takeDemand()]).toEqual([false, false]);

  expect(ring.beginBypass()).toBe(true);
  ring.demand();
  expect([attention(), ring.takeDemand()]).toEqual([false, false]);    // not before the thread has finished
  ring.endBypass();
  expect([attention(), ring.takeDemand()]).toEqual([true, true]);

  ring.metDemand(false);
  expect(ring.beginBypass()).toBe(false);          // the owner has read more than it has passed on
});
