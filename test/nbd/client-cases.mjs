// Our client, and servers that others have written.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Runtime } from '../../dist/index.js';
import { environment, makeImage, newPath, ok, random, seed } from './peers.mjs';

const MiB = 1024 ** 2;
const SIZE = 16 * MiB;
const BLOCK = 4096;
const IN_FLIGHT = 32;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a server and resolves when it listens at the socket. stop() ends it by a signal, and resolves when it has ended. */
async function listening(socket, command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment });
  running.add(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const closed = once(child, 'close').then(() => running.delete(child));
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}: ${said}`);
    await new Promise(setImmediate);
  }
  const stop = (signal = 'SIGTERM') => {
    child.kill(signal);
    return closed;
  };
  return { url: `nbd+unix:///?socket=${socket}`, stop };
}

function nbdkit(args, socket = newPath('nbdkit')) {
  return listening(socket, 'nbdkit', ['-f', '-U', socket, ...args]);
}

function qemuNbd(image, format, options = []) {
  const socket = newPath('qemu-nbd');
  return listening(socket, 'qemu-nbd', ['-t', '-e', '4', '-f', format, '-k', socket, ...options, image]);
}

/** Runs a case with the export open for writing. */
async function withFile(url, options, body) {
  const runtime = await Runtime.create();
  try {
    const io = await runtime.iothread('io');
    const file = await io.open(url, { write: true, ...options });
    assert.deepEqual([file.aio, file.size], ['nbd', SIZE]);
    await body(file);
    await file.close();
  } finally {
    await runtime.close();
  }
}

/** Random writes and reads in flight, of which each read has to find what was written; then a flush. Changes `expected` as the export. */
async function verify(file, expected, { rounds = 15, each = (request) => request(), begun = () => {} } = {}) {
  const next = random(seed);
  const part = SIZE / IN_FLIGHT;
  for (let round = 0; round < rounds; round++) {
    // Those that are in flight together do not overlap.
    const all = Array.from({ length: IN_FLIGHT }, async (_, n) => {
      const length = 1 + (next() % 65536);
      const offset = n * part + (next() % (part - length));
      const data = Uint8Array.from({ length }, () => next());
      expected.set(data, offset);
      await each(() => file.write(offset, data));
      assert.ok(Buffer.from(await each(() => file.read(offset, length))).equals(data), `${length} bytes at ${offset}`);
    });
    begun(round);
    await Promise.all(all);
  }
  await each(() => file.flush());
  assert.ok(Buffer.from(await each(() => file.read(0, SIZE))).equals(expected), 'all bytes');
}

async function extentsOf(file, offset, length) {
  const all = [];
  for await (const extent of file.blockStatus(offset, length)) all.push(extent);
  return all;
}

/** Zeros, FUA and trim at random, in flight together. Changes `expected` as the export. What was trimmed is written again, because nobody knows what it reads as. */
async function verifyRanges(file, expected, tells) {
  const next = random(seed);
  const part = SIZE / IN_FLIGHT;
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, n) => {
      const length = 1 + (next() % (part / 2));
      const offset = n * part + (next() % (part - length));
      const [mayUnmap, fua] = [next() % 2 === 0, next() % 2 === 0];
      if (next() % 3 === 0) await file.discard(offset, length);
      if (next() % 2 === 0) {
        expected.fill(0, offset, offset + length);
        await file.writeZeroes(offset, length, { mayUnmap, fua });
      } else {
        const data = Buffer.alloc(length, 1 + (next() % 255));
        expected.set(data, offset);
        await file.write(offset, data, { fua });
      }
    }));
  }
  assert.ok(Buffer.from(await file.read(0, SIZE)).equals(expected), 'all bytes');
  const extents = await extentsOf(file, 0, SIZE);
  assert.equal(extents.reduce((sum, { length }) => sum + length, 0), SIZE);
  let at = 0;
  for (const { offset, length, zero } of extents) {
    assert.equal(offset, at);
    at += length;
    if (zero) assert.ok(expected.subarray(offset, at).every((byte) => byte === 0), `${length} bytes at ${offset} are not zeros`);
  }
  if (!tells) assert.deepEqual(extents, [{ offset: 0, length: SIZE, zero: false, hole: false }]);
}

