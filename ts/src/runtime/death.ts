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

/** The names of the C functions in an error's stack, innermost first. */
export function wasmFrames(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  // V8: "at module.wasm.name (wasm://...", others: "name@...:wasm-function[1]:0x2"
  const frames = stack.matchAll(/^(?:\s*at )?(?:[^\s@(]*\.)?([\w$]+)(?:@| \().*wasm(?::\/\/|-function\[)/gm);
  return [...frames].map((match) => match[1] ?? '').slice(0, 12);
}

/** Describes a failure in one line: what happened, in which thread, and in which C functions. */
export function describeDeath(error: unknown, thread: string): string {
  const text = error instanceof Panic || error instanceof AioError ? error.message : String(error);
  const frames = wasmFrames(error);
  return `${text} [thread '${thread}'${frames.length > 0 ? `, in ${frames.join(' < ')}` : ''}]`;
}
