// SPDX-License-Identifier: MIT
/** io.open('nbd+ws://…') in a page: the WebSocket belongs to the IOThread's worker. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { scratch } from './helpers/child.js';
import { inChromium } from './helpers/chromium.js';
import { libraryPage } from './helpers/library-page.js';
import { NbdPeer } from './helpers/nbd-peer.js';
import { cli } from './helpers/paths.js';
import { webSockets } from './helpers/web-socket.js';

const SIZE = 3_000_000;

inChromium(() => {
  const dir = scratch();
  const started = libraryPage();
  let page: Page;
  let peer: NbdPeer;
  let sockets: Awaited<ReturnType<typeof webSockets>>;
  const urls: string[] = [];

  beforeAll(async () => {
    peer = new NbdPeer(Buffer.from(new Uint8Array(SIZE).map((_, at) => (at * 7 + (at >> 8)) & 0xff)));
    sockets = await webSockets((stream, url) => {
      urls.push(url);
      peer.attach(stream);
    });
    ({ page } = started);
  });
  afterAll(async () => {
    peer?.drop();
    await sockets?.close();
    dir.remove();
  });

  const there = (work: string): Promise<unknown> => page.evaluate(`(async () => {
    const { Runtime } = await import('/dist/browser.js');
    const runtime = await Runtime.create();
    try {
      const io = await runtime.iothread('io0');
      ${work}
    } finally {
      await runtime.close();
    }
  })()`);

  test('it reads, writes and flushes, and comes back after a loss', async () => {
    await page.exposeFunction('drop', () => peer.drop());
    const result = await there(`
      const file = await io.open('nbd+ws://127.0.0.1:${sockets.port}/disk', { write: true, reconnectDelay: 60000 });
      const all = await file.read(0, file.size);
      const wrong = all.findIndex((byte, at) => byte !== ((at * 7 + (at >> 8)) & 0xff));
      await Promise.all(Array.from({ length: 20 }, (_, n) => file.write(n * 100_000, new Uint8Array(50_000).fill(n))));
      await file.flush();
      await drop();
      const again = await file.read(1_900_000, 50_000);
      const { requests } = await io.engineStats('nbd');
      await file.close();
      return { size: file.size, wrong, again: again.every((byte) => byte === 19), requests };
    `);
    expect(result).toEqual({ size: SIZE, wrong: -1, again: true, requests: 23 });
    expect(urls).toEqual(['/disk', '/disk']);
    expect(peer.flushes).toBe(1);
    for (let n = 0; n < 20; n++) expect(peer.disk.subarray(n * 100_000, n * 100_000 + 50_000).every((byte) => byte === n)).toBe(true);
  });

  test('wasm-aio nbd-serve --ws: random requests in flight, and the file afterwards', async () => {
    const disk = join(dir.path, 'disk.img');
    writeFileSync(disk, peer.disk);
    const child = spawn(process.execPath, [cli, 'nbd-serve', '--ws', '--bind=127.0.0.1:0', '--export=disk', '--aio=native', disk], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      const [url = ''] = String(said).split(' ');
      const seed = Date.now() % 2 ** 31;
      const result = await there(`
        const file = await io.open('${url}', { write: true, connections: 2 });
        const expected = await file.read(0, file.size);
        let state = ${seed};
        const next = (limit) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % limit;
        const part = file.size / 30;
        let wrong = 0;
        for (let round = 0; round < 5; round++) {
          await Promise.all(Array.from({ length: 30 }, async (_, n) => {
            const length = 1 + next(70_000);
            const offset = n * part + next(part - length);
            const data = new Uint8Array(length).fill(next(256));
            expected.set(data, offset);
            await file.write(offset, data);
            if (!(await file.read(offset, length)).every((byte, at) => byte === data[at])) wrong++;
          }));
        }
        await file.flush();
        const all = await file.read(0, file.size);
        await file.close();
        const hash = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', expected)));
        return { size: file.size, wrong, isSame: all.every((byte, at) => byte === expected[at]), hash };
      `);
      const hash = [...createHash('sha256').update(readFileSync(disk)).digest()];
      expect({ seed, ...(result as object) }).toEqual({ seed, size: SIZE, wrong: 0, isSame: true, hash });
      child.kill();
      expect((await once(child, 'close'))[0]).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('TCP is refused, and so is a WebSocket to nobody', async () => {
    const messages = await there(`
      const why = async (url) => io.open(url).then(() => 'opened', ({ code, message }) => code + ' ' + message);
      return [await why('nbd://127.0.0.1/'), await why('nbd+ws://127.0.0.1:9/')];
    `) as string[];
    expect(messages[0]).toMatch(/^ERR_AIO_UNSUPPORTED .*nbd\+ws/);
    expect(messages[1]).toMatch(/^ERR_AIO_IO .*no WebSocket could be opened to ws:/);
  });
});
