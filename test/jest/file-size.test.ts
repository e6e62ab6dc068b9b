// SPDX-License-Identifier: MIT
/** stat() and truncate() of a file, where its thread is the owner and where it is a worker. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { ownerHost } from './helpers/workers.js';

const dir = scratch(true);
afterAll(() => dir.remove());

describe.each([['the owner', false], ['a worker', true]])('opened by %s', (_, owned) => {
  const host = ownerHost as { filesAreOwned: boolean };
  let runtime: Runtime;
  let io: IOThread;
  const path = join(dir.path, `file-${owned}`);
  beforeAll(async () => {
    host.filesAreOwned = owned;
    runtime = await Runtime.create({ reserve: 0 });
    io = await runtime.iothread('io');
  });
  afterAll(async () => {
    await runtime.close();
    host.filesAreOwned = false;
  });

  test('the size and the time of the last change', async () => {
    writeFileSync(path, 'content');
    const file = await io.open(path, { write: true });
    expect(await file.stat()).toEqual({ size: 7, mtimeMs: statSync(path).mtimeMs });
    writeFileSync(path, 'longer content');
    expect(file.size).toBe(7);
    expect((await file.stat()).size).toBe(14);
    expect(file.size).toBe(14);
    await file.close();
    expect((await failure(file.stat(), 'ERR_AIO_CLOSED')).message).toContain(path);
  });

  test('cut off and grown', async () => {
    writeFileSync(path, 'content');
    const file = await io.open(path, { write: true });
    await file.truncate(4n);
    expect([readFileSync(path, 'latin1'), file.size]).toEqual(['cont', 4]);
    await file.truncate(6);
    expect([readFileSync(path, 'latin1'), file.size]).toEqual(['cont\0\0', 6]);
    await file.truncate(5 * 2 ** 30);
    expect(await file.stat()).toMatchObject({ size: 5 * 2 ** 30 });
    await file.truncate(0);
    await file.close();
    expect(readFileSync(path, 'latin1')).toBe('');
  });

  test('refused: a wrong size, a signal, a file that is open for reading', async () => {
    writeFileSync(path, 'content');
    const file = await io.open(path);
    await failure(file.truncate(-1), 'ERR_AIO_INVALID_ARG');
    await failure(file.truncate('1' as never), 'ERR_AIO_INVALID_ARG');
    expect((await failure(file.truncate(1), 'ERR_AIO_IO')).errno).toBe('EBADF');
    await expect(file.stat({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
    expect(readFileSync(path, 'latin1')).toBe('content');
    await file.close();
  });

  test('close() waits for what was begun', async () => {
    writeFileSync(path, 'content');
    const file = await io.open(path);
    const begun = file.stat();
    await file.close();
    expect((await begun).size).toBe(7);
  });
});
