// SPDX-License-Identifier: MIT
// Makes the pictures of the pages under docs/images anew: wide, in the light and in the dark, and on a phone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const top = fileURLToPath(new URL('../..', import.meta.url));
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
if (!executablePath) throw new Error('the pictures are made by Chromium: apt-get install chromium');

const server = spawn(process.execPath, [join(top, 'dist/cli/main.js'), 'serve', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const [said] = await once(server.stdout.setEncoding('utf8'), 'data');
const [address] = /http:\S+\d\//.exec(said);
const whenSaid = (page, match) => page.waitForFunction((source) => new RegExp(source).test(document.getElementById('status').textContent), match.source);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
/** What is done on each page before its picture is taken. */
const pages = {
  async 'break-it'(page) {
    await page.goto(`${address}#code=notify-looks-first`);
    await page.waitForSelector('#source mark');
    await page.click('#last');
  },
  async race(page) {
    await page.goto(`${address}race.html`);
    await whenSaid(page, /^Ready/);
    await page.click('#run');
    await whenSaid(page, /^Done/);
  },
  async explorer(page) {
    await page.goto(`${address}explorer.html#workload=pipeline&threads=3&rate=20&span=1000`);
    await page.waitForFunction(() => document.querySelectorAll('#loops tbody tr td:nth-child(7)').length === 4);
    await page.click('#pause');
  },
  async disk(page) {
    await page.goto(`${address}disk.html#where=memory&depth=32`);
    await whenSaid(page, /^Ready/);
    await page.click('#sweep');
    await whenSaid(page, /^Done/);
  },
  async run(page) {
    await page.goto(`${address}run.html#program=clock&polls=1`);
    await whenSaid(page, /^Ready/);
    await page.click('#run');
    const calls = (least) => page.waitForFunction((n) => Number(/; (\d+) calls?$/.exec(document.getElementById('span').textContent)?.[1]) >= n, least);
    await calls(3);
    await page.fill('#line', 'What is the time?');
    await page.press('#line', 'Enter');
    await calls(6);
    await page.click('#pause');
    await page.focus('#timeline');
    await page.keyboard.press('.');
  },
  async conformance(page) {
    await page.goto(`${address}conformance/conformance.html`);
    await page.waitForSelector('#json:not([hidden])', { timeout: 120_000 });
  },
};
for (const [name, width, colorScheme] of [['light', 1000, 'light'], ['dark', 1000, 'dark'], ['phone', 360, 'light']]) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  for (const [of, show] of Object.entries(pages)) {
    await show(page);
    await page.screenshot({ path: join(top, `docs/images/${of}-${name}.jpg`), fullPage: true, type: 'jpeg', quality: 70 });
  }
}
await browser.close();
server.kill();
