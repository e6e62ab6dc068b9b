// SPDX-License-Identifier: MIT
/**
 * The stacks of a guest's threads while they run or sleep, by the inspector of Node. Its messages reach a worker wherever that
 * is: in a loop of WebAssembly, or asleep on a word of memory.
 */
import type { Session } from 'node:inspector';
import { STACK } from './stack.js';

/** How long threads may take to answer. One that compiles a large module, or whose process is stopped, takes longer. */
const ANSWER_MS = 1000;

interface Answer {
  result?: { result?: { value?: unknown } };
}

/** Asks each worker of this thread for its stack, and resolves with the answers of those that are threads of this guest. */
export async function stacks(guest: number): Promise<string[]> {
  let session: Session;
  try {
    const { Session } = await import('node:inspector');
    session = new Session();
    session.connect();
  } catch {
    // Node can be built without an inspector, and other runtimes have none that reaches workers.
    return [];
  }
  const texts: string[] = [];
  let left = 0;
  let over = (): void => {};
  const ended = new Promise<void>((resolve) => (over = resolve));
  const done = (): void => void (--left === 0 && over());
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => {
    left++;
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: `globalThis[Symbol.for('${STACK}')]?.(${guest})` } });
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => error && done());
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
    const value = (JSON.parse(message) as Answer).result?.result?.value;
    if (typeof value === 'string') texts.push(value);
    done();
  });
  // It has been told of all workers when this is answered.
  left++;
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, done);
  const timer = setTimeout(over, ANSWER_MS);
  await ended;
  clearTimeout(timer);
  session.disconnect();
  return texts.sort();
}
