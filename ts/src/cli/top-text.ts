// SPDX-License-Identifier: MIT
/** What `wasm-aio top` shows. */
import type { LoopReport, Took } from '../trace/loops.js';
import { paragraph, terms } from './output.js';
import type { TopAnswer } from './top-server.js';

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** A time in ms, with as many digits as matter. */
function ms(time: number): string {
  if (time >= 60_000) return `${Math.floor(time / 60_000)} min ${Math.floor((time % 60_000) / 1000)} s`;
  if (time >= 1000) return `${(time / 1000).toFixed(1)} s`;
  return time >= 100 ? `${time.toFixed()} ms` : time >= 1 ? `${time.toFixed(1)} ms` : `${(time * 1000).toFixed()} µs`;
}

const took = ({ name, kind, duration }: Took): string => `${name} (${kind}) ${ms(duration)}`;

/** At most so many of a kind are listed. */
const MOST = 6;
function listed(items: readonly string[]): string {
  const more = items.length - MOST;
  return more > 0 ? `${items.slice(0, MOST).join(', ')} and ${more} more` : items.join(', ');
}

function doing({ state, isDriven, since, running }: LoopReport): string {
  if (running.length > 0) return `runs ${running.map(took).join(', in it ')}`;
  const time = ms(since);
  if (state !== 'outside') return `${state} for ${time}`;
  if (!isDriven) return `in no iteration for ${time}: its thread does something else, or has not called aio_poll()`;
  return `asleep for ${time} in the event loop that drives it`;
}

/** What may wake it. */
function waits({ state, fds, left, requests, jobs }: LoopReport): string {
  const all = [
    ...requests.map(({ kind, count, oldest }) => `${plural(count, 'request')} (${kind}), the oldest for ${ms(oldest)}`),
    ...jobs.map(({ name, duration, thread }) => `${name} runs in ${thread} for ${ms(duration)}`),
    ...(left >= 0 ? [`a timer in ${ms(left)}`] : []),
    ...(fds.length > 0 ? [listed(fds.map(({ fd, kind }) => `fd ${fd} (${kind})`))] : []),
  ];
  return all.length > 0 ? all.join('; ') : state === 'asleep' ? 'nothing but notifications of other threads' : 'nothing';
}

/** What it did since the last answer. */
function rates(loop: LoopReport, before: LoopReport | undefined, time: number): string {
  const seconds = Math.max(time, 1) / 1000;
  const a = (count: number, one: string): string => `${one} ${(count / seconds).toFixed()}/s`;
  const share = (state: keyof LoopReport['spent']): string =>
    `${Math.min(((loop.spent[state] - (before?.spent[state] ?? 0)) / Math.max(time, 1)) * 100, 100).toFixed()}%`;
  return `${a(loop.iterations - (before?.iterations ?? 0), 'iterations')}, ${a(loop.callbacks - (before?.callbacks ?? 0), 'call-backs')}; `
    + `awake ${share('awake')}, polling ${share('polling')}, asleep ${share(loop.isDriven ? 'outside' : 'asleep')}`;
}

function loopText(loop: LoopReport, before: LoopReport | undefined, time: number): string {
  const { name, thread, wakers, longest } = loop;
  const title = thread === name || thread === `IO ${name}` ? name : `${name} (in thread ${thread})`;
  return paragraph(`${title}: ${doing(loop)}`) + terms([
    ['waits for', waits(loop)],
    ['woken by', wakers.length > 0 ? listed(wakers.map(({ by, count }) => `${by} ${plural(count, 'time')}`)) : 'nobody so far'],
    ['does', rates(loop, before, time)],
    ['longest', longest ? took(longest) : 'no call-back so far'],
  ]);
}

/** The answer as text; last: the answer before it, since which rates are counted. */
export function answerText({ program, pid, report }: TopAnswer, last: TopAnswer | undefined): string {
  const title = `${program} (pid ${pid})`;
  if (!report) return paragraph(`${title} has no loops: its main() has not begun, or aiocc has not built it.`);
  const { time, lost, loops, fresh } = report;
  const before = last?.report;
  const head = paragraph(`${title}, watched for ${ms(time)}: ${plural(loops.length + fresh, 'loop')}${fresh > 0 ? `, ${fresh} of which did not run yet` : ''}${lost > 0 ? `; ${plural(lost, 'event')} were lost: figures are too low, and requests may be missing` : ''}.`);
  const texts = loops.map((loop) =>
    loopText(loop, before?.loops.find(({ name }) => name === loop.name), time - (before?.time ?? 0)));
  return [head, ...texts].join('\n');
}
