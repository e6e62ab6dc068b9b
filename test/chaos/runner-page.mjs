// Runs programs in a page in Chromium; after each no worker of it is left.
import { existsSync } from 'node:fs';
import { serve } from './server.mjs';

/** How long a program may take in all. */
const ROUND_MS = 180_000;
/** How long a worker may be on its way to its end: terminated ones take two seconds. */
const WORKERS_MS = 20_000;

/** The workers of a page that are left after that. */
async function workersLeft(page) {
  for (const end = performance.now() + WORKERS_MS; page.workers().length > 0 && performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return page.workers().length;
}

/** Undefined: Chromium is not installed. */
export async function pageRunner() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
  if (!executablePath) return undefined;
  const { chromium } = await import('playwright-core');
  const server = await serve();
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

  async function runOne(page, work) {
    let timer;
    try {
      const problems = await Promise.race([
        page.evaluate(async (given) => (await import('/test/chaos/host-page.mjs')).run(given), work),
        new Promise((resolve) => (timer = setTimeout(resolve, ROUND_MS, [{ kind: 'stuck', text: 'the page says nothing' }]))),
      ]);
      const left = problems.length > 0 ? 0 : await workersLeft(page);
      return left > 0 ? [{ kind: 'workers', text: `${left} workers run although all has been closed` }] : problems;
    } catch (error) {
      return [{ kind: 'death', text: String(error) }];
    } finally {
      clearTimeout(timer);
    }
  }

  async function run({ seeds = [], without, programs }, told) {
    // Storage of its own.
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(server.address);
    const work = programs?.map((program) => ({ seed: program.seed, program })) ?? seeds.map((seed) => ({ seed, without }));
    let seen = 0;
    for (const one of work) {
      const start = performance.now();
      const problems = await runOne(page, one);
      seen++;
      told({ seed: one.seed, ms: Math.round(performance.now() - start), problems });
      if (problems.length > 0) break;
    }
    await context.close();
    return seen;
  }

  return {
    host: 'page', atOnce: 1, run,
    async close() {
      await browser.close();
      server.close();
    },
  };
}
