// SPDX-License-Identifier: MIT
// From samples to figures, and from figures to a table.
import { CALL, GOALS } from './plan.mjs';

const quantile = (sorted, q) => sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)];
const median = (values) => quantile([...values].sort((a, b) => a - b), 0.5);
const rounded = (value) => Number(value.toPrecision(5));

/** All samples of one line in one runtime, a list a round. */
export class Line {
  rounds = [];

  constructor(name, runtime, unit) {
    this.name = name;
    this.runtime = runtime;
    this.unit = unit;
  }

  figures() {
    const sorted = this.rounds.flat().sort((a, b) => a - b);
    return {
      name: this.name,
      value: rounded(quantile(sorted, 0.5)),
      unit: this.unit,
      min: rounded(sorted[0]),
      max: rounded(sorted.at(-1)),
      p99: rounded(quantile(sorted, 0.99)),
      n: sorted.length,
      runtime: this.runtime,
    };
  }
}

function text(value, unit) {
  const scales = {
    ns: [[1e6, ' ms'], [1e3, ' µs'], [1, ' ns']], B: [[1024 ** 2, ' MiB'], [1024, ' KiB'], [1, ' B']], '%': [[1, ' %']],
  }[unit] ?? [[1e6, ' M/s'], [1e3, ' k/s'], [1, ' /s']];
  const [scale, name] = scales.find(([s]) => value >= s) ?? scales.at(-1);
  return Number((value / scale).toPrecision(3)) + name;
}

function table(rows, rightAligned) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) => row.map((cell, i) => (rightAligned.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ').trimEnd())
    .join('\n');
}

/** The native builds come first; the others are Nodes. */
const NATIVE = ['base', 'native'];
const runtimesOf = (lines) => {
  const all = new Set([...lines.values()].map(({ runtime }) => runtime));
  return { native: NATIVE.filter((runtime) => all.has(runtime)), nodes: [...all].filter((runtime) => !NATIVE.includes(runtime)).sort() };
};

/** lines: Map "name runtime" → Line. */
export function figuresTable(lines) {
  const names = [...new Set([...lines.values()].map(({ name }) => name))];
  const { native, nodes } = runtimesOf(lines);
  const runtimes = [...native, ...nodes];
  const cell = (line) => {
    if (!line) return ['', ''];
    const { value, p99, unit } = line.figures();
    return [text(value, unit), text(p99, unit)];
  };
  return table([
    ['line', ...runtimes.flatMap((runtime) => [runtime, 'p99'])],
    ...names.map((name) => [name, ...runtimes.flatMap((runtime) => cell(lines.get(`${name} ${runtime}`)))]),
  ], runtimes.flatMap((_, n) => [2 * n + 1, 2 * n + 2]));
}

/**
 * A goal's ratio is that of the two medians over all rounds; beside it the
 * smallest and the largest that a single round gave, which shows how steady it is.
 */
export function goalsTable(lines) {
  const { nodes } = runtimesOf(lines);
  const rows = GOALS.flatMap((goal) => (goal.ours === 'node' ? nodes : [goal.ours]).flatMap((runtime) => goalRow(lines, goal, runtime)));
  return rows.length === 0 ? '' : table([['line', 'in', 'goal', 'ratio', 'by round', ''], ...rows], [3]);
}

/** One goal in one runtime, as a row; none if it was not measured. */
function goalRow(lines, { line, bound, factor, of, allowed = 0, allowedText, runtime, most, text: limit }, ourRuntime) {
  const ours = lines.get(`${line} ${ourRuntime}`);
  if (ours && most !== undefined) {
    const { value } = ours.figures();
    return [[line, ourRuntime, `≤ ${limit}`, (value / most).toFixed(2), '', value <= most ? 'met' : 'MISSED']];
  }
  const theirs = lines.get(`${of} ${runtime === 'node' ? ourRuntime : runtime}`);
  if (!ours || !theirs) return [];
  const ratio = (ours.figures().value - allowed) / theirs.figures().value;
  const each = ours.rounds.flatMap((samples, i) =>
    samples.length > 0 && theirs.rounds[i]?.length > 0 ? [(median(samples) - allowed) / median(theirs.rounds[i])] : []);
  const met = bound === '<=' ? ratio <= factor : ratio >= factor;
  return [[
    line,
    ourRuntime,
    `${bound === '<=' ? '≤' : '≥'} ${factor} × ${of === line ? runtime : of}${allowedText ? ` + ${allowedText}` : ''}`,
    ratio.toFixed(2),
    each.length > 0 ? `${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)}` : '',
    met ? 'met' : 'MISSED',
  ]];
}

/** What is to be known beside the goals. */
export function notes(lines) {
  const result = [];
  const [native, node] = ['native', 'node'].map((runtime) => lines.get(`${CALL} ${runtime}`)?.figures().value);
  if (native && node) {
    const nearest = ['a_bh_schedule_poll', 'a_oneshot_schedule_poll', 'a_bh_batch1000', 'a_oneshot_batch1000'].flatMap((name) => {
      const whole = lines.get(`${name} native`)?.figures().value;
      return whole ? [`${name} ${((whole + node - native) / whole).toFixed(2)}`] : [];
    });
    result.push(`An indirect call takes ${text(native, 'ns')} natively and ${text(node, 'ns')} in WebAssembly, and each bottom half is one.`
      + (nearest.length > 0 ? `\nWere all else equal, the ratios would be: ${nearest.join(', ')}.` : ''));
  }
  if (lines.has('p_postmessage_g_pool_depth64 node')) {
    result.push('p_postmessage_g_pool_depth64 is what the pools of npm are built of: a job at a time to each worker, by postMessage.');
  }
  return result;
}
