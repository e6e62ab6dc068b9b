// SPDX-License-Identifier: MIT
/** wasm-aio/socket in a page: a WebSocket that belongs to an IOThread's worker. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Duplex } from 'node:stream';
import type { Page } from 'playwright-core';
import { inChromium } from './helpers/chromium.js';
import { libraryPage } from './helpers/library-page.js';
import { webSockets } from './helpers/web-socket.js';

const MIB = 1024 ** 2;
const LENGTH = 3_000_000;

/** The code of an IOThread that has sockets. */
const worker = `
import { serve } from '/dist/iothread-browser.js';
import { connect, listen } from '/dist/socket-browser.js';
const failure = (work) => work.then(() => 'none', ({ code, errno, message }) => [code, errno, message].join(' '));
serve((context) => {
  let socket;
  return {
    failure: (address, options) => failure(connect(context, address, options)),
    listenFailure: (address) => failure(listen(context, address)),
    async connect(url) {
      socket = await connect(context, { url });
    },
    async exchange(length) {
      const sending = socket.writeAll(Uint8Array.from({ length }, (_, n) => (n * 31 + (n >> 8)) & 255));
      let at = 0;
      let wrong = 0;
      for await (const bytes of socket) {
        for (const byte of bytes) {
          wrong += Number(byte !== ((at * 31 + (at >> 8)) & 255));
          at++;
        }
        if (at >= length) break;
      }
      await sending;
      return { at, wrong };
    },
    // By call-backs of the loop alone.
    echoInLoop: (length) => new Promise((resolve) => {
      let got = 0;
      let sent = 0;
      const more = () => {
        while (sent < length) {
          const taken = socket.write(new Uint8Array(Math.min(50_000, length - sent)).fill(7));
          sent += taken;
          if (taken === 0) return;
        }
      };
      const writable = socket.onWritable(more);
      const readable = socket.onReadable(() => {
        for (const byte of socket.read()) got += Number(byte === 7);
        if (got < length) return;
        readable.close();
        writable.close();
        resolve(got);
      });
      more();
    }),
    // Reads nothing before there are so many bytes; then all, and what comes after them.
    async readLate(length) {
      let most = 0;
      while (most < length) {
        await new Promise((resolve) => setTimeout(resolve));
        most = Math.max(most, socket.length);
      }
      const read = socket.read().length;
      const after = await failure(socket.values().next());
      const write = await failure((async () => socket.write(new Uint8Array(1)))());
      await socket.close();
      return { isAll: read === most, most, after, write };
    },
    rest: async () => {
      let text = '';
      for await (const bytes of socket) text += new TextDecoder().decode(bytes);
      return { text, ended: socket.ended };
    },
    close: () => socket.close(),
  };
});
`;

inChromium(() => {
  const started = libraryPage();
  let page: Page;
  let sockets: Awaited<ReturnType<typeof webSockets>>;
  /** What a connection gets, by its path. */
  const paths: Record<string, (stream: Duplex) => unknown> = {
    '/echo': (stream) => stream.on('data', (bytes) => stream.write(bytes)),
    // Twice what may wait to be read.
    '/flood': (stream) => stream.write(Buffer.alloc(32 * MIB)),
    '/lost': (stream) => stream.write('last words', () => stream.destroy()),
  };

  beforeAll(async () => {
    sockets = await webSockets((stream, url) => void paths[url]?.(stream.on('error', () => {})));
    ({ page } = started);
    await page.route(`${started.address}sockets.js`, (route) => route.fulfill({
      contentType: 'text/javascript', headers: { 'Cross-Origin-Embedder-Policy': 'require-corp' }, body: worker,
    }));
  });
  afterAll(() => sockets?.close());

  /** Runs work in the page, which has `remote`, the code of an IOThread. */
  const there = (work: string): Promise<unknown> => page.evaluate(`(async () => {
    const { Runtime } = await import('/dist/browser.js');
    const runtime = await Runtime.create();
    try {
      const io = await runtime.iothread('sockets', { module: new URL('/sockets.js', location.href) });
      const { remote } = io;
      const url = (path) => 'ws://127.0.0.1:${sockets.port}' + path;
      ${work}
    } finally {
      await runtime.close();
    }
  })()`);

  test('an IOThread sends and receives, by promises and by call-backs of its loop', async () => {
    expect(await there(`
      await remote.connect(url('/echo'));
      const first = await remote.exchange(${LENGTH});
      const second = await remote.echoInLoop(${LENGTH});
      await remote.close();
      return [first, second];
    `)).toEqual([{ at: LENGTH, wrong: 0 }, LENGTH]);
  });

  test('a peer that sends more than is read ends with ENOBUFS, after what had arrived was read', async () => {
    const result = await there(`
      await remote.connect(url('/flood'));
      return await remote.readLate(${16 * MIB + 1});
    `);
    const lost = expect.stringMatching(/^ERR_AIO_IO ENOBUFS .* bytes wait to be read, and the peer of a WebSocket cannot be made to wait$/);
    expect(result).toEqual({ isAll: true, most: expect.any(Number), after: lost, write: lost });
    expect((result as { most: number }).most).toBeLessThanOrEqual(32 * MIB);
  });

  test('a connection that is lost: what had arrived is read, then ECONNRESET', async () => {
    expect(await there(`
      await remote.connect(url('/lost'));
      return await remote.rest().then(() => 'ended', ({ code, errno }) => code + ' ' + errno);
    `)).toBe('ERR_AIO_IO ECONNRESET');
  });

  test('TCP, Unix sockets, listeners and options of TLS are refused, and so is a WebSocket to nobody', async () => {
    expect(await there(`
      return [
        await remote.failure({ port: 80 }), await remote.failure({ path: '/tmp/socket' }), await remote.failure({ port: 443 }, { tls: {} }),
        await remote.listenFailure({ port: 0 }), await remote.listenFailure({ path: 'socket' }), await remote.listenFailure({ url: url('/') }),
        await remote.failure({ url: url('/').replace('ws:', 'wss:') }, { tls: {} }), await remote.failure({ url: 'ws://127.0.0.1:9/' }),
      ];
    `)).toEqual([
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^ERR_AIO_UNSUPPORTED  .*a page has neither TCP nor Unix sockets: connect to \{ url \}/)),
      ...Array.from({ length: 2 }, () => expect.stringMatching(/^ERR_AIO_UNSUPPORTED  .*a page cannot listen/)),
      expect.stringMatching(/^ERR_AIO_UNSUPPORTED  .*only connect\(\) speaks WebSocket/),
      expect.stringMatching(/^ERR_AIO_INVALID_ARG  .*secured by its own TLS/),
      expect.stringMatching(/^ERR_AIO_IO ECONNREFUSED .*no WebSocket could be opened to ws:/),
    ]);
  });
});
