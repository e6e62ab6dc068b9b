// SPDX-License-Identifier: MIT
/** The page "Break it", served as any static server would, under a path of its own. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { demoPages, inChromium, sideways } from './helpers/chromium.js';
import { pathOf } from './helpers/paths.js';

/** So long 100,000 orders of a scenario may take on a busy machine. */
const TRIED_MS = 600_000;

inChromium(() => {
  const bugs = JSON.parse(readFileSync(pathOf('build/static/sim/bugs.json'), 'utf8')) as { name: string; scenario: string }[];
  const pages = demoPages();
  const { problems } = pages;
  let page: Page;

  const open = async (hash = '', width = 1000): Promise<void> => {
    await page?.close();
    // (Requests that pass a service worker cannot be answered by the test.)
    page = await pages.open(hash, { viewport: { width, height: 800 }, serviceWorkers: 'block' });
  };
  const status = async (match: RegExp): Promise<string> => {
    await page.waitForFunction((source) => new RegExp(source).test(document.getElementById('status')?.textContent ?? ''), match.source);
    return (await page.textContent('#status')) ?? '';
  };
  const here = (): Promise<string | null> => page.textContent('#source mark');

  /** An order takes 0.25 ms at most on a quiet machine, with what the page does meanwhile: so many are 2 s. */
  const IN_2_S = 8000;

  test('it finds each bug by itself, where there is no shared memory, and shows the step beside the source', async () => {
    await open();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    await page.waitForSelector('#mutant option', { state: 'attached' });
    const codes = await page.$$eval('#mutant option', (options) => options.map((option) => (option as HTMLOptionElement).value));
    expect(codes).toHaveLength(12);
    for (const code of codes.filter((name) => name !== 'right')) {
      await page.selectOption('#mutant', code);
      await page.click('#search');
      const said = await status(/^Order|^100,000/);
      expect(said).toMatch(/^Order [\d,]+ of '\w+' fails: /);
      expect(Number(/[\d,]+/.exec(said)![0].replaceAll(',', ''))).toBeLessThan(IN_2_S);
      expect(new URL(page.url()).hash).toMatch(new RegExp(`^#code=${code}&scenario=\\w+&seed=\\d+$`));
      await page.waitForSelector('#source mark');
    }
    expect(problems).toEqual([]);
  });

  /** The bugs that are put back: the first, or with EVERY_BUG (make test-pages) each, which takes minutes. */
  const putBack = bugs.slice(0, process.env['EVERY_BUG'] ? bugs.length : 1);

  test.each(putBack)('$name put back, 100,000 orders of $scenario find nothing; what is searched is not read aloud, what is found is', async ({ name, scenario }) => {
    await open(`#code=${name}`);
    page.setDefaultTimeout(TRIED_MS);
    await status(/^Order/);
    expect(await page.isVisible('#run')).toBe(true);
    await page.evaluate(() => {
      const said: string[] = [];
      new MutationObserver(() => said.push(document.getElementById('status')?.textContent ?? '')).observe(document.getElementById('status') as Node, { childList: true, characterData: true, subtree: true });
      Object.assign(globalThis, { said });
    });
    await page.click('#repair');
    await page.waitForFunction((of) => new RegExp(`^[\\d,]+ orders of '${of}' tried`).test(document.getElementById('progress')?.textContent ?? ''), scenario);
    expect(await status(/^[1-9]/)).toMatch(new RegExp(`^100,000 orders of '${scenario}' tried in [\\d.]+ s, [\\d,]+ steps: none fails\\.$`));
    expect(await page.inputValue('#mutant')).toBe('right');
    expect(await page.textContent('#progress')).toBe('');
    expect(await page.isVisible('#repair')).toBe(false);
    expect(new URL(page.url()).hash).toBe(`#code=right&scenario=${scenario}`);
    expect(await page.evaluate(() => (globalThis as unknown as { said: string[] }).said.map((text) => text.slice(0, 7)))).toEqual(['Searchi', '100,000']);
    expect(problems).toEqual([]);
  }, TRIED_MS + 60_000);

  test('a link shows the same run; the keys and the buttons go through its steps', async () => {
    // Which orders fail depends on the core; the patch names one that does.
    const [, scenario, seed] = /^Found by: (\w+) --seed=(\d+)$/m.exec(readFileSync(pathOf('test/mutants/notify-looks-first.patch'), 'utf8')) ?? [];
    await open(`#code=notify-looks-first&scenario=${scenario}&seed=${seed}`);
    const said = await status(/fails/);
    expect(said).toMatch(new RegExp(`^Order ${Number(seed).toLocaleString('en')} of '${scenario}' fails: nothing can go on: 'main' sleeps`));
    await page.waitForSelector('#source mark');
    // It plays the last steps.
    await page.waitForFunction((first) => document.getElementById('place')?.textContent !== first, await page.textContent('#place'));
    await page.click('#last');
    const last = await page.textContent('#place');
    expect(last).toMatch(/^step ([\d,]+) of \1: /);
    await page.focus('#steps');
    await page.keyboard.press('Home');
    expect(await page.textContent('#place')).toMatch(/^step 1 of /);
    await page.keyboard.press('ArrowDown');
    expect(await page.textContent('#place')).toMatch(/^step 2 of /);
    // The changed file is shown as it was changed.
    const at = await page.$$eval('#steps li', (items) => items.findIndex((item) => (item.textContent ?? '').includes('uint32_t sleeps')));
    await page.click(`#steps li:nth-child(${at + 1})`);
    await page.waitForFunction(() => document.querySelector('#source mark')?.textContent?.includes('uint32_t sleeps'));
    expect(await page.textContent('#where')).toMatch(/^core-c\/sync\/wakeup\.h:\d+$/);
    expect(await here()).toContain('uint32_t sleeps = qatomic_mb_read(&wakeup->notify_me);');
    for (const [button, place] of [['#first', /^step 1 of /], ['#next', /^step 2 of /], ['#back', /^step 1 of /]] as const) {
      await page.click(button);
      expect(await page.textContent('#place')).toMatch(place);
    }
    await page.click('#last');
    expect(await page.textContent('#place')).toBe(last);
    await page.click('#play');
    await page.waitForFunction(() => /^step [2-9] of /.test(document.getElementById('place')?.textContent ?? ''));
    await page.click('#play');
    await page.reload();
    expect(await status(/fails/)).toBe(said);
  });

  test('who chooses the steps finds the bug by hand; the right code ends as it should in the same order', async () => {
    for (const code of ['notify-looks-first', 'right']) {
      await open('#code=notify-looks-first');
      await status(/fails/);
      await page.selectOption('#mutant', code);
      await page.click('#hand');
      const begun = await status(/choose which thread/);
      const step = async (thread: string): Promise<boolean> => {
        const button = await page.$(`#threads button:not([disabled]):has-text("${thread}:")`);
        // By the keyboard: the focus stays where something can be chosen.
        await button?.press('Enter');
        if (button) expect(await page.evaluate(() => document.activeElement?.matches('#threads button:enabled'))).toBe(true);
        return button !== null;
      };
      const next = (thread: string): Promise<string> => page.$$eval('#threads button', (buttons, name) =>
        buttons.find((button) => (button.textContent ?? '').startsWith(`${name}:`))?.querySelector('code')?.textContent ?? '', thread);
      const ended = async (): Promise<boolean> => (await page.$('#threads button:has-text("From the beginning")')) !== null;
      // The loop finds nothing to do; the other thread publishes something and looks whether the loop sleeps; the loop goes to sleep.
      const other = async (): Promise<string | undefined> => (await page.$$eval('#threads button', (buttons) => buttons.map((button) => (button.textContent ?? '').split(':')[0] ?? '')))[1];
      while ((await other()) === undefined) await step('main');
      const name = (await other()) ?? '';
      await step('main');
      while (!/xchg\(&wakeup->notified/.test(await next(name))) await step(name);
      while (await step('main'));
      while (!(await ended())) if (!(await step(name))) await step('main');
      const said = await page.textContent('#status');
      if (code === 'right') expect(said).toMatch(/^It has ended as it should, after [\d,]+ steps/);
      else expect(said).toMatch(/^You have found it: nothing can go on: 'main' sleeps/);
      await page.click('#threads button:has-text("From the beginning")');
      expect(await status(/choose which thread/)).toBe(begun);
    }
  });

  test('Stop ends a search', async () => {
    await open('#code=right');
    await page.waitForFunction(() => /orders/.test(document.getElementById('progress')?.textContent ?? ''));
    await page.click('#stop');
    expect(await status(/^Stopped/)).toMatch(/^Stopped\. [\d,]+ orders of '\w+' tried in [\d.]+ s, [\d,]+ steps\.$/);
    expect(await page.isVisible('#stop')).toBe(false);
    await page.selectOption('#mutant', 'notify-looks-first');
    await page.click('#search');
    await status(/^Order [\d,]+ of '\w+' fails/);
  });

  test('a phone has no need to scroll sideways; what is missing is a sentence', async () => {
    await open('', 360);
    await status(/fails/);
    expect(await sideways(page)).toBe(0);
    await page.route('**/sim/right/sim.wasm', (route) => route.fulfill({ status: 404 }));
    await page.selectOption('#mutant', 'right');
    await page.click('#search');
    expect(await status(/HTTP/)).toBe('sim/right/sim.wasm: HTTP status 404; has `make serve` built the page?');
    await page.selectOption('#mutant', 'notify-looks-first');
    await page.click('#search');
    await status(/^Order [\d,]+ of '\w+' fails/);
    await page.close();
  });
});
