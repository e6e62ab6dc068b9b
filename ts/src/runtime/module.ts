// SPDX-License-Identifier: MIT
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { OwnerHost } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import wasm from '../wasm.js';
import type { MemoryLimits } from './given-module.js';
import { abiOf, MODULE_ABI } from './module-abi.js';
import type { CompiledModule } from './runtime-options.js';

export const PAGE = 65536;

/** Compiles a module. If the bytes are no WebAssembly, the error says what they are. */
export async function compile(binary: Uint8Array<ArrayBuffer>, from: string): Promise<WebAssembly.Module> {
  const isWasm = binary[0] === 0 && binary[1] === 0x61 && binary[2] === 0x73 && binary[3] === 0x6d;
  if (!isWasm) {
    const what = binary[0] === 0x3c ? 'an HTML page' : 'something else';
    throw new AioError('ERR_AIO_MODULE', `${from} is ${what}, not a WebAssembly module: check the path`);
  }
  try {
    return await WebAssembly.compile(binary);
  } catch (error) {
    throw new AioError('ERR_AIO_MODULE', `${from} does not compile: ${String(error)}`, { cause: error });
  }
}

/**
 * Reads the bytes of a module. from: where they come from, for messages.
 * @throws AioError ERR_AIO_MODULE
 */
export async function read(source: URLLike | Uint8Array<ArrayBuffer>, host: OwnerHost): Promise<{ binary: Uint8Array<ArrayBuffer>; from: string }> {
  if (!(source instanceof URL)) return { binary: source as Uint8Array<ArrayBuffer>, from: 'options.module' };
  try {
    return { binary: await host.readModule(source), from: source.href };
  } catch (cause) {
    if (cause instanceof AioError) throw cause;
    const errno = hostErrno(cause);
    const why = errno === 'ENOENT' ? 'no such file' : messageOf(cause);
    throw new AioError('ERR_AIO_MODULE', `${source.href}: ${why}`, { errno, cause });
  }
}

/** Rejects with ERR_AIO_MODULE unless aiocc built the module, for this version of the interface. */
async function assertFits(module: WebAssembly.Module, from: string): Promise<void> {
  const abi = abiOf(module);
  if (abi?.abi !== MODULE_ABI) throw (await import('./given-module.js')).unfit(abi, from);
}

/**
 * The limits that aiocc declares. They are known for aio.wasm, and assumed for a module that is already compiled,
 * because its bytes cannot be read.
 */
const AIOCC_LIMITS: MemoryLimits = { initial: 1, maximum: 16384 };
/** Those of aio.wasm. */
const OWN_LIMITS: MemoryLimits = { ...AIOCC_LIMITS, initial: 4 };

/** Reads and compiles a module that aiocc built; aio.wasm if none is given. @throws AioError ERR_AIO_MODULE */
export async function load(
  given: URLLike | Uint8Array<ArrayBuffer> | CompiledModule | undefined, host: OwnerHost,
): Promise<{ module: WebAssembly.Module; limits: MemoryLimits }> {
  if (given instanceof WebAssembly.Module) {
    await assertFits(given, 'options.module');
    return { module: given, limits: AIOCC_LIMITS };
  }
  const { binary, from } = await read((given ?? wasm) as URLLike | Uint8Array<ArrayBuffer>, host);
  const module = await compile(binary, from);
  await assertFits(module, from);
  return { module, limits: given ? (await import('./given-module.js')).importedMemory(binary) : OWN_LIMITS };
}

/** 256 MiB, which most programs never exceed. */
const INITIAL_PAGES = 4096;

/** A runtime's memory, and the size in bytes to which it may grow. */
export interface SharedMemory {
  shared: WebAssembly.Memory;
  maximum: number;
}

/** Creates the memory of a runtime. maximumMemory: the size in bytes to which it may grow. @throws AioError ERR_AIO_NO_MEMORY */
export async function sharedMemory(limits: MemoryLimits, maximumMemory = Infinity): Promise<SharedMemory> {
  const make = (maximum: number): SharedMemory => {
    // Pages that are not touched cost nothing, but growing does: see wasm/libc/heap.c.
    const initial = Math.max(limits.initial, Math.min(maximum, INITIAL_PAGES));
    return { shared: new WebAssembly.Memory({ initial, maximum, shared: true }), maximum: maximum * PAGE };
  };
  const maximum = Math.min(limits.maximum, Math.ceil(maximumMemory / PAGE));
  try {
    return make(maximum);
  } catch (error) {
    return (await import('./less-memory.js')).lessMemory(make, limits, maximum, maximumMemory < Infinity, error);
  }
}
