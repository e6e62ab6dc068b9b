// SPDX-License-Identifier: MIT
/** io.open('nbd+ws://…') in a page: the WebSocket belongs to the IOThread's worker. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chromium, type Browser, type Page } from 'playwright-core';
import { executablePath, inChromium } from './helpers/chromium.js';
import { openLibraryPage } from './helpers/library-page.js';
import { NbdPeer } from './helpers/nbd-peer.js';
import { cli } from './helpers/paths.js';
import { webSockets } from './helpers/web-socket.js';

const SIZE = 3_000_000;

inChromium(() => {
  let server: ChildProcess;
  let browser: Browser;
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
    server = spawn(process.execPath, [cli, 'serve', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const address = await new Promise<string>((resolve) => {
      server.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const [found] = /http:\S+/.exec(text) ?? [];
        if (found) resolve(found);
      });
    });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'] });
    page = await browser.newPage();
    await openLibraryPage(page, address);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
    peer?.drop();
    await sockets?.close();
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

  test('TCP is refused, and so is a WebSocket to nobody', async () => {
    const messages = await there(`
      const why = async (url) => io.open(url).then(() => 'opened', ({ code, message }) => code + ' ' + message);
      return [await why('nbd://127.0.0.1/'), await why('nbd+ws://127.0.0.1:9/')];
    `) as string[];
    expect(messages[0]).toMatch(/^ERR_AIO_UNSUPPORTED .*nbd\+ws/);
    expect(messages[1]).toMatch(/^ERR_AIO_IO .*no WebSocket could be opened to ws:/);
  });
});
