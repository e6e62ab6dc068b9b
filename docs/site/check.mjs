// What must be true of the site: each link leads to a page and a heading that there are, and each
// of the questions that people ask is answered by the first hit of one search.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Questions, and the heading that a search for each must show first. */
const QUESTIONS = {
  'how do I wake a worker': /threads\.html#how-do-i-wake-a-worker$/,
  'why does my process not end': /hangs\.html#why-does-my-process-not-end$/,
  'how do I port poll(2) code': /c\.html#how-do-i-port-poll2-code$/,
  'what happens when my callback throws': /threads\.html#what-happens-when-my-callback-throws$/,
  'which thread may call this': /threads\.html#which-thread-may-call-this$/,
};

/** One sentence for each link that leads nowhere, or is not relative. */
export function checkLinks(html) {
  const files = readdirSync(html, { recursive: true }).map(String).filter((name) => name.endsWith('.html'));
  const text = new Map(files.map((name) => [name, readFileSync(join(html, name), 'utf8')]));
  const ids = new Map([...text].map(([name, body]) => [name, new Set([...body.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id))]));
  const faults = new Set();
  for (const [page, body] of text) {
    for (const [, href] of body.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
      if (/^\w+:/.test(href)) continue;
      const [path, anchor] = href.replaceAll('&amp;', '&').split('#');
      let target = path === '' ? page : posix.join(posix.dirname(page), decodeURI(path));
      if (path.endsWith('/')) target = posix.join(target, 'index.html');
      const known = ids.get(target);
      if (known ? anchor !== undefined && anchor !== '' && !known.has(decodeURIComponent(anchor)) : path.startsWith('/') || !existsSync(join(html, target))) faults.add(`${page} links to ${href}, which leads nowhere`);
    }
  }
  return [...faults];
}

/** The search of the site, as its page does it. */
export async function searchOf(html) {
  const require = createRequire(import.meta.url);
  const { default: MiniSearch } = await import(pathToFileURL(require.resolve('minisearch', { paths: [require.resolve('vitepress')] })).href);
  const chunks = join(html, 'assets', 'chunks');
  const chunk = readdirSync(chunks).find((name) => name.startsWith('@localSearchIndex'));
  const { default: index } = await import(pathToFileURL(join(chunks, chunk)).href);
  return MiniSearch.loadJSON(index, {
    fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'],
    searchOptions: { fuzzy: 0.2, prefix: true, boost: { title: 4, text: 2, titles: 1 } },
  });
}

/** One sentence for each question that a search does not answer. */
export async function checkQuestions(html) {
  const index = await searchOf(html);
  return Object.entries(QUESTIONS).flatMap(([question, answer]) => {
    const [first] = index.search(question);
    return first && answer.test(first.id) ? [] : [`a search for "${question}" shows ${first?.id ?? 'nothing'} first`];
  });
}
