// SPDX-License-Identifier: MIT
/** WASI guests in a page: their threads are its workers, their streams WHATWG's. */
import { beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { inChromium } from './helpers/chromium.js';
import { libraryPage } from './helpers/library-page.js';
import { pathOf } from './helpers/paths.js';
import { filterGuest, pollGuest } from './helpers/wasi-streams.js';

inChromium(() => {
  const started = libraryPage();
  const { problems } = started;
  let page: Page;
  beforeAll(() => void ({ page } = started));

  /** Runs one of those functions there, on a module that was built here. */
  const there = (run: unknown, module: string, ...rest: unknown[]): Promise<unknown> =>
    page.evaluate(
      `(async () => {
        const bytes = Uint8Array.from(atob(${JSON.stringify(readFileSync(pathOf(module)).toString('base64'))}), (c) => c.charCodeAt(0));
        return (${String(run)})(await import('/dist/wasi.js'), bytes, ...${JSON.stringify(rest)});
      })()`,
    );

  test('poll_oneoff on streams that change while the guest sleeps', async () => {
    expect(await there(pollGuest, 'build/plain/poll.wasm')).toBe(0);
  });

  test('the filter on WHATWG streams: all of it', async () => {
    const { ahead, ...rest } = (await there(filterGuest, 'build/examples/rot13.wasm', 16)) as { ahead: number };
    expect(rest).toEqual({ code: 0, wrong: 0, length: 16 << 20 });
    expect(ahead).toBeLessThan(2 << 20);
  });

  test('there is no network: connect is ENETUNREACH, and a server gets no address', async () => {
    const run = `async ({ WasiHost }, module, args) => {
      let text = '';
      const stderr = new WritableStream({ write: (bytes) => void (text += new TextDecoder().decode(bytes)) });
      const host = await WasiHost.create({ module, args, stderr });
      try { return [await host.run(), text]; } finally { await host.close(); }
    }`;
    expect(await there(run, 'build/fixtures/tcp.wasm', ['tcp', 'connect', '127.0.0.1', '9'])).toEqual([1, 'connect: Network unreachable\n']);
    expect(await there(run, 'build/fixtures/tcp.wasm', ['tcp', 'serve', '1'])).toEqual([1, 'listen: Address not available\n']);
  });

  test('files by libc, in a directory in memory', async () => {
    const run = `async ({ WasiHost }, module) => {
      const output = [];
      const stdout = new WritableStream({ write: (bytes) => void output.push(new TextDecoder().decode(bytes)) });
      const host = await WasiHost.create({ module, dirs: { '/': 'mem' }, env: { WHO: 'me' }, stdout });
      try { return [await host.run(), output.join('')]; } catch (error) { return error.code + ' ' + error.message; } finally { await host.close(); }
    }`;
    expect(await there(run, 'build/fixtures/libc-files.wasm')).toEqual([0, 'all right\n']);
  });

  test('a directory of the origin keeps its files when the page is loaded anew', async () => {
    const run = `async ({ WasiHost }, module, args) => {
      const text = [];
      const into = () => new WritableStream({ write: (bytes) => void text.push(new TextDecoder().decode(bytes)) });
      const host = await WasiHost.create({ module, args, dirs: { '/d': { opfs: 'kept/here' } }, stdout: into(), stderr: into() });
      try { return [await host.run(), text.join('')]; } catch (error) { return error.message + text.join(''); } finally { await host.close(); }
    }`;
    const module = 'build/conformance/directories.module.wasm';
    expect(await there(run, module, ['directories'])).toEqual([0, 'all right\n']);
    await page.reload();
    expect(await there(run, module, ['directories', 'again'])).toEqual([0, 'all right\n']);
    // A file that the page has open itself.
    await page.evaluate(`(async () => {
      let directory = await navigator.storage.getDirectory();
      for (const name of ['kept', 'here', 'kept']) directory = await directory.getDirectoryHandle(name);
      globalThis.writable = await (await directory.getFileHandle('file')).createWritable({ mode: 'exclusive' });
    })()`);
    expect(await there(run, module, ['directories', 'again'])).toMatch(/Assertion failed.*holds/);
    await page.evaluate('writable.close()');
  });

  test('wasi-threads, and a trap with its stack', async () => {
    const run = `async ({ WasiHost }, module, what) => {
      const host = await WasiHost.create({ module, args: ['p', what] });
      try { return await host.run(); } catch (error) { return error.code + ' ' + error.message; } finally { await host.close(); }
    }`;
    expect(await there(run, 'build/plain/threads.wasm', 'join')).toBe(0);
    expect(await there(run, 'build/plain/threads.wasm', 'exit')).toBe(42);
    expect(await there(run, 'build/plain/command.wasm', 'trap')).toMatch(/^ERR_AIO_PANIC .*unreachable.*trap_here < _start/);
    const dirs = `async ({ WasiHost }, module) => WasiHost.create({ module, dirs: { '/': '/' } }).catch((error) => error.code)`;
    expect(await there(dirs, 'build/plain/command.wasm')).toBe('ERR_AIO_UNSUPPORTED');
    expect(problems).toEqual([]);
  });
});
