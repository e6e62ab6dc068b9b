// SPDX-License-Identifier: MIT
import type { WaitOptions } from '../abort.js';
import { areBytes, checkThat, isArrayOf, isFunction, isInteger, isObject, isSignal, isText, type Checks } from '../check.js';
import type { MadeWorker } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import type { Guest } from './system.js';

/** A WebAssembly.Module. (TypeScript's libraries give it no members that would tell it from other objects.) */
export type CompiledModule = object;

export interface RuntimeOptions extends WaitOptions {
  /**
   * The module: aio.wasm (`wasm-aio/wasm`) by default, or a program that aiocc built: its
   * address, its bytes, or compiled.
   */
  module?: URLLike | Uint8Array<ArrayBuffer> | CompiledModule;
  /** Bytes that the shared memory may grow to; at most what the module allows (1 GiB). */
  maximumMemory?: number;
  /**
   * Starts a worker that runs `wasm-aio/worker`, for bundlers and servers that do not find
   * that file by themselves. Called once for each worker.
   */
  worker?: () => MadeWorker;
  /** Threads at most, at once. Default 128. */
  maxThreads?: number;
  /** Workers that are started ahead, so that a thread starts quickly. Default 2. */
  reserve?: number;
  /** Bytes of each thread's C stack. Default 256 KiB. */
  stackSize?: number;
  /** What main() of a program gets; the first is its name. */
  args?: readonly string[];
  /** What a program has of files and streams; WasiHost makes it. @internal */
  guest?: Guest;
}

/** As many as the table of threads in wasm/port has room for beside the owner. @internal */
export const isThreadCount = isInteger(1, 255);
/** Below that not even the runtime's own calls fit. @internal */
export const isStackSize = isInteger(16 * 1024, 2 ** 30);
/** @internal */
export const isMemorySize = isInteger(1, Number.MAX_SAFE_INTEGER);
/** @internal */
export const areArguments = isArrayOf(isText, 'strings');

/** @internal */
export const isModule = checkThat('a URL, a Uint8Array or a WebAssembly.Module',
  (value) => value instanceof URL || areBytes(value) || value instanceof WebAssembly.Module);

/** @internal */
export const runtimeChecks: Checks<RuntimeOptions> = {
  module: isModule, maximumMemory: isMemorySize, worker: isFunction, maxThreads: isThreadCount, reserve: isInteger(0, 255),
  stackSize: isStackSize, args: areArguments, guest: isObject, signal: isSignal,
};
