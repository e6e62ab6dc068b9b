// SPDX-License-Identifier: MIT
/** The page "Run a program" on a static server: what programs print and read there, and how they end. */
import { beforeAll, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import type { Trace } from 'wasm-aio';
import { demoPages, downloaded, inChromium, sideways } from './helpers/chromium.js';
import { pathOf } from './helpers/paths.js';
import { WITHOUT_WAIT_ASYNC } from './helpers/static-site.js';

inChromium(() => {
  const { open, problems } = demoPages();
  let page: Page;

  beforeAll(async () => {
    page = await open('run.html#program=primes&args=1000+3', { viewport: { width: 360, height: 700 } });
    await said(/^Ready\.$/);
  });

  const shows = (id: string, match: RegExp): Promise<unknown> =>
    page.waitForFunction(([name, source]) => new RegExp(source as string, 's').test(document.getElementById(name as string)?.textContent ?? ''), [id, match.source]);
  const said = (match: RegExp): Promise<unknown> => shows('status', match);
  const printed = (match: RegExp): Promise<unknown> => shows('screen', match);
  const type = async (line: string): Promise<void> => {
    await page.fill('#line', line);
    await page.press('#line', 'Enter');
  };

  test('an example with threads prints; its program and arguments are in the address', async () => {
    expect(await page.inputValue('#args')).toBe('1000 3');
    await page.click('#run');
    await said(/^primes has ended with exit code 0\.$/);
    const text = (await page.textContent('#screen')) ?? '';
    expect(text).toMatch(/168 primes below 1000\n$/);
    expect(text.match(/^thread \d: /gm)).toHaveLength(3);
    await page.fill('#args', '"not a number" 1');
    await page.click('#run');
    await said(/^primes has ended with exit code 2\.$/);
    // Standard error is seen to be that.
    expect(await page.textContent('#screen .failed')).toBe('use: primes NUMBER THREADS, with 1 to 16 threads\n');
    expect(await page.evaluate(() => location.hash)).toBe('#program=primes&args=%22not+a+number%22+1&polls=0');
    expect(await page.isVisible('#timeline')).toBe(false);
    // Another address in the same tab.
    await page.evaluate(() => void (location.hash = '#program=primes&args=30+2&polls=0'));
    await page.waitForFunction(() => (document.getElementById('args') as HTMLInputElement).value === '30 2');
    expect(problems).toEqual([]);
  });

  test('lines of the visitor arrive; files are kept while a program runs; its exit code is shown', async () => {
    await page.selectOption('#program', 'files');
    expect(await page.inputValue('#args')).toBe('');
    await page.click('#run');
    await printed(/^help lists the commands\.\n> $/);
    await page.fill('#line', 'mkdir d');
    await page.click('#send');
    await type('write d/f one two');
    await type('write d/f three');
    await type('cat d/f');
    await printed(/one two\nthree\n> $/);
    await type('ls d');
    await printed(/ 14 f\n> $/);
    await type('cat nothing');
    await printed(/cat: No such file or directory/);
    expect(await page.$$eval('#screen .typed', (all) => all.map((span) => span.textContent))).toContain('ls d\n');
    await type('exit 7');
    await said(/^files has ended with exit code 7\.$/);
    expect(await page.isDisabled('#line')).toBe(true);
    // The next run has files of its own.
    await page.click('#run');
    await printed(/> $/);
    await type('ls');
    await printed(/> ls\n> $/);
    await page.click('#end');
    await said(/^files has ended with exit code 0\.$/);
    // The focus does not stay at a button that cannot be used any more.
    await page.waitForFunction(() => document.activeElement?.id === 'run');
    expect(problems).toEqual([]);
  });

  test('what a program waits for is on a timeline, by its libc or by WASI; it is saved, and stays when the program has ended', async () => {
    await page.selectOption('#program', 'clock');
    await page.check('#polls');
    await page.click('#run');
    await printed(/UTC\n.*UTC\n$/s);
    await type('noon');
    await printed(/You have said: noon\n/);
    await shows('span', /wide; [3-9] calls$/);
    await page.focus('#timeline');
    const chosen = async (key: string): Promise<string | null> => {
      await page.keyboard.press(key);
      return page.textContent('#detail');
    };
    const wide = ((await page.textContent('#span')) ?? '').split(';')[0]!;
    // The next frame shows another width.
    const isWide = (yes: boolean): Promise<unknown> =>
      page.waitForFunction(([text, yes]) => (document.getElementById('span')?.textContent?.split(';')[0] === text) === yes, [wide, yes] as const);
    await page.click('#in');
    await isWide(false);
    await page.click('#out');
    await isWide(true);
    const picture = (): Promise<string> => page.$eval('#timeline', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
    for (const button of ['#earlier', '#later']) {
      const before = await picture();
      await page.click(button);
      expect(await picture()).not.toBe(before);
    }
    expect(await page.textContent('#pause')).toBe('Continue');
    await page.click('#pause');
    expect(await page.textContent('#pause')).toBe('Pause');
    await page.focus('#timeline');
    // Of the calls one has ended by the clock, one by the line.
    const said = [await chosen('.')];
    for (let text = await chosen(','); text !== said.at(-1); text = await chosen(',')) said.push(text);
    for (let text = await chosen('.'); text !== said.at(-1); text = await chosen('.')) said.push(text);
    for (const end of ['clock', 'fd 0']) expect(said).toContainEqual(expect.stringMatching(new RegExp(`^main, poll: call “fd 0, clock [\\d.]+ ms → ${end}”, [\\d.]+ (µs|ms)$`)));
    await page.click('#stop');
    await shows('status', /^clock was stopped\.$/);
    const save = async (): Promise<Trace['traceEvents']> => (JSON.parse(await downloaded(page, '#export')) as Trace).traceEvents;
    expect(await save()).toContainEqual(expect.objectContaining({ name: 'poll', cat: 'wasi', ph: 'X', args: { subscriptions: 1, waits: expect.stringMatching(/^fd 0, clock /), events: 0, ready: 'clock' } }));
    // aiocc has not built this one, so it calls WASI's poll_oneoff; it ends because it has no fd 3.
    await page.setInputFiles('#file', pathOf('build/plain/poll.wasm'));
    await shows('status', /^poll\.wasm has ended with exit code /);
    await shows('span', /; 1 call$/);
    expect(await save()).toEqual([
      expect.objectContaining({ ph: 'M', args: { name: 'main' } }),
      expect.objectContaining({ name: 'poll_oneoff', cat: 'wasi', ph: 'X', args: {
        subscriptions: 3, waits: expect.stringMatching(/^fd_read 3, fd_read 4, clock [\d.]+ ms$/), events: 2, ready: 'fd_read 3 (errno 8), fd_read 4 (errno 8)',
      } }),
    ]);
    expect(await sideways(page)).toBe(0);
    expect(new URL(page.url()).hash).toMatch(/&polls=1$/);
    await page.uncheck('#polls');
    expect(problems).toEqual([]);
  });

  test('a program that waits is stopped; so is one that computes', async () => {
    await page.selectOption('#program', 'clock');
    await page.click('#run');
    await printed(/\d\d:\d\d:\d\d UTC\n$/);
    await page.click('#stop');
    await said(/^clock was stopped\.$/);
    await page.selectOption('#program', 'primes');
    await page.fill('#args', '2000000000 2');
    await page.click('#run');
    await said(/^primes runs\.$/);
    await page.click('#stop');
    await said(/^primes was stopped\.$/);
    // A program runs after that, too.
    await page.fill('#args', '100 1');
    await page.click('#run');
    await printed(/25 primes below 100\n$/);
    await said(/exit code 0/);
    expect(problems).toEqual([]);
  });

  test('programs of others run, with their licences, where they have been built; elsewhere the page says how to get them', async () => {
    for (const [name, line, answer, licence] of [
      ['lua', 'print(2^10)', /\n1024\.0\n> $/, /^Copyright \(C\) [\d-]+ Lua\.org.*Permission is hereby granted/s],
      ['sqlite3', "select 'SQL', 6 * 7;", /\nSQL\|42\n/, /^The author disclaims copyright/],
    ] as const) {
      await page.selectOption('#program', name);
      if (existsSync(pathOf(`dist/demo/run/ports/${name}.wasm`))) {
        expect(await page.$eval('#about a', async (link) => (await fetch((link as HTMLAnchorElement).href)).text())).toMatch(licence);
        await page.click('#run');
        await printed(/> $/);
        await type(line);
        await printed(answer);
        await page.click('#end');
        await said(new RegExp(`^${name} has ended with exit code 0\\.$`));
      } else {
        expect(await page.textContent('#about')).toMatch(/It is not in this page: .* make test-ports ONLY="sqlite3 lua5\.4" builds it/);
        await page.click('#run');
        await said(new RegExp(`^${name} cannot run\\. It is not in this page: .* make test-ports ONLY="sqlite3 lua5\\.4" builds it`));
      }
    }
    expect(problems).toEqual([]);
  });

  test('a file of the visitor runs; what is no program, and one that traps, say what is wrong', async () => {
    await page.setInputFiles('#file', pathOf('build/examples/rot13.wasm'));
    await said(/^rot13\.wasm runs\.$/);
    await type('Hello \u001b[31mred');
    await printed(/Uryyb erq\n$/);
    await page.click('#end');
    await said(/^rot13\.wasm has ended with exit code 0\.$/);
    // It was dropped: a program that aiocc has not built.
    const dropped = await page.evaluateHandle(async ([bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes as number[])], 'command.wasm'));
      return data;
    }, [[...readFileSync(pathOf('build/plain/command.wasm'))]]);
    await page.fill('#args', 'trap');
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await said(/unreachable.*trap_here/);
    expect(await page.getAttribute('#status', 'class')).toBe('failed');
    await page.setInputFiles('#file', { name: 'text.wasm', mimeType: 'application/wasm', buffer: Buffer.from('This is no program.') });
    await said(/WebAssembly/);
    expect(await page.isEnabled('#run')).toBe(true);
    expect(await sideways(page)).toBe(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('without Atomics.waitAsync programs run, read lines and are stopped, too', async () => {
    page = await open(`${WITHOUT_WAIT_ASYNC}run.html#program=primes&args=1000+3`);
    await page.waitForFunction(() => crossOriginIsolated);
    await said(/^Ready\.$/);
    expect(await page.evaluate(() => 'waitAsync' in Atomics)).toBe(false);
    await page.click('#run');
    await said(/^primes has ended with exit code 0\.$/);
    expect(await page.textContent('#screen')).toMatch(/168 primes below 1000\n$/);
    await page.selectOption('#program', 'clock');
    await page.check('#polls');
    await page.click('#run');
    await printed(/UTC\n$/);
    await type('noon');
    await printed(/You have said: noon\n/);
    await shows('span', /wide; [1-9]\d* calls?$/);
    await page.click('#stop');
    await said(/^clock was stopped\.$/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('without shared memory it says what is missing', async () => {
    page = await open('run.html', { serviceWorkers: 'block' });
    await said(/^Nothing runs here: this page is not cross-origin isolated/);
    expect(await page.isDisabled('#run')).toBe(true);
    await page.close();
  });
});
