// SPDX-License-Identifier: MIT
// What no test runs, and why: argued.txt. An entry is a line `FILE FUNCTION: TEXT` and, indented below it, the reason. TEXT is the first line
// of what is not run; lines that follow it without one that is run belong to it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { top } from '../execute.mjs';

function readEntries() {
  const entries = new Map();
  let last;
  for (const line of readFileSync(new URL('argued.txt', import.meta.url), 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (/^\s/.test(line)) last.reason += ` ${line.trim()}`;
    else entries.set(line, (last = { file: line.split(' ')[0], text: line.replace(/^\S+ \S+: /, ''), reason: '' }));
  }
  return entries;
}

/**
 * Prints what was not run, and returns how much of it is neither argued nor in a file in which it may be left. An entry for something that
 * is no longer there, or that has no reason, fails as well. What is argued may be run: much of it is a matter of chance.
 */
export function compare(files, folder, isStrict) {
  const entries = readEntries();
  let failed = 0;
  const complain = (text) => {
    failed++;
    process.stdout.write(`  FAILED   ${text}\n`);
  };
  for (const [entry, { file, text, reason }] of entries) {
    if (!file.startsWith(folder)) continue;
    if (reason === '') complain(`argued.txt gives no reason for ${entry}`);
    if (!readFileSync(join(top, file), 'utf8').includes(text)) complain(`argued.txt: ${file} no longer has the text ${text}`);
  }
  for (const [file, { holes }] of files) {
    for (const { name, lines, text } of holes) {
      const isArgued = entries.has(`${file} ${name}: ${text}`);
      const where = `${file}:${lines[0]}${lines.length > 1 ? `-${lines.at(-1)}` : ''}`;
      if (!isArgued && isStrict(file)) complain(`${where} is not run: ${name}: ${text}`);
      else process.stdout.write(`  ${isArgued ? 'argued  ' : 'not run '} ${where} ${name}: ${text}\n`);
    }
  }
  return failed;
}
