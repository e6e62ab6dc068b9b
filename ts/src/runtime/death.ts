// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';

/** Thrown through the module to make a thread leave it. */
export class ThreadLeave extends Error {}

/** A broken contract in C, or a WebAssembly trap. */
export class Panic extends Error {}

/** The error that JavaScript code had thrown, if that is the cause. */
export function causeOf(error: unknown): unknown {
  return error instanceof Panic ? error.cause : error;
}

/**
 * Describes a failure in one line: what happened, in which thread, and in which C functions, the innermost first.
 * locate: returns the source line of an offset in the module, if it knows it.
 */
export function describeDeath(error: unknown, thread: string, locate?: (offset: number) => string | undefined): string {
  const text = error instanceof Panic || error instanceof AioError ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  // V8: "at module.wasm.name (wasm://...:0x2)", others: "name@...:wasm-function[1]:0x2"
  const frames = [...stack.matchAll(/^(?:\s*at )?(?:[^\s@(]*\.)?([\w$]+)(?:@| \().*wasm(?::\/\/|-function\[).*?(?::(0x[\da-f]+)\)?)?$/gm)]
    .slice(0, 12).map(([, name, offset]) => {
      const line = locate?.(Number(offset));
      return line ? `${name} (${line})` : name;
    });
  return `${text} [thread '${thread}'${frames.length > 0 ? `, in ${frames.join(' < ')}` : ''}]`;
}
