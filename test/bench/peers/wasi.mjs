// SPDX-License-Identifier: MIT
// WASI guests: the processor time of one that waits, and a filter's bytes per
// second beside a Transform in a pipeline of Node's.
import { existsSync, readFileSync } from 'node:fs';
import { PassThrough, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BUDGET_NS, expect, measure, now, wants } from './common.mjs';

const top = new URL('../../../', import.meta.url);
const { WasiHost } = await import(new URL('dist/wasi.js', top));
const build = (path) => {
  const url = new URL(`build/${path}.wasm`, top);
  if (!existsSync(url)) throw new Error(`${url.pathname} is missing: make test-jest builds it`);
  return new Uint8Array(readFileSync(url));
};

// ns of all threads' processor time for each second that the guest sleeps in poll_oneoff.
if (wants('s_poll_cpu')) {
  const host = await WasiHost.create({ module: build('plain/command'), args: ['command', 'wait'], stdin: new PassThrough(), stdout: 'closed' });
  const done = host.run().catch(() => {});
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  await sleep(300);
  await measure('s_poll_cpu', 'ns', 0, async () => {
    const [start, used] = [now(), process.cpuUsage()];
    await sleep(Math.max(100, BUDGET_NS / 1e6 / 2));
    const { user, system } = process.cpuUsage(used);
    return ((user + system) * 1e3 * 1e9) / (now() - start);
  });
  await host.close();
  await done;
}

const MIB = 1 << 20;
const TOTAL = 64 * MIB;
const table = Uint8Array.from({ length: 256 }, (_, c) => {
  const base = c >= 97 && c <= 122 ? 97 : c >= 65 && c <= 90 ? 65 : 0;
  return base ? base + ((c - base + 13) % 26) : c;
});
const source = () => Readable.from((function* () {
  for (let sent = 0; sent < TOTAL; sent += 65536) yield Buffer.alloc(65536, 'Some letters, and more of them. ');
})());
/** Bytes per second from the first piece that comes out to the last: without the start. */
function sink() {
  let [length, first, start, end] = [0, 0, 0, 0];
  const stream = new Writable({
    write(chunk, _, done) {
      if (length === 0) [first, start] = [chunk.length, now()];
      length += chunk.length;
      end = now();
      done();
    },
  });
  const rate = () => {
    expect('bytes through the filter', length, TOTAL);
    return (TOTAL - first) / ((end - start) / 1e9);
  };
  return { stream, rate };
}

await measure('s_filter_bytes', '1/s', 1, async () => {
  const { stream, rate } = sink();
  const host = await WasiHost.create({ module: build('examples/rot13'), stdin: source(), stdout: stream });
  expect('exit code', await host.run(), 0);
  await host.close();
  return rate();
});

await measure('p_pipeline_s_filter_bytes', '1/s', 1, async () => {
  const { stream, rate } = sink();
  await pipeline(source(), new Transform({
    transform(chunk, _, done) {
      const out = Buffer.allocUnsafe(chunk.length);
      for (let i = 0; i < chunk.length; i++) out[i] = table[chunk[i]];
      done(null, out);
    },
  }), stream);
  return rate();
});
