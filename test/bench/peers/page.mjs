// SPDX-License-Identifier: MIT
// A page in Chromium: how late its timers are at rest, and while its context runs 100,000
// bottom halves of 5 µs a second for an IOThread; and how long it takes between two frames.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Browser, serveStatic } from '../../package/pages.mjs';
import { BUDGET_NS, expect, printSamples, wanted } from './common.mjs';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const PERIOD_MS = 10;
const BURST = 10_000;        // ten of these a second
const BURST_MS = 100;

/** Runs in the page. Samples in ms, and call-backs a second while it was busy. */
async function measure({ wasm, ms, PERIOD_MS, BURST, BURST_MS }) {
  const { Runtime } = await import('/dist/browser.js');
  const runtime = await Runtime.create({ module: new Uint8Array(wasm), reserve: 0 });
  const io = await runtime.iothread('io');
  const timers = async () => {
    const late = [];
    for (const end = performance.now() + ms; performance.now() < end;) {
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
      late.push(Math.max(performance.now() - start - PERIOD_MS, 0));
    }
    return late;
  };
  const frames = async () => {
    const times = [];
    let last = performance.now();
    for (const end = last + ms; last < end;) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times;
  };
  const idle = { timers: await timers(), frames: await frames() };
  await io.call('flood', BURST, BURST_MS);
  runtime.call('flood_has_run');
  const start = performance.now();
  const busy = { timers: await timers(), frames: await frames() };
  const rate = (runtime.call('flood_has_run') * 1000) / (performance.now() - start);
  await io.call('stop_flood');
  await runtime.close();
  return { idle, busy, rate };
}

const imports = { comlink: '/node_modules/comlink/dist/esm/comlink.mjs' };
const body = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;
const server = await serveStatic(top, undefined, (path) => (path === '/' ? { body, headers: { 'Content-Type': 'text/html' } } : undefined));
const browser = new Browser();
const wasm = [...readFileSync(new URL('../../../build/bench/modules/hosted.wasm', import.meta.url))];
const { idle, busy, rate } = await browser.page(async (page) => {
  await page.goto(server.address);
  return page.evaluate(measure, { wasm, ms: BUDGET_NS / 4e6, PERIOD_MS, BURST, BURST_MS });
});
await browser.close();
server.close();
expect('100,000 bottom halves a second', rate > 50_000 || rate, true);
const lines = {
  d_page_timeout_late_idle: idle.timers, d_page_timeout_late_busy: busy.timers, d_page_frame_idle: idle.frames, d_page_frame_busy: busy.frames,
};
for (const name of wanted) printSamples(name, 'ns', lines[name].map((time) => time * 1e6));
