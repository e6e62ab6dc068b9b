// SPDX-License-Identifier: MIT
import { isArrayOf, isOneOf, isText, optionsOf, type Check, type Checks } from '../check.js';

/** What {@link doctor} looked at, and what it saw. */
export interface Finding {
  readonly about: 'isolation' | 'engine' | 'module' | 'memory' | 'workers';
  /** note: it works, but would better be changed. */
  readonly state: 'ok' | 'note' | 'fault';
  /** One line. */
  readonly message: string;
  /** What to do; may have several lines. Empty if nothing. */
  readonly remedy: string;
}

type About = Finding['about'];

export const ok = (about: About, message: string): Finding => ({ about, state: 'ok', message, remedy: '' });
export const note = (about: About, message: string, remedy: string): Finding => ({ about, state: 'note', message, remedy });
export const fault = (about: About, message: string, remedy: string): Finding => ({ about, state: 'fault', message, remedy });

const marks = { ok: 'ok   ', note: 'note ', fault: 'FAULT' };
const checks: Checks<Finding> = { about: isText, state: isOneOf(Object.keys(marks)), message: isText, remedy: isText };
const isFinding: Check = (name, value) => {
  const read: Partial<Finding> = optionsOf(value as Finding, checks, name);
  for (const key of Object.keys(checks) as (keyof Finding)[]) checks[key](`${name}.${key}`, read[key]);
};
const areFindings = isArrayOf(isFinding, 'findings of doctor()');

/** As text for people, a paragraph each. */
export function describeFindings(findings: readonly Finding[]): string {
  areFindings('findings', findings);
  return findings
    .map(({ about, state, message, remedy }) => `${marks[state]} ${about}: ${message}\n${remedy.replace(/^(?=.)/gm, '        ')}${remedy && '\n'}`)
    .join('');
}
