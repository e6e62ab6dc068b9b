// SPDX-License-Identifier: MIT
/** The page "Test this browser" on a static server whose policy refuses workers made from texts: what it runs, shows and saves. */
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { demoPages, downloaded, inChromium, inFirefox, sideways } from './helpers/chromium.js';
import { dist, pathOf } from './helpers/paths.js';

/** One whose workers start workers; one whose worker's function has a name; one whose worker is a script; one for the main thread; one that no page can run. */
const CASES = ['workers/nested', 'opfs/other-thread', 'workers/close', 'wait-async/main', 'host/files'];
const address = (...queries: string[]): string => `conformance/conformance.html?${[...CASES.map((id) => `case=${id}`), ...queries].join('&')}`;
const KEEP_SAVED = 'const { createObjectURL } = URL; URL.createObjectURL = (file) => createObjectURL.call(URL, globalThis.saved = file);';

interface Saved {
  runtime: { name: string };
  isolated: boolean;
  results: { id: string; verdict: string; text: string }[];
}

test('the site has each script of the suite as a function', async () => {
  const { functions } = (await import(pathOf('build/static/conformance/functions.js'))) as { functions: Map<string, unknown> };
  const { cases } = (await import(dist('conformance/suite.js'))) as { cases: { id: string; run(): unknown }[] };
  const missing = cases.filter(({ run }) => !functions.has(String(run).replace(/^(async )?run\(/, (_, async = '') => `${async as string}function run(`)));
  expect(missing.map(({ id }) => id)).toEqual([]);
});

inChromium(() => {
  const { open, problems } = demoPages();
  const ended = (page: Page): Promise<unknown> => page.waitForSelector('#json:not([hidden])');
  const cells = (page: Page, table: string): Promise<string[][]> =>
    page.$$eval(`#${table} tr`, (rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')));

  test('the cases in the address run, and are counted; those that have not passed say why; the results are saved', async () => {
    const page = await open(address(), { viewport: { width: 360, height: 700 } }, KEEP_SAVED);
    await page.waitForFunction(() => crossOriginIsolated);
    await ended(page);
    expect(await page.textContent('#status')).toBe('Done: 5 cases, of which 4 passed, 0 expected, 0 failed, 0 differs, 1 not run.');
    expect(await page.textContent('#runtime')).toMatch(/^(chromium|firefox) [\d.]+, cross-origin isolated$/);
    expect((await cells(page, 'areas')).map(([, passed, , failed, , notRun]) => [passed, failed, notRun])).toEqual([['1', '', ''], ['2', '', ''], ['', '', '1'], ['1', '', '']]);
    expect(await cells(page, 'cases')).toEqual([['host/files', 'not run', 'no nodeFiles']]);
    expect(await page.$eval('#progress', (bar) => [(bar as HTMLProgressElement).value, (bar as HTMLProgressElement).max])).toEqual([5, 5]);
    const saved = JSON.parse(inFirefox ? await page.evaluate(() => (globalThis as unknown as { saved: Blob }).saved.text()) : await downloaded(page, '#json')) as Saved;
    expect(saved).toMatchObject({ runtime: { name: inFirefox ? 'firefox' : 'chromium' }, isolated: true });
    expect(saved.results.map(({ id, verdict }) => `${id} ${verdict}`).sort()).toEqual(CASES.map((id) => `${id} ${id === 'host/files' ? 'not run' : 'passed'}`).sort());
    expect(await sideways(page)).toBe(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('areas can be chosen; without shared memory what needs it is not run, and the page says so', async () => {
    const page = await open('conformance/conformance.html?area=clock&area=wait&case=wait/ok&case=clock/date&case=workers/nested', { serviceWorkers: 'block' });
    await ended(page);
    expect(await page.textContent('#runtime')).toMatch(/, not cross-origin isolated: what needs shared memory is not run$/);
    expect(await page.textContent('#status')).toBe('Done: 2 cases, of which 1 passed, 0 expected, 0 failed, 0 differs, 1 not run.');
    expect(await cells(page, 'cases')).toEqual([['wait/ok', 'not run', 'not isolated']]);
    expect(problems).toEqual([]);
    await page.close();
  });
});
