// SPDX-License-Identifier: MIT
/**
 * Makes the console of a worker in Node print directly. By itself it sends messages to the main thread, most of which wait
 * for the worker's event loop; but that may sleep in WebAssembly for ever.
 */
import { Console } from 'node:console';
import { nodeBase } from './node.js';

/** The part of a stream that a Console uses if it does not ignore errors, of which there are none. */
const stream = (fd: number): NodeJS.WritableStream => {
  const write = (text: string): boolean => nodeBase.write(fd, new TextEncoder().encode(text)) === undefined;
  return { write } as unknown as NodeJS.WritableStream;
};

/** Replaces the methods of the global console, also for code that copies them later. */
export function takeConsole(): void {
  const direct = new Console({ stdout: stream(1), stderr: stream(2), ignoreErrors: false });
  for (const [name, method] of Object.entries(direct)) {
    if (typeof method === 'function') (console as unknown as Record<string, unknown>)[name] = method;
  }
}
