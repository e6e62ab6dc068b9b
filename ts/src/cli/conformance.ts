// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import { runCases } from './conformance-run.js';
import { loadSuite, PROGRAM, type Judged, type Result, type RuntimeVersion, type Suite, type SuiteCase } from './conformance-suite.js';
import { helpOf, parseOptions, suggestion, UsageError, type Command } from './options.js';
import { print } from './output.js';

const options = {
  area: { value: 'NAME', help: 'only the cases of this area; more than once: of each' },
  case: { value: 'ID', help: 'only this case; more than once: each' },
  tap: { help: 'print the results as TAP 14' },
  json: { help: 'print the results as JSON' },
  junit: { help: 'print the results as JUnit XML' },
  list: { help: 'list the cases, with the clauses that they test' },
  repro: { value: 'ID', help: 'print a script that shows what this case tests, and needs nothing else' },
};

const command: Command<keyof typeof options> = {
  name: 'conformance',
  usage: '[OPTION...]',
  about: 'Tests what programs with shared memory need of a JavaScript runtime, in the one that runs this: Node, Deno or Bun. The exit code is 1 if it fails in a way that is not known.',
  options,
  operands: 0,
  footer: 'In a browser: `wasm-aio serve` and its page /conformance (docs/conformance.md).',
};

/** Areas that run at the same time. */
const AT_ONCE = 2;

const isBad = ({ verdict }: Judged): boolean => verdict === 'failed' || verdict === 'fixed';
const wrong = ({ verdict, text }: Judged): string => (verdict === 'fixed' ? 'it passes, but is listed as a known failure: take it out of ts/conformance/expected.js' : text);

function text(results: readonly Judged[], { name, version }: RuntimeVersion, { areas }: Suite): string {
  const marks: Record<Judged['verdict'], string> = { passed: '', 'not run': '', expected: 'known', failed: 'FAILED', fixed: 'FIXED', differs: 'differs' };
  const lines = results.filter(({ verdict }) => marks[verdict] !== '').map((one) =>
    `${marks[one.verdict].padEnd(8)}${one.id}: ${wrong(one)}${one.why === undefined ? '' : ` (${one.why})`}\n`);
  const columns: [string, (one: Judged) => boolean][] = [
    ['passed', ({ verdict }) => verdict === 'passed'], ['known', ({ verdict }) => verdict === 'expected'], ['failed', isBad],
    ['differs', ({ verdict }) => verdict === 'differs'], ['not run', ({ verdict }) => verdict === 'not run'],
  ];
  const rows = [...areas.map(({ area }) => [area, results.filter(({ id }) => id.startsWith(`${area}/`))] as const), ['all', results] as const]
    .filter(([, own]) => own.length > 0)
    .map(([area, own]) => area.padEnd(14) + columns.map(([title, test]) => String(own.filter(test).length).padStart(title.length + 2)).join(''));
  return `${lines.join('')}${lines.length > 0 ? '\n' : ''}${`${name} ${version}`.padEnd(14)}${columns.map(([title]) => `  ${title}`).join('')}\n${rows.join('\n')}\n`;
}

function tap(results: readonly Judged[]): string {
  const line = (one: Judged, n: number): string => {
    const directive = one.verdict === 'not run' ? ` # SKIP ${one.text}` : one.verdict === 'expected' || one.verdict === 'differs' ? ` # TODO ${one.why ?? 'this version is newer than the list of known failures'}` : '';
    const detail = one.status === 'failed' || isBad(one) ? `  ---\n  message: ${JSON.stringify(wrong(one))}\n  ...\n` : '';
    return `${one.status === 'failed' || one.verdict === 'fixed' ? 'not ok' : 'ok'} ${n + 1} - ${one.id}${directive.replaceAll('\n', ' ')}\n${detail}`;
  };
  return `TAP version 14\n1..${results.length}\n${results.map(line).join('')}`;
}

const escaped = (value: string): string => value.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
  // Characters that XML does not have.
  .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '?');

function junit(results: readonly Judged[], { name, version }: RuntimeVersion): string {
  const rows = results.map((one) => {
    const inside = isBad(one) ? `<failure message="${escaped(wrong(one))}"/>`
      : one.verdict === 'passed' ? '' : `<skipped message="${escaped(`${one.verdict}: ${one.why ?? one.text}`)}"/>`;
    const [area, ...rest] = one.id.split('/');
    return `    <testcase classname="${area}" name="${rest.join('/')}" time="${(one.ms / 1000).toFixed(3)}">${inside}</testcase>\n`;
  });
  const failures = results.filter(isBad).length;
  const skipped = results.filter((one) => !isBad(one) && one.verdict !== 'passed').length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="conformance ${escaped(`${name} ${version}`)}" tests="${results.length}" failures="${failures}" skipped="${skipped}">\n${rows.join('')}  </testsuite>\n</testsuites>\n`;
}

function named<T>(names: readonly string[], what: string, known: readonly T[], nameOf: (one: T) => string): T[] {
  return names.map((name) => {
    const found = known.find((one) => nameOf(one) === name);
    if (found === undefined) throw new UsageError(`there is no ${what} '${name}': ${suggestion(name, known.map(nameOf), '', 'wasm-aio conformance --list')}`);
    return found;
  });
}

async function runAll(chosen: readonly SuiteCase[]): Promise<Result[]> {
  const results: Result[] = [];
  // The cases of an area share a process, so that what one area leaves behind does not disturb another.
  const areas = [...new Set(chosen.map(({ area }) => area))];
  const lane = async (): Promise<void> => {
    for (let area; (area = areas.shift()) !== undefined;) {
      const ids = chosen.filter((one) => one.area === area).map(({ id }) => id);
      await runCases(PROGRAM, ids, (result) => results.push(result));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, availableParallelism()) }, lane));
  const place = new Map(chosen.map(({ id }, n) => [id, n]));
  return results.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
}

/** The command `wasm-aio conformance`. Its exit code is 1 if a case fails that is not known to fail in this runtime. */
export async function conformance(argv: string[]): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  const suite = await loadSuite();
  const valuesOf = (option: string): string[] => given.all.filter(([name]) => name === option).map(([, value]) => value);
  const { repro, list } = given.last;
  if (repro !== undefined) {
    const [one] = named([repro], 'case', suite.cases, ({ id }) => id);
    if (one) await print(suite.reproduction(one));
    return 0;
  }
  const areas = named(valuesOf('area'), 'area', suite.areas, ({ area }) => area).map(({ area }) => area);
  const ids = named(valuesOf('case'), 'case', suite.cases, ({ id }) => id).map(({ id }) => id);
  const all = areas.length + ids.length === 0;
  const chosen = suite.cases.filter(({ id, area }) => all || areas.includes(area) || ids.includes(id));
  if (list !== undefined) {
    await print(chosen.map(({ id, title, clause }) => `${id}\n    ${title}\n    ${clause}\n`).join(''));
    return 0;
  }
  const runtime = suite.thisRuntime();
  const results = suite.judge(await runAll(chosen), runtime);
  if (given.last.json !== undefined) await print(`${JSON.stringify({ runtime, results })}\n`);
  else if (given.last.tap !== undefined) await print(tap(results));
  else if (given.last.junit !== undefined) await print(junit(results, runtime));
  else await print(text(results, runtime, suite));
  return results.some(isBad) ? 1 : 0;
}
