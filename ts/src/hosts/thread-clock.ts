// SPDX-License-Identifier: MIT
/**
 * One clock for all threads of a runtime where performance.now() counts from each thread's own start
 * (everywhere but in Node). The owner's performance.now() is that clock. A worker adds the
 * difference, which it learns from its owner before it reads the clock for the first time.
 *
 * The two time origins tell the difference to within microseconds, but only as long as both come
 * from one base: they are wrong by whole seconds after the machine slept or its date was set, and
 * WebKit's vary. So the worker also asks its owner for the time. The answer was given between the
 * question and its arrival, which bounds the difference whatever the origins say.
 */
const NS_PER_MS = 1e6;
/** A question that is answered in less time leaves little to be gained by another one. */
const ENOUGH_NS = 250_000;
const QUESTIONS = 5;

/** Read once, since WebKit computes it anew, with another result, each time. */
const { timeOrigin } = performance;

interface Answer {
  type: 'clock';
  /** The owner's clock, in ns. */
  now: number;
  /** When the owner's clock was 0, by its performance.timeOrigin, in ms. */
  origin: number;
}
interface Port {
  postMessage(message: unknown): void;
}

/** What this thread adds to its performance.now(), in ns. */
let offset = 0;
let arrived: (answer: Answer) => void = () => {};

const isClock = (data: unknown): boolean => (data as { type?: unknown } | null | undefined)?.type === 'clock';

/** The runtime's clock, in ns. It never goes backwards in a thread. */
export const threadClock = (): number => performance.now() * NS_PER_MS + offset;

/** The owner's side: answers a worker's question. False: the message is something else. */
export function answerClock(data: unknown, worker: Port): boolean {
  if (!isClock(data)) return false;
  worker.postMessage({ type: 'clock', now: threadClock(), origin: timeOrigin - offset / NS_PER_MS } satisfies Answer);
  return true;
}

/** The worker's side: takes the owner's answer. False: the message is something else. */
export function takeClock(data: unknown): boolean {
  if (!isClock(data)) return false;
  arrived(data as Answer);
  return true;
}

/** Sets this worker's clock by its owner's, to within the time that the quickest question took. */
export async function agreeOnClock(owner: Port): Promise<void> {
  let low = -Infinity;
  let high = Infinity;
  let byOrigins = 0;
  for (let n = 0; n < QUESTIONS && high - low > ENOUGH_NS; n++) {
    const asked = threadClock();
    const answer = await new Promise<Answer>((resolve) => {
      arrived = resolve;
      owner.postMessage({ type: 'clock' });
    });
    low = Math.max(low, answer.now - threadClock());
    high = Math.min(high, answer.now - asked);
    byOrigins = (timeOrigin - answer.origin) * NS_PER_MS;
  }
  offset = low <= byOrigins && byOrigins <= high ? byOrigins : (low + high) / 2;
}
