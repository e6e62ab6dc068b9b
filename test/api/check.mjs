// Checks that the seed header's declarations are all there, with their
// signatures, covered by tests, that every code of AioError is in use, that the libraries
// keep their own names to themselves, that no file includes or imports one of a higher room, and
// that the files which are made from the sources are up to date.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checks as callChecks } from './calls.mjs';
import { coverage, definition, seed, tests } from './declarations.mjs';
import { CODES_TS, errorCodes } from './error-codes.mjs';
import { generated } from './generate.mjs';
import { checks as roomChecks } from './rooms.mjs';
import { checks as symbolChecks } from './symbols.mjs';
import { checks as transcriptChecks } from './transcripts.mjs';
import { checks as tsRoomChecks } from './ts-rooms.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const cc = process.env.CC ?? 'cc';

const names = (entries) => entries.map(({ name }) => name);

function compile(file, ...args) {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: top }, (error, out, err) => resolve(error ? err || error.message : ''));
  });
}

const checks = {
  'the list of declarations is whole'() {
    const entries = seed();
    assert.equal(new Set(names(entries)).size, entries.length);
    assert.equal(entries.length, 71);
  },

  'every one is defined'() {
    const missing = seed().filter((entry) => !definition(entry));
    assert.deepEqual(names(missing), []);
  },

  // A declaration that differs from the header's does not compile beside it.
  async 'every one has its signature'() {
    const dir = join('build', 'test', 'api');
    const file = join(dir, 'signatures.c');
    mkdirSync(join(top, dir), { recursive: true });
    const lines = seed()
      .filter(({ signature }) => signature)
      .map(({ kind, name, signature }) => {
        if (kind !== 'inline') return `${signature};`;
        return `${signature.replace(new RegExp(`\\b${name}\\(`), `(*${name}_is)(`)} = ${name};`;
      });
    writeFileSync(join(top, file), `#include "qemu/osdep.h"\n#include "block/aio.h"\n${lines.join('\n')}\n`);
    assert.equal(await compile(cc, '-Werror', '-Wall', '-Icore-c/include', '-fsyntax-only', file), '');
    assert.equal(await compile('wasm/aiocc', '-Werror', '-Wall', '-fsyntax-only', file), '');
  },

  'every one is covered by a test'() {
    const all = tests();
    assert.ok(all.length > 100);
    const missing = seed().filter((entry) => coverage(entry, all).length === 0);
    assert.deepEqual(names(missing), []);
  },

  'every code of AioError is thrown somewhere'() {
    const sources = ['ts/src', 'wasm/port', 'wasm/runtime'].flatMap((dir) =>
      readdirSync(join(top, dir), { recursive: true }).filter((name) => /\.(ts|c)$/.test(name)).map((name) => join(dir, name)));
    const text = sources.filter((name) => name !== CODES_TS).map((name) => readFileSync(join(top, name), 'utf8')).join('\n');
    const unused = errorCodes().filter(({ code, name }) => !text.includes(`'${code}'`) && !text.includes(`(AIO_ERROR_${name},`));
    assert.deepEqual(names(unused), []);
  },

  ...symbolChecks,
  ...callChecks,
  ...roomChecks,
  ...tsRoomChecks,
  ...transcriptChecks,
};
for (const [name, made] of Object.entries(generated)) {
  checks[`${name} is up to date`] = () => {
    const file = join(top, name);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    assert.ok(text === made(), 'run: node test/api/generate.mjs');
  };
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runApi() {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, run] of Object.entries(checks)) {
    try {
      await run();
      count.passed++;
      if (process.env.V) process.stdout.write(`  passed api: ${name}\n`);
    } catch (error) {
      count.failed++;
      process.stdout.write(`  FAILED api: ${name}\n${String(error.message ?? error).replace(/^/gm, '      ')}\n`);
    }
  }
  return count;
}
