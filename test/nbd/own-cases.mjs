// Our client and our server, each in its own process.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Runtime } from '../../dist/index.js';
import { makeImage, random, seed, serve } from './peers.mjs';

export const ownCases = {
  async 'our client and our server: random writes and reads in flight, and a flush'() {
    const size = 16 * 1024 ** 2;
    const image = makeImage(size);
    const expected = readFileSync(image);
    const server = await serve(image, '--aio=native');
    const runtime = await Runtime.create();
    const io = await runtime.iothread('io');
    const file = await io.open(server.url, { write: true });
    assert.deepEqual([file.aio, file.size], ['nbd', size]);
    const next = random(seed);
    const part = size / 32;
    for (let round = 0; round < 20; round++) {
      // Those that are in flight together do not overlap.
      await Promise.all(Array.from({ length: 32 }, async (_, n) => {
        const length = 1 + (next() % 65536);
        const offset = n * part + (next() % (part - length));
        const data = Uint8Array.from({ length }, () => next());
        expected.set(data, offset);
        await file.write(offset, data);
        assert.ok(Buffer.from(await file.read(offset, length)).equals(data), `${length} bytes at ${offset}`);
      }));
    }
    await file.flush();
    assert.ok(readFileSync(image).equals(expected));
    await file.close();
    await runtime.close();
    assert.deepEqual([await server.stop(), server.said()], [0, '']);
  },
};
