// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
/** Thrown through the module to make a thread leave it. */
export class ThreadLeave extends Error {
}
/** A broken contract in C, or a WebAssembly trap. */
export class Panic extends Error {
}
/** The error that JavaScript code had thrown, if that is the cause. */
export function causeOf(error) {
    return error instanceof Panic ? error.cause : error;
}
/** The C functions in a stack trace, the innermost first: `name`, or `name (file.c:line)` where locate knows the line. */
export function framesOf(stack, locate) {
    // V8: "at module.wasm.name (wasm://...:0x2)", others: "name@...:wasm-function[1]:0x2"
    return [...stack.matchAll(/^(?:\s*at )?(?:[^\s@(]*\.)?([\w$]+)(?:@| \().*wasm(?::\/\/|-function\[).*?(?::(0x[\da-f]+)\)?)?$/gm)]
        .slice(0, 12).map(([, name, offset]) => `${name}${locate?.(Number(offset)) ?? ''}`);
}
/** Describes a failure in one line: what happened, in which thread, and in which C functions. */
export function describeDeath(error, thread, locate) {
    const text = error instanceof Panic || error instanceof AioError ? error.message : String(error);
    const frames = framesOf(error instanceof Error ? (error.stack ?? '') : '', locate);
    const where = frames.join(' < ');
    return `${text} [thread '${thread}'${where && `, in ${where}`}]`;
}
//# sourceMappingURL=death.js.map