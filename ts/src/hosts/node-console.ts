// SPDX-License-Identifier: MIT
/** Node's console in a worker goes by messages through the main thread, and most of them wait
 * for the worker's event loop, which may sleep in WebAssembly for ever. */
import { Console } from 'node:console';
import { nodeBase } from './node.js';

/** The part of a stream that a Console uses which ignores no errors: here there are none. */
const stream = (fd: number): NodeJS.WritableStream => {
  const write = (text: string): boolean => nodeBase.write(fd, new TextEncoder().encode(text)) === undefined;
  return { write } as unknown as NodeJS.WritableStream;
};

/** The methods of the global console, of which code may have its own copies later on. */
export function takeConsole(): void {
  const direct = new Console({ stdout: stream(1), stderr: stream(2), ignoreErrors: false });
  for (const [name, method] of Object.entries(direct)) {
    if (typeof method === 'function') (console as unknown as Record<string, unknown>)[name] = method;
  }
}
