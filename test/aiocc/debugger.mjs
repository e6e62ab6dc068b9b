// Tests of `aiocc -g` with a debugger: a breakpoint in a C file is hit, in Node and in Chromium. What is sent is what the front ends of
// debuggers send, which read the source map and tell V8 offsets in the module.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Browser, serveStatic } from '../package/pages.mjs';
import { execute, Skipped, top } from './room.mjs';

const PROGRAM = `#include <pthread.h>
static volatile int n;
static int __attribute__((noinline)) step(int by)
{
    n += by; /* here */
    return n;
}
static void *work(void *opaque)
{
    for (;;) {
        step(2); /* in the thread */
    }
    return opaque;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return 0;
}
`;
const lineOf = (mark) => PROGRAM.split('\n').findIndex((line) => line.includes(mark)) + 1;

/**
 * Resolves with the stack, as [function, line] each, with which a worker stops at a line of main.c. connect(received) returns send(worker,
 * message); received(worker, message) is called for what workers send. A worker is announced by a message {method: 'attached'}.
 */
const breakAt = (connect, line) => new Promise((resolve, reject) => {
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  /** The entries of a source map for main.c: [{offset, line}], by their offsets. */
  const decode = ({ sources, mappings }) => {
    const wanted = sources.findIndex((source) => source.endsWith('/main.c'));
    const at = [0, 0, 0];
    return mappings.split(',').map((segment) => {
      const numbers = [];
      let [value, shift] = [0, 0];
      for (const letter of segment) {
        const digit = DIGITS.indexOf(letter);
        value += (digit & 31) << shift;
        shift = digit & 32 ? shift + 5 : 0;
        if (digit & 32) continue;
        numbers.push(value & 1 ? -(value >> 1) : value >> 1);
        value = 0;
      }
      for (const n of [0, 1, 2]) at[n] += numbers[n] ?? 0;
      return { offset: at[0], line: numbers.length > 1 && at[1] === wanted ? at[2] + 1 : undefined };
    });
  };
  let entries;
  let asked;
  const send = connect((worker, { id, method, params, result, error }) => {
    if (error) return reject(new Error(error.message));
    if (method === 'attached') {
      send(worker, { id: 1, method: 'Debugger.enable' });
    } else if (method === 'Debugger.scriptParsed' && params.scriptLanguage === 'WebAssembly' && /^data:.*base64,/.test(params.sourceMapURL)) {
      entries = decode(JSON.parse(atob(params.sourceMapURL.split(',')[1])));
      asked = entries.find((entry) => entry.line === line).offset;
      send(worker, { id: 2, method: 'Debugger.setBreakpointByUrl', params: { url: params.url, lineNumber: 0, columnNumber: asked } });
    } else if (id === 2 && result.locations.some(({ columnNumber }) => columnNumber !== asked)) {
      reject(new Error(`the offset ${asked} of the source map is not that of an instruction, which is ${result.locations[0].columnNumber}`));
    } else if (method === 'Debugger.paused' && params.hitBreakpoints.length > 0) {
      // Otherwise the worker stays in the debugger, and Node does not end.
      send(worker, { id: 3, method: 'Debugger.disable' });
      resolve(params.callFrames.map(({ functionName, location }) => [
        functionName.replace(/^.*\./, '').replace(/^\$/, ''), entries.findLast(({ offset }) => offset <= location.columnNumber)?.line,
      ]).slice(0, 2));
    }
  });
});
const EXPECTED = [['step', lineOf('/* here')], ['work', lineOf('in the thread')]];

export const debuggers = {
  async 'a breakpoint in a C file is hit in Node, in a thread'(room) {
    room.write('main.c', PROGRAM);
    assert.deepEqual(await room.aiocc('-g', 'main.c'), { code: 0, out: '', err: '' });
    room.write('debug.mjs', `import { Session } from 'node:inspector';
import { WasiHost } from ${JSON.stringify(pathToFileURL(join(top, 'dist/wasi.js')).href)};
const breakAt = ${breakAt};
const session = new Session();
session.connect();
const stopped = breakAt((received) => {
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => received(sessionId, { method: 'attached' }));
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => received(sessionId, JSON.parse(message)));
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return (sessionId, message) => session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify(message) });
}, ${lineOf('/* here')});
const host = await WasiHost.create({ module: new URL('a.out', import.meta.url) });
host.run().catch(() => {});
console.log(JSON.stringify(await stopped));
await host.close();
process.exit();
`);
    const { code, out, err } = await execute(process.execPath, ['debug.mjs'], room.dir);
    assert.deepEqual({ code, err }, { code: 0, err: '' });
    assert.deepEqual(JSON.parse(out), EXPECTED);
  },

  async 'a breakpoint in a C file is hit in Chromium, in a thread'(room) {
    if (!Browser.isThere) throw new Skipped('chromium is not installed');
    room.write('main.c', PROGRAM);
    assert.deepEqual(await room.aiocc('-g', 'main.c'), { code: 0, out: '', err: '' });
    const program = readFileSync(join(room.dir, 'a.out'));
    const server = await serveStatic(top, undefined, (path) => ({ '/': { body: '<!doctype html>', headers: { 'Content-Type': 'text/html' } }, '/a.out': { body: program } })[path]);
    const browser = new Browser();
    try {
      await browser.page(async (page) => {
        await page.goto(server.address);
        const session = await page.context().newCDPSession(page);
        const stopped = breakAt((received) => {
          session.on('Target.attachedToTarget', ({ sessionId }) => received(sessionId, { method: 'attached' }));
          session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => received(sessionId, JSON.parse(message)));
          return (sessionId, message) => void session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify(message) }).catch(() => {});
        }, lineOf('/* here'));
        await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
        await page.evaluate(`import('/dist/wasi-browser.js').then(async ({ WasiHost }) => {
          const host = await WasiHost.create({ module: new URL('/a.out', location.href) });
          host.run().catch(() => {});
        })`);
        assert.deepEqual(await stopped, EXPECTED);
      });
    } finally {
      await browser.close();
      server.close();
    }
  },
};
