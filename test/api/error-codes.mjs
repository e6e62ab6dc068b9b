// The codes of AioError: read from the list that C has, written for TypeScript and
// for docs/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const LIST = 'wasm/port/error-codes.def';

/** [{code, name, when, lives, remedy}]: code as TypeScript has it, name as C has it. */
export function errorCodes() {
  const text = readFileSync(join(top, LIST), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const string = (literals) => [...literals.matchAll(/"([^"]*)"/g)].map(([, part]) => part).join('');
  const texts = String.raw`,\s*((?:"[^"]*"\s*)+)`;
  const entry = new RegExp(String.raw`AIO_ERROR\((\w+)${texts}${texts}${texts}\)`, 'g');
  const found = [...text.matchAll(entry)].map(([, name, when, lives, remedy]) => ({
    code: `ERR_AIO_${name}`, name, when: string(when), lives: string(lives), remedy: string(remedy),
  }));
  const rest = text.replace(entry, '').trim();
  if (rest !== '') throw new Error(`${LIST}: not understood: ${rest.split('\n')[0]}`);
  return found;
}

const made = (comment, end) => `${comment} Made by \`node test/api/generate.mjs\` from ${LIST}; do not edit.${end}`;

export const CODES_TS = 'ts/src/error-codes.ts';
export function codesTypeScript() {
  const entries = errorCodes();
  return `// SPDX-License-Identifier: MIT
${made('//', '')}

/** The code of an AioError, which says what kind of error it is. A code keeps its meaning in later versions. */
export type AioErrorCode =
${entries.map(({ code, when }) => `  /** ${when} */\n  | '${code}'`).join('\n')};

/** By the number that C has for each. @internal */
export const errorCodes: readonly AioErrorCode[] = [
${entries.map(({ code }) => `  '${code}',`).join('\n')}
];
`;
}

export const CODES_PAGE = 'docs/errors.md';
export function codesPage() {
  return `${made('<!--', ' -->')}
# Errors

Every error that the package throws by itself is an \`AioError\`. Its \`code\` is one of those below, and a code never changes its
meaning; \`errno\` is the name of an errno, if there is one; \`cause\` is the error behind it, if there is one. Compare codes, not
messages: messages are for people and may change.

| code | when | what still works | what to do |
|---|---|---|---|
${errorCodes().map(({ code, when, lives, remedy }) => `| \`${code}\` | ${when} | ${lives} | ${remedy} |`).join('\n')}

[Troubleshooting](troubleshooting.md) lists common problems by what you see.
`;
}
