// The programs of the rig in a page of Chromium, with directories in memory.
import { fileURLToPath } from 'node:url';
import { Browser, serveStatic } from '../package/pages.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));

/** Topics that need what pages do not have. */
export const NOT_IN_PAGES = {
  'sockets': 'there is no network in pages',
  'socket-options': 'there is no network in pages',
  'many-sockets': 'there is no network in pages',
};

/** Runs in the page. Resolves with {out, err, end}: what the program has printed, a character for each byte, and how it ended. */
async function runThere([module, timeout]) {
  const { WasiHost } = await import('/dist/wasi-browser.js');
  const texts = { out: '', err: '' };
  const into = (name) => new WritableStream({
    write(bytes) {
      for (let at = 0; at < bytes.length; at += 4096) texts[name] += String.fromCharCode(...bytes.subarray(at, at + 4096));
    },
  });
  const host = await WasiHost.create({
    module: new URL(module, location.href), args: [module, '/case'], dirs: { '/case': 'mem', '/tmp': 'mem' },
    stdin: '', stdout: into('out'), stderr: into('err'), timeout,
  });
  try {
    return { ...texts, end: await host.run(), ...texts };
  } catch (error) {
    return { ...texts, end: error.message };
  } finally {
    await host.close();
  }
}

/** Opens a page. Resolves with {run(topic, timeout), close}; undefined if there is no Chromium. */
export async function openPage() {
  if (!Browser.isThere) return undefined;
  const server = await serveStatic(top, undefined, (path) => (path === '/' ? { body: '<!doctype html><title>posix</title>', headers: { 'Content-Type': 'text/html' } } : undefined));
  const browser = new Browser();
  return {
    run: (topic, timeout) => browser.page(async (page) => {
      await page.goto(server.address);
      return page.evaluate(runThere, [`/build/posix/${topic}.wasm`, timeout]);
    }),
    async close() {
      await browser.close();
      server.close();
    },
  };
}
