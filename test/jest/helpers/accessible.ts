// SPDX-License-Identifier: MIT
/** What keeps people who use a keyboard or a screen reader from a page: found by axe-core, in Chromium's accessibility tree, and with the Tab key. */
import type axe from 'axe-core';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { inFirefox } from './chromium.js';
import { pathOf } from './paths.js';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What can have the focus, and is not another one's part. */
const TABBABLE = 'a[href], button:enabled, select:enabled, input:enabled, textarea:enabled, summary, [tabindex="0"]';

/** What the rules of axe-core say. With `colours`, those of contrast alone. */
async function broken(page: Page, colours: boolean): Promise<string[]> {
  const results = await page.evaluate(async ([rules, only]) => {
    const { run } = (globalThis as unknown as { axe: typeof axe }).axe;
    const { violations } = await run({ resultTypes: ['violations'], runOnly: only ? { type: 'rule', values: ['color-contrast'] } : { type: 'tag', values: rules } });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, all, none }) =>
      `${id}: ${target.join(' ')}: ${[...any, ...all, ...none].map(({ message }) => message).join('; ')}`));
  }, [RULES, colours] as const);
  return results;
}

/** In what Chromium tells screen readers, each element that can have the focus has a role and a name, and what happens is read aloud. */
async function untold(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const told = nodes.filter(({ ignored }) => !ignored).map(({ role, name, properties = [] }) =>
    ({ role: role?.value as string, name: name?.value as string, ...Object.fromEntries(properties.map((property): [string, unknown] => [property.name, property.value.value])) as { focusable?: boolean; live?: string } }));
  const wrong = told.filter(({ role, name, focusable }) => focusable && role !== 'RootWebArea' && (!name || !role || role === 'generic'))
    .map(({ role, name }) => `a control has the role '${role}' and the name '${name}'`);
  return told.some(({ role, live }) => role === 'status' && live === 'polite') ? wrong : [...wrong, 'nothing that happens is read aloud'];
}

/** The Tab key reaches every control, in the order of the document, and each shows that it has the focus. */
async function unreached(page: Page): Promise<string[]> {
  const wanted = await page.evaluate((tabbable) => {
    const nameOf = (one: Element): string => `${one.localName}${one.id && `#${one.id}`} '${(one.getAttribute('aria-label') ?? one.textContent ?? '').slice(0, 20)}'`;
    const [reached, unseen]: string[][] = [[], []];
    Object.assign(globalThis, { reached, unseen });
    // Wherever the focus was, it begins before the first control.
    document.body.tabIndex = -1;
    document.body.focus();
    addEventListener('focusin', ({ target }) => {
      reached!.push(nameOf(target as Element));
      if (getComputedStyle(target as Element).outlineStyle === 'none') unseen!.push(nameOf(target as Element));
    });
    return [...document.querySelectorAll(tabbable)].filter((one) => one.checkVisibility({ visibilityProperty: true })).map(nameOf);
  }, TABBABLE);
  for (let n = 0; n < wanted.length; n++) await page.keyboard.press('Tab');
  const { reached, unseen } = await page.evaluate(() => {
    const { reached, unseen } = globalThis as unknown as { reached: string[]; unseen: string[] };
    document.body.removeAttribute('tabindex');
    return { reached, unseen };
  });
  return [
    ...(JSON.stringify(reached) === JSON.stringify(wanted) ? [] : [`the Tab key leads to ${reached.join(', ')}; there are ${wanted.join(', ')}`]),
    ...unseen.map((one) => `${one} does not show that it has the focus`),
  ];
}

/** What is wrong with the page as it is now, in the light and in the dark. */
export async function barriers(page: Page): Promise<string[]> {
  if (await page.evaluate(() => !('axe' in globalThis))) await page.evaluate(readFileSync(pathOf('node_modules/axe-core/axe.min.js'), 'utf8'));
  const found: string[] = [];
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await broken(page, colorScheme === 'dark')).map((problem) => `in the ${colorScheme}: ${problem}`));
  }
  if (!inFirefox) found.push(...await untold(page));
  found.push(...await unreached(page));
  return found;
}
