// SPDX-License-Identifier: MIT
// The tables of run.mjs, as text and for docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { callFigure } from './figure.mjs';

/** The yardsticks, and how much of each calls may take. */
const FLOORS = { y_ring: 1.25, y_wait: 1.15 };
const page = new URL('../../../docs/performance.md', import.meta.url);
const picture = new URL('../../../docs/images/call.svg', import.meta.url);
/** The line that the picture shows: the first table's. */
const PICTURED = 'r_call';
const HEAD = ['line', 'ours', 'beside', 'ratio', 'goal', 'CPU ratio', 'to the floor', 'others', 'what'];
const WIDTHS = [13, 9, 20, 6, 12, 10, 24, 46, 0];

export const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const micros = (ns) => (Number.isNaN(ns) ? 'not measured' : `${Number((ns / 1000).toPrecision(3))} µs`);
/** The median of the ratios of samples that were taken one after the other. */
const ratio = (ours, others, of) => median(ours.map((sample, n) => sample[of] / others[n][of]));
const fixed = (number) => (Number.isNaN(number) ? '' : number.toFixed(2));

export class Tables {
  #text = [];
  #pictured;

  begin(title) {
    console.log(`\n${title}`);
    console.log(HEAD.map((cell, n) => cell.padEnd(WIDTHS[n])).join(' '));
    this.#text.push('', `${title}:`, '', `| ${HEAD.join(' | ')} |`, `|${'---|'.repeat(HEAD.length)}`);
  }

  /** samples: by contender, as those of a line are; `ns` and `cpu` of each. */
  line(name, { what, goal, by }, samples) {
    const [ours, beside, ...others] = Object.keys(by);
    const time = (contender) => micros(median(samples[contender].map(({ ns }) => ns)));
    if (name === PICTURED) this.#pictured ??= Object.fromEntries(Object.entries(samples).map(([contender, list]) => [contender, median(list.map(({ ns }) => ns))]));
    const is = ratio(samples[ours], samples[beside], 'ns');
    const floor = Object.keys(FLOORS).find((contender) => samples[contender]);
    const toFloor = floor ? ratio(samples[ours], samples[floor], 'ns') : NaN;
    const cells = [
      name, time(ours), `${beside} ${time(beside)}`, fixed(is), goal === undefined ? '' : `≤ ${goal}${is > goal ? ' missed' : ''}`,
      fixed(ratio(samples[ours], samples[beside], 'cpu')), floor ? `${fixed(toFloor)} of ${floor}${toFloor > FLOORS[floor] ? ', missed' : ''}` : '',
      others.map((contender) => `${contender} ${time(contender)}`).join(', '), what,
    ];
    console.log(cells.map((cell, n) => cell.padEnd(WIDTHS[n])).join(' '));
    this.#text.push(`| ${cells.join(' | ')} |`);
  }

  /** Puts the tables between the marks in docs/performance.md, and draws the picture of the README. */
  write() {
    const machine = `Node ${process.versions.node}, ${cpus().length} CPUs (${cpus()[0].model.trim()}), ${new Date().toISOString().slice(0, 10)}`;
    if (this.#pictured) writeFileSync(picture, callFigure(this.#pictured, `${machine}; both threads on CPUs of their own (make bench-calls DOCS=1)`));
    const text = readFileSync(page, 'utf8').replace(/(<!-- bench-calls -->\n)[\s\S]*(<!-- end -->)/, (_, begin, end) => [`${begin}${machine}, load ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}.`, ...this.#text, end].join('\n'));
    writeFileSync(page, text);
  }
}
