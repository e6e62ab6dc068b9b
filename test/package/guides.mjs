// The examples of README.md and docs/guides/ do what they say. A block whose first line is a
// comment with a file's name becomes that file; a block `console` has commands (after "$ ")
// and what they print, where … stands for anything; a block `text` is what a page shows.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execute, top } from './room.mjs';

const NAME = /^(?:\/\/|<!--|#|\/\*) ([\w.-]+\.\w+)(?: -->| \*\/)?\n/;
/** What the room has done already, from the tarball. */
const DONE = /^npm install (--save-dev )?(wasm-aio|vite)$/;

/** [{language, body}] of a page. */
const blocksOf = (page) =>
  [...readFileSync(join(top, page), 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, body]) => ({ language, body }));

/** [{command, shows}] of a console block. */
function commandsOf(body) {
  const commands = [];
  for (const line of body.split('\n').slice(0, -1)) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), shows: '' });
    else if (commands.length > 0) commands.at(-1).shows += `${line}\n`;
    else throw new Error(`a console block begins with "$ ", not with: ${line}`);
  }
  return commands;
}

/** What is shown, as a pattern of all that is printed. */
function pattern(shows) {
  const lines = shows.split('\n').slice(0, -1).map((line) =>
    line === '…' ? '(?:.*\n)*?' : `${line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}\n`);
  return new RegExp(`^${lines.join('')}$`);
}

/** Tests by name: env is for aiocc; inVite gives the text of the page in a folder, by both servers. */
export function guideTests(room, env, inVite) {
  const tests = {};
  for (const page of ['README.md', ...readdirSync(join(top, 'docs', 'guides')).map((name) => join('docs', 'guides', name))]) {
    tests[`${page}: its examples`] = async () => {
      // In the app, where its packages are found.
      const folder = join('app', 'guides', page.replaceAll('/', '-'));
      const run = (command) => execute('/bin/sh', ['-c', `exec 2>&1; ${command}`], {
        cwd: room.path(folder), env: { ...process.env, ...env, PATH: `${room.path('app/node_modules/.bin')}:${process.env.PATH}` },
      });
      let ran = 0;
      let shown;
      room.write(join(folder, 'package.json'), '{ "type": "module", "private": true }\n');
      for (const { language, body } of blocksOf(page)) {
        const [line, name] = NAME.exec(body) ?? [];
        if (name !== undefined) room.write(join(folder, name), body.slice(line.length));
        else if (language === 'text') shown = body.trimEnd();
        else if (language !== 'console') assert.fail(`${page}: a block that nobody runs:\n${body}`);
      }
      for (const { body } of blocksOf(page).filter(({ language }) => language === 'console')) {
        for (const { command, shows } of commandsOf(body)) {
          if (DONE.test(command)) continue;
          // What npx finds is on the PATH.
          const { out } = await run(command.replaceAll('npx ', ''));
          assert.match(out, pattern(shows), `${page}: $ ${command}\n${out}\ninstead of\n${shows}`);
          ran++;
        }
      }
      if (shown !== undefined) {
        for (const text of await inVite(room.path(folder))) assert.equal(text, shown);
        ran++;
      }
      assert.ok(ran > 0, `${page}: nothing was run`);
    };
  }
  return tests;
}