export const clientCases = {
  async 'our client and nbdkit memory, by one connection and by four'() {
    for (const connections of [1, 4]) {
      const server = await nbdkit(['memory', String(SIZE)]);
      await withFile(server.url, { connections }, (file) => verify(file, Buffer.alloc(SIZE)));
      await server.stop();
    }
  },

  async 'our client and nbdkit: zeros, trim, FUA and block status, and filters by which the server has none of them'() {
    const off = { none: [], nozero: ['--filter=nozero'], fua: ['--filter=fua'], noextents: ['--filter=noextents'] };
    off.all = Object.values(off).flat();
    for (const [name, filters] of Object.entries(off)) {
      const image = makeImage(SIZE);
      const expected = readFileSync(image);
      const log = newPath('log');
      const server = await nbdkit(['--filter=log', ...filters, 'file', image, `logfile=${log}`]);
      await withFile(server.url, { connections: 2 }, (file) => verifyRanges(file, expected, !filters.includes('--filter=noextents')));
      await server.stop();
      assert.ok(readFileSync(image).equals(expected), name);
      const text = readFileSync(log, 'utf8');
      assert.equal(/ Zero id=/.test(text), !filters.includes('--filter=nozero'), `${name}: zero`);
      assert.ok(/ Trim id=/.test(text), `${name}: trim`);
      assert.equal(/ Write id=.* fua=1/.test(text), !filters.includes('--filter=fua'), `${name}: FUA`);
      assert.equal(/ Extents id=/.test(text), !filters.includes('--filter=noextents'), `${name}: extents`);
    }
  },

  async 'our client and qemu-nbd on qcow2: holes are told, zeros and trim make them'() {
    const image = newPath('qcow2');
    await ok('qemu-img', ['create', '-q', '-f', 'qcow2', image, String(SIZE)]);
    const expected = Buffer.alloc(SIZE);
    const server = await qemuNbd(image, 'qcow2', ['--discard=unmap']);
    await withFile(server.url, {}, async (file) => {
      assert.deepEqual(await extentsOf(file, 0, SIZE), [{ offset: 0, length: SIZE, zero: true, hole: true }]);
      expected.fill(7, MiB, 3 * MiB);
      await file.write(MiB, expected.subarray(MiB, 3 * MiB), { fua: true });
      const written = [{ offset: 0, length: MiB, zero: true, hole: true }, { offset: MiB, length: 2 * MiB, zero: false, hole: false }, { offset: 3 * MiB, length: SIZE - 3 * MiB, zero: true, hole: true }];
      assert.deepEqual(await extentsOf(file, 0, SIZE), written);
      await file.discard(2 * MiB, MiB);
      assert.deepEqual((await extentsOf(file, 0, SIZE)).at(-1), { offset: 2 * MiB, length: SIZE - 2 * MiB, zero: true, hole: true });
      expected.fill(0, 2 * MiB, 3 * MiB);
      await verifyRanges(file, expected, true);
    });
    await server.stop();
    await ok('qemu-img', ['check', '-f', 'qcow2', image]);
    const after = newPath('raw');
    writeFileSync(after, expected);
    await ok('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', after, image]);
  },

  async 'our client and nbdkit file, with the delay filter, and with cow, which leaves the file alone'() {
    for (const filters of [[], ['--filter=delay', 'rdelay=2ms', 'wdelay=1ms'], ['--filter=cow']]) {
      const image = makeImage(SIZE);
      const before = readFileSync(image);
      const expected = Buffer.from(before);
      const [filter, ...parameters] = filters;
      const server = await nbdkit([...(filter ? [filter] : []), 'file', image, ...parameters]);
      await withFile(server.url, { connections: 2 }, (file) => verify(file, expected));
      await server.stop();
      assert.ok(readFileSync(image).equals(filter === '--filter=cow' ? before : expected), filters.join(' '));
    }
  },

  async 'our client and the error filter of nbdkit: each error arrives, and what succeeded is right'() {
    const image = makeImage(SIZE);
    const expected = readFileSync(image);
    const server = await nbdkit(['--filter=error', 'file', image, 'error=ENOSPC', 'error-pwrite-rate=20%', 'error-pread-rate=0%']);
    let failed = 0;
    const each = async (request) => {
      for (;;) {
        try {
          return await request();
        } catch (error) {
          assert.deepEqual([error.code, error.errno], ['ERR_AIO_IO', 'ENOSPC']);
          failed++;
        }
      }
    };
    await withFile(server.url, {}, (file) => verify(file, expected, { each }));
    await server.stop();
    assert.ok(failed > 0, 'no request has failed');
    assert.ok(readFileSync(image).equals(expected));
  },

  async 'our client and qemu-nbd on qcow2, whose image has no fault afterwards'() {
    const raw = makeImage(SIZE);
    const image = newPath('qcow2');
    await ok('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
    const expected = readFileSync(raw);
    const server = await qemuNbd(image, 'qcow2');
    await withFile(server.url, { connections: 4 }, (file) => verify(file, expected));
    await server.stop();
    await ok('qemu-img', ['check', '-f', 'qcow2', image]);
    const after = newPath('raw');
    writeFileSync(after, expected);
    await ok('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', after, image]);
  },

  async 'our client: the server is killed five times in flight, and comes back; no request fails, and no byte is lost'() {
    const image = makeImage(SIZE);
    const expected = readFileSync(image);
    const socket = newPath('killed');
    let server = await nbdkit(['file', image], socket);
    let restarts = Promise.resolve();
    let kills = 0;
    const begun = (round) => {
      if (round % 3 !== 1) return;
      restarts = restarts.then(async () => {
        await server.stop('SIGKILL');
        kills++;
        await ok('rm', ['-f', socket]);
        server = await nbdkit(['file', image], socket);
      });
    };
    await withFile(server.url, { connections: 2, reconnectDelay: 60_000 }, (file) => verify(file, expected, { begun }));
    await restarts;
    await server.stop();
    assert.equal(kills, 5);
    assert.ok(readFileSync(image).equals(expected));
  },

  async 'our client: the server is killed and does not come back; every request ends by an error'() {
    const server = await nbdkit(['--filter=delay', 'memory', String(SIZE), 'rdelay=3600', 'wdelay=3600']);
    await withFile(server.url, { reconnectDelay: 500 }, async (file) => {
      const all = Array.from({ length: IN_FLIGHT }, (_, n) => (n % 2 ? file.read(n * BLOCK, BLOCK) : file.write(n * BLOCK, new Uint8Array(BLOCK))));
      const ended = Promise.allSettled(all);
      await server.stop('SIGKILL');
      for (const { status, reason } of await ended) assert.deepEqual([status, reason?.code], ['rejected', 'ERR_AIO_IO']);
    });
  },
};
