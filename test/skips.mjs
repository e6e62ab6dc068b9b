// Skipped tests: reported and counted in one place. Where CI is set, only those that
// test/skips.txt lists may be skipped; any other is a failure.
import { readFileSync } from 'node:fs';

const inCi = !['', '0', 'false'].includes(process.env.CI ?? '');
const allowed = readFileSync(new URL('skips.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.replace(/#.*/, '').trim())
  .filter((pattern) => pattern !== '')
  .map((pattern) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')).join('.*')}$`));

/**
 * Reports that a test, or a whole suite, cannot run here, and adds it to the sums.
 * @param {{failed: number, skipped: number}} count
 * @param {string} name suite:test; what test/skips.txt has to match is this, and `: reason` if there is one
 */
export function skip(count, name, reason = '', tests = 1) {
  const text = reason === '' ? name : `${name}: ${reason}`;
  const failed = inCi && !allowed.some((pattern) => pattern.test(text));
  count[failed ? 'failed' : 'skipped'] += tests;
  process.stdout.write(failed ? `  FAILED ${text}: skipped, and not in test/skips.txt\n` : `  skipped ${text}\n`);
}
