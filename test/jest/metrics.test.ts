// SPDX-License-Identifier: MIT
/** Runtime.metrics(): the values, and a text that keeps to the letter of OpenMetrics 1.0. */
import { expect, test } from '@jest/globals';
import { Runtime, type Metrics } from 'wasm-aio';
import { failure } from './helpers/errors.js';

interface Family {
  type: string;
  unit: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const TEXT = String.raw`(?:[^"\\\n]|\\[\\"n])*`;
const LABELS = new RegExp(String.raw`([a-zA-Z_][a-zA-Z0-9_]*)="(${TEXT})"`, 'g');
const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));

/** Reads OpenMetrics text by its grammar, and throws where that, or a rule about it, is broken. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const series = new Set<string>();
  if (!text.endsWith('# EOF\n')) throw new Error('it does not end with # EOF');
  let current: [string, Family] | undefined;
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const described = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.*)$`).exec(line);
    if (described) {
      const [, what, name = '', value = ''] = described;
      if (current?.[0] !== name) {
        if (families.has(name)) throw new Error(`the lines of ${name} are not together`);
        current = [name, { type: '', unit: '', help: '', samples: [] }];
        families.set(...current);
      }
      const [, family] = current;
      if (family.samples.length > 0) throw new Error(`${line}: it comes after a value`);
      const key = what === 'TYPE' ? 'type' : what === 'UNIT' ? 'unit' : 'help';
      if (family[key]) throw new Error(`${line}: a second time`);
      if (key === 'type' && !/^(counter|gauge)$/.test(value)) throw new Error(line);
      if (key === 'unit' && !name.endsWith(`_${value}`)) throw new Error(`${line}: the name does not end with the unit`);
      if (key === 'help' && !new RegExp(`^${TEXT}$`).test(value)) throw new Error(line);
      family[key] = key === 'help' ? unescaped(value) : value;
      continue;
    }
    const value = new RegExp(String.raw`^(${NAME})(?:\{(?!,)((?:,?${LABELS.source})+)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$`).exec(line);
    if (!value || !current) throw new Error(`not a value: ${line}`);
    const [, name = '', labels = ''] = value;
    const [familyName, { type, samples }] = current;
    if (name !== (type === 'counter' ? `${familyName}_total` : familyName)) throw new Error(`${line}: not of ${familyName}, a ${type}`);
    if (series.has(`${name}{${labels}}`)) throw new Error(`${line}: a second time`);
    series.add(`${name}{${labels}}`);
    samples.push({
      name, labels: Object.fromEntries([...labels.matchAll(LABELS)].map(([, label, of = '']) => [label, unescaped(of)])), value: Number(value.at(-1)),
    });
  }
  return families;
}

const valueOf = ({ families }: Metrics, name: string, labels: Record<string, string> = {}): number | undefined =>
  families.flatMap(({ samples }) => samples).find((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value;

test('the parser refuses what OpenMetrics does not allow', () => {
  const good = '# TYPE a counter\n# HELP a What \\"it\\" is.\na_total{b="c\\n"} 1\n# EOF\n';
  expect(parse(good).get('a')).toEqual({ type: 'counter', unit: '', help: 'What "it" is.', samples: [{ name: 'a_total', labels: { b: 'c\n' }, value: 1 }] });
  for (const [from, to] of [
    ['# EOF\n', ''], ['a_total', 'a'], ['} 1', '} NaN?'], ['c\\n', 'c"'], ['counter', 'number'], ['# HELP', '# UNIT'], ['a_total{b="c\\n"} 1', 'a_total 1\na_total 1'],
    ['# HELP a', '# TYPE b gauge\nb 1\n# HELP a'],
  ] as const) expect(() => parse(good.replace(from, to))).toThrow();
});

test('what loops, engines and IOThreads have done is counted', async () => {
  const runtime = await Runtime.create({ reserve: 1 });
  try {
    const strange = 'a "name"\\ of\ntwo lines';
    const context = runtime.createContext(strange);
    runtime.createContext('owner');
    const io = await runtime.iothread('io0');
    const file = await io.open(process.execPath, { aio: 'native' });
    const before = await runtime.metrics();
    for (let n = 0; n < 3; n++) await file.read(0, 4096);
    for (let n = 0; n < 5; n++) await io.clock();
    let ran = 0;
    await new Promise<void>((resolve) => {
      const bh = context.bottomHalf('counted', () => (++ran < 4 ? bh.schedule() : resolve()));
      bh.schedule();
    });
    const after = await runtime.metrics();
    const more = (name: string, labels?: Record<string, string>): number => (valueOf(after, name, labels) ?? NaN) - (valueOf(before, name, labels) ?? 0);
    expect(more('wasm_aio_engine_requests_total', { loop: 'io0', engine: 'native' })).toBe(3);
    expect(more('wasm_aio_loop_jobs_total', { loop: 'io0' })).toBe(3);
    expect(more('wasm_aio_calls_sent_total', { iothread: 'io0' })).toBe(5);
    expect(more('wasm_aio_loop_bottom_halves_total', { loop: strange })).toBe(4);
    expect(valueOf(after, 'wasm_aio_loop_hosted', { loop: 'owner' })).toBe(1);
    expect(valueOf(after, 'wasm_aio_workers')).toBe(runtime.workerCount);
    expect((valueOf(after, 'wasm_aio_memory_bytes') ?? NaN) % 65536).toBe(0);

    const parsed = parse(after.text);
    expect([...parsed]).toEqual(after.families.map(({ name, ...family }) => [name, family]));
    expect(parsed.get('wasm_aio_memory_bytes')?.unit).toBe('bytes');
    const loops = parsed.get('wasm_aio_loop_polls')?.samples.map(({ labels }) => labels['loop']);
    expect(loops?.sort()).toEqual([strange, 'io0', 'owner', 'owner (2)'].sort());
  } finally {
    await runtime.close();
  }
  await failure(runtime.metrics(), 'ERR_AIO_CLOSED');
});

test('an IOThread that was lost has no values', async () => {
  const runtime = await Runtime.create({ reserve: 1 });
  const io = await runtime.iothread('io0');
  await io.terminate();
  const { text } = await runtime.metrics();
  expect(parse(text).get('wasm_aio_calls_sent')?.samples).toEqual([]);
  expect(text).not.toContain('io0');
  await runtime.close();
});
