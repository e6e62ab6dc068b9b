// SPDX-License-Identifier: MIT
/** Hosts whose files belong to the worker that opened them (OPFS, Deno), on Node's files. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { ownerHost } from './helpers/workers.js';

const host = ownerHost as { filesAreOwned: boolean };
const dir = scratch();

beforeAll(() => void (host.filesAreOwned = true));
afterAll(() => {
  host.filesAreOwned = false;
  dir.remove();
});

test('a file is opened although the request arrives before its worker has a role', async () => {
  const path = join(dir.path, 'file');
  writeFileSync(path, 'content');
  // Nothing is kept ready: the worker that opens files is started by the request, which it receives
  // while it still loads the module.
  const aio = await Runtime.create({ reserve: 0 });
  const io = await aio.iothread('io');
  const file = await io.open(path);
  expect(new TextDecoder().decode(await file.read(0, 7))).toBe('content');
  await file.close();
  await aio.close();
});
