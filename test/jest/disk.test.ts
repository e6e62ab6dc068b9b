// SPDX-License-Identifier: MIT
/** The page "Disk" on a static server: what its controls change, and that its image stays. */
import { beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { demoPages, inChromium, sideways } from './helpers/chromium.js';
import { dist } from './helpers/paths.js';
import { WITHOUT_WAIT_ASYNC } from './helpers/static-site.js';

const { inWords, perKick } = (await import(dist('demo/disk/kicks.js'))) as {
  perKick(result: { submission: { requests: number; submissions: number; kicks: number; largest_batch: number } }): number | undefined;
  inWords(value: number | undefined, digits: number): string;
};

test('submissions that needed no kick are not so many per kick', () => {
  const words = (submissions: number, kicks: number): string => inWords(perKick({ submission: { requests: 8000, submissions, kicks, largest_batch: 4 } }), 2);
  expect([words(3418, 0), words(0, 0), words(3418, 1), words(3418, 3418), words(9, 4)]).toEqual(['no kick', 'no kick', '3418.00', '1.00', '2.25']);
});

inChromium(() => {
  const { open, problems } = demoPages();
  let page: Page;

  beforeAll(async () => {
    page = await open('disk.html#size=4&seconds=0.5&rw=randread&depth=16&batch=1', { viewport: { width: 360, height: 700 } });
    await said(/^Ready/);
  });

  const said = (match: RegExp): Promise<unknown> =>
    page.waitForFunction((source) => new RegExp(source).test(document.getElementById('status')?.textContent ?? ''), match.source);
  /** Runs what the controls say; the cells of the newest row. */
  const run = async (): Promise<string[]> => {
    await page.click('#run');
    await said(/^(Done|[A-Z].*\.$)/);
    expect(await page.textContent('#status')).toBe('Done.');
    return page.$$eval('#jobs tbody tr:first-child td', (all) => all.map((cell) => cell.textContent ?? ''));
  };

  test('reads are checked; the limit of a batch and the depth decide how requests are submitted', async () => {
    expect(await page.textContent('#kept')).toBe('No image yet: the first run makes one.');
    const one = await run();
    expect([one[0], one[6], one[8]]).toEqual(['reads, 16 at a time, batch\u00a01', '1.00, at most 1', 'all right']);
    await page.selectOption('#batch', '32');
    const many = await run();
    expect(many[0]).toBe('reads, 16 at a time, batch\u00a032');
    // The first requests are made at once, so they are one submission.
    expect(many[6]).toMatch(/, at most 16$/);
    // A submission takes one kick at most.
    for (const cells of [one, many]) expect(cells[7]).toMatch(/^(no kick|[1-9]\d*\.\d\d)$/);
    await page.selectOption('#depth', '1');
    expect((await run())[6]).toBe('1.00, at most 1');
    // It runs for as long as is said.
    await page.selectOption('#seconds', '2');
    const [, requests = '', perSecond = ''] = await run();
    const figure = (text: string): number => Number(text.replaceAll(',', ''));
    expect(figure(requests) / figure(perSecond)).toBeGreaterThan(1.9);
    await page.selectOption('#seconds', '0.5');
    // What was measured is drawn: of each picture the highest bar fills the height.
    for (const chart of ['#chart', '#latency']) {
      expect(Math.max(...await page.$$eval(`${chart} rect`, (all) => all.map((bar) => Number(bar.getAttribute('height')))))).toBe(110);
    }
    expect(await page.textContent('#iops')).toMatch(/^[\d,]+$/);
    expect(problems).toEqual([]);
  });

  test('the image is there when the page is loaded anew, with what was written to it', async () => {
    await page.selectOption('#rw', 'randwrite');
    expect((await run())[8]).toBe('all right');
    await page.uncheck('#verify');
    await page.selectOption('#rw', 'randrw');
    expect((await run())[8]).toBe('not checked');
    const kept = await page.textContent('#kept');
    expect(kept).toMatch(/^An image of 4\.0 MiB, made .*, is kept in this browser\.$/);
    await page.reload();
    await said(/^Ready/);
    expect(await page.textContent('#kept')).toMatch(/^An image of 4\.0 MiB/);
    // The address had the settings.
    expect(await page.$$eval('#form select', (all) => all.map((select) => (select as HTMLSelectElement).value))).toEqual(['origin', 'randrw', '1', '32', '0.5', '4']);
    expect(await page.isChecked('#verify')).toBe(false);
    await page.check('#verify');
    await page.selectOption('#rw', 'randread');
    await page.selectOption('#depth', '32');
    expect((await run())[8]).toBe('all right');
    expect(problems).toEqual([]);
  });

  test('all batches are tried, and drawn one by one; Stop ends it', async () => {
    await page.click('#sweep');
    await page.waitForSelector('#batch-kicks rect:nth-child(2)');
    expect(await page.$$eval('#batch-iops rect', (all) => all.length)).toBeGreaterThan(1);
    await page.click('#stop');
    await said(/^Stopped/);
    expect(await page.$$eval('#batch-kicks text', (all) => all.map((text) => text.textContent))).toEqual(expect.arrayContaining(['1', '2', '64', '128']));
    expect(await sideways(page)).toBe(0);
    expect(problems).toEqual([]);
  });

  test('a file of the visitor is read and not written; what is deleted is gone', async () => {
    await page.setInputFiles('#file', { name: 'mine.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3 * 4096 + 5, 7) });
    await said(/^Done/);
    expect((await run())[8]).toBe('not checked: the image is your file');
    await page.selectOption('#rw', 'randwrite');
    await page.click('#run');
    await said(/^This image is a copy of your file: it can be read\./);
    await page.click('#delete');
    await said(/^Done/);
    expect(await page.textContent('#kept')).toBe('No image yet: the first run makes one.');
    expect(await page.isVisible('#delete')).toBe(false);
    await page.setInputFiles('#file', { name: 'small.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(5) });
    await said(/^small\.bin is smaller than a block of 4 KiB\.$/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('an image in memory is written and read, is not the one of the origin, and is gone when the page is loaded anew', async () => {
    page = await open('disk.html#where=memory&size=4&seconds=0.5&rw=randrw&depth=128&batch=4');
    await said(/^Ready/);
    const written = await run();
    expect([written[0], written[8]]).toEqual(['half and half in memory, 128 at a time, batch\u00a04', 'all right']);
    expect(written[6]).toMatch(/, at most 4$/);
    expect(await page.textContent('#kept')).toMatch(/^An image of 4\.0 MiB, made .*, is in memory until you leave this page\.$/);
    // Another runtime finds what the first has written. In memory a request is carried out before the next one is submitted, so nearly
    // every submission is a kick, and a kick brings as many requests as the batch allows.
    await page.selectOption('#rw', 'randread');
    const requestsPerKick = [];
    for (const batch of ['1', '32']) {
      await page.selectOption('#batch', batch);
      const [, , , , , , perSubmission = '', submissionsPerKick, content] = await run();
      expect(content).toBe('all right');
      requestsPerKick.push(parseFloat(perSubmission) * (submissionsPerKick === 'no kick' ? Infinity : Number(submissionsPerKick)));
    }
    expect(requestsPerKick[1]).toBeGreaterThan(requestsPerKick[0]!);
    // A file of the visitor in memory: bytes that no run has made.
    await page.setInputFiles('#file', { name: 'mine.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3 * 4096 + 5, 7) });
    await said(/^Done/);
    expect((await run())[8]).toBe('not checked: the image is your file');
    await page.selectOption('#where', 'origin');
    await page.waitForFunction(() => document.getElementById('kept')?.textContent === 'No image yet: the first run makes one.');
    expect(await page.evaluate(async () => {
      const names = [];
      for await (const name of (await navigator.storage.getDirectory() as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
      return names;
    })).toEqual([]);
    await page.selectOption('#where', 'memory');
    await page.waitForFunction(() => document.getElementById('kept')?.textContent?.includes('in memory'));
    await page.reload();
    await said(/^Ready/);
    expect(await page.inputValue('#where')).toBe('memory');
    expect(await page.textContent('#kept')).toBe('No image yet: the first run makes one.');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('a file that is dropped on the page is the image', async () => {
    page = await open('disk.html#where=memory&seconds=0.5');
    await said(/^Ready/);
    const dropped = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(4096 * 256)], 'dropped.bin'));
      return data;
    });
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await said(/^Done/);
    expect(await page.textContent('#kept')).toMatch(/^An image of 1\.0 MiB, .* in memory/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('without Atomics.waitAsync it runs, too; another address in the same tab is taken', async () => {
    page = await open(`${WITHOUT_WAIT_ASYNC}disk.html#where=memory&seconds=0.5&size=4`);
    await said(/^Ready/);
    expect(await page.evaluate(() => 'waitAsync' in Atomics)).toBe(false);
    expect((await run())[8]).toBe('all right');
    await page.evaluate(() => void (location.hash = '#where=memory&rw=randrw&depth=4&batch=8&seconds=0.5&size=32&verify=0'));
    await page.waitForFunction(() => (document.getElementById('size') as HTMLSelectElement).value === '32');
    await page.click('#delete');
    await said(/^Done/);
    const cells = await run();
    expect([cells[0], cells[8]]).toEqual(['half and half in memory, 4 at a time, batch\u00a08', 'not checked']);
    expect(await page.textContent('#kept')).toMatch(/^An image of 32\.0 MiB/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('without shared memory it says what is missing; without files of the origin the image is in memory', async () => {
    page = await open('disk.html', { serviceWorkers: 'block' });
    await said(/^Nothing runs here: this page is not cross-origin isolated/);
    expect(await page.isDisabled('#run')).toBe(true);
    await page.close();
    page = await open('disk.html#where=origin&size=4&seconds=0.5', {}, 'delete StorageManager.prototype.getDirectory');
    await said(/^This browser gives pages no files of their own .* Here the image is in memory\. Ready\.$/);
    expect((await run())[8]).toBe('all right');
    await page.close();
  });
});
