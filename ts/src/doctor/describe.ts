// SPDX-License-Identifier: MIT
import { isArrayOf, isOneOf, isText, optionsOf, type Check, type Checks } from '../check.js';
import type { Finding } from './finding.js';

const marks = { ok: 'ok   ', note: 'note ', fault: 'FAULT' };
const checks: Checks<Finding> = { about: isText, state: isOneOf(Object.keys(marks)), message: isText, remedy: isText };
const isFinding: Check = (name, value) => {
  const read: Partial<Finding> = optionsOf(value as Finding, checks, name);
  for (const key of Object.keys(checks) as (keyof Finding)[]) checks[key](`${name}.${key}`, read[key]);
};
const areFindings = isArrayOf(isFinding, 'findings of doctor()');

/**
 * Returns the findings of {@link doctor} as text for people, one paragraph each.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function describeFindings(findings: readonly Finding[]): string {
  areFindings('findings', findings);
  return findings
    .map(({ about, state, message, remedy }) => `${marks[state]} ${about}: ${message}\n${remedy.replace(/^(?=.)/gm, '        ')}${remedy && '\n'}`)
    .join('');
}
