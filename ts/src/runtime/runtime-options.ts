// SPDX-License-Identifier: MIT
import type { WaitOptions } from '../abort.js';
import { areBytes, checkThat, isArrayOf, isFunction, isInteger, isObject, isSignal, isText, type Checks } from '../check.js';
import type { MadeWorker } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import type { Guest } from './system.js';

/**
 * A compiled module, a `WebAssembly.Module`. The type is `object` because TypeScript's libraries declare no members
 * by which a module could be told from other objects.
 */
export type CompiledModule = object;

/** Options of {@link Runtime.create} and {@link doctor}. An aborted `signal` ends the creation. */
export interface RuntimeOptions extends WaitOptions {
  /**
   * The WebAssembly module: the package's aio.wasm (the default; `wasm-aio/wasm`), or a program that `aiocc` has
   * built. Given as its URL, its bytes, or a compiled WebAssembly.Module.
   */
  module?: URLLike | Uint8Array<ArrayBuffer> | CompiledModule;
  /**
   * The size in bytes to which the shared memory may grow. Default: what the module allows, 1 GiB for aio.wasm; not
   * more than that. Without this option less is taken where the engine refuses as much, as on phones: a half, a quarter,
   * and so on down to 16 MiB.
   */
  maximumMemory?: number;
  /**
   * Creates a worker that runs `wasm-aio/worker`. Needed only with bundlers and servers that do not find that file by
   * themselves. It is called once for each worker.
   */
  worker?: () => MadeWorker;
  /** The most threads that the runtime may have at a time, from 1 to 255. Default 128. */
  maxThreads?: number;
  /** The number of workers that are started ahead, so that a thread starts quickly, from 0 to 255. Default 2. */
  reserve?: number;
  /** The size in bytes of each thread's C stack, from 16 KiB to 1 GiB. Default 256 KiB. */
  stackSize?: number;
  /** The arguments of a program's main(); the first one is the program's name. Default: `['program']`. */
  args?: readonly string[];
  /** The files and streams of a program, which WasiHost makes. @internal */
  guest?: Guest;
}

/** The table of threads in wasm/port has room for this many beside the owner. @internal */
export const isThreadCount = isInteger(1, 255);
/** Less than the minimum is too little even for the runtime's own functions. @internal */
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
