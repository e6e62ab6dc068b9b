// SPDX-License-Identifier: MIT
/**
 * A clock that all threads of a runtime share, for hosts where performance.now() counts from the start of each thread
 * (everywhere but in Node). The owner's performance.now() is that clock. A worker adds the difference to its own, which it
 * learns from its owner before it reads the clock for the first time.
 *
 * The time origins of the two threads tell the difference to within microseconds, but not always: they are wrong by seconds
 * after the machine was suspended or its date was set, and WebKit's vary. So the worker also asks its owner for the time. The
 * owner has answered at some moment between the question and the arrival of the answer, which bounds the difference.
 */
const NS_PER_MS = 1e6;
/** If a question was answered in less time than this, another one would gain little. */
const ENOUGH_NS = 250_000;
const QUESTIONS = 5;

/** Read only once, because WebKit computes it each time, with different results. */
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

/** The difference that this thread adds to its performance.now(), in ns. */
let offset = 0;
let arrived: (answer: Answer) => void = () => {};

const isClock = (data: unknown): boolean => (data as { type?: unknown } | null | undefined)?.type === 'clock';

/** The clock of the runtime, in ns. It never goes backwards in a thread. */
export const threadClock = (): number => performance.now() * NS_PER_MS + offset;

/** Answers a worker's question, in the owner's thread. Returns false if the message is something else. */
export function answerClock(data: unknown, worker: Port): boolean {
  if (!isClock(data)) return false;
  worker.postMessage({ type: 'clock', now: threadClock(), origin: timeOrigin - offset / NS_PER_MS } satisfies Answer);
  return true;
}

/** Takes the owner's answer, in the worker. Returns false if the message is something else. */
export function takeClock(data: unknown): boolean {
  if (!isClock(data)) return false;
  arrived(data as Answer);
  return true;
}

/** Sets this worker's clock by its owner's. The error is at most the time that the quickest question took. */
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
