// SPDX-License-Identifier: MIT
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { OwnerHost } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import { VERSION } from '../version.js';
import type { CompiledModule } from './runtime-options.js';

/** The number of the interface between this runtime and the modules that it runs; the same as in wasm/abi.mjs. */
const MODULE_ABI = 2;

export const PAGE = 65536;

export interface MemoryLimits {
  /** In pages of 64 KiB. */
  initial: number;
  maximum: number;
}

const refuse = (why: string): never => {
  throw new AioError('ERR_AIO_MODULE', `${why}; build it with aiocc`);
};

/** A memory that a module imports. */
export interface MemoryImport {
  module: string;
  name: string;
  /** In pages of 64 KiB; maximum is undefined if the module declares none. */
  initial: number;
  maximum: number | undefined;
  shared: boolean;
}

/**
 * The first memory that a module imports; undefined if it imports none. The import section is read here (WebAssembly
 * core specification, 5.5.5), because JavaScript cannot ask a WebAssembly.Module for a memory's limits and a wrong
 * maximum fails to link.
 */
export function memoryImport(binary: Uint8Array): MemoryImport | undefined {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++];
      if (byte === undefined) return refuse('the WebAssembly module is cut short');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const text = (): string => {
    const length = number();
    at += length;
    return new TextDecoder().decode(binary.slice(at - length, at));
  };
  while (at < binary.length) {
    const id = binary[at++];
    const size = number();
    if (id !== 2) {
      at += size;
      continue;
    }
    for (let left = number(); left > 0; left--) {
      const [module, name] = [text(), text()];
      const kind = binary[at++];
      if (kind === 0) {
        number();                            // a function's type
      } else if (kind === 1) {
        at++;                                // a table
        if (number() & 1) number();
        number();
      } else if (kind === 2) {
        const flags = number();
        const initial = number();
        const maximum = flags & 1 ? number() : undefined;
        return { module, name, initial, maximum, shared: (flags & 2) !== 0 };
      } else if (kind === 3) {
        at += 2;                             // a global
      } else if (kind === 4) {
        at++;                                // a tag: its attribute, its type
        number();
      } else {
        refuse('the WebAssembly module imports something unknown');
      }
    }
  }
  return undefined;
}

/** The limits of the shared memory that a module built by aiocc imports. */
export function importedMemory(binary: Uint8Array): MemoryLimits {
  const found = memoryImport(binary) ?? refuse('the WebAssembly module imports no memory');
  if (!found.shared || found.maximum === undefined) return refuse("the WebAssembly module's memory is not shared");
  return { initial: found.initial, maximum: found.maximum };
}

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

/**
 * Whether aiocc built the module, which its custom section aio.abi says.
 * @throws AioError ERR_AIO_MODULE: aiocc built it for another version of this interface
 */
export function isOfAiocc(module: WebAssembly.Module, from: string): boolean {
  const [section] = WebAssembly.Module.customSections(module, 'aio.abi');
  if (!section) return false;
  const { abi, version } = JSON.parse(new TextDecoder().decode(section)) as { abi: number; version: string };
  if (abi === MODULE_ABI) return true;
  const remedy = `build it again with the aiocc of this version${abi > MODULE_ABI ? `, or run it with wasm-aio ${version}` : ''}`;
  throw new AioError('ERR_AIO_MODULE', `${from} was built by the aiocc of wasm-aio ${version} for module ABI ${abi}, and wasm-aio ${VERSION} has ABI ${MODULE_ABI}: ${remedy}`);
}

/** Throws ERR_AIO_MODULE unless aiocc built the module. */
function assertOfAiocc(module: WebAssembly.Module, from: string): void {
  if (!isOfAiocc(module, from)) refuse(`${from} has no event loop in it (no section aio.abi, which tools that strip modules may remove)`);
}

/**
 * The limits that aiocc declares. They are assumed for a module that is already compiled, because its bytes cannot be
 * read.
 */
const AIOCC_LIMITS: MemoryLimits = { initial: 1, maximum: 16384 };

/** Reads and compiles a module that aiocc built. @throws AioError ERR_AIO_MODULE */
export async function load(
  source: URLLike | Uint8Array<ArrayBuffer> | CompiledModule, host: OwnerHost,
): Promise<{ module: WebAssembly.Module; limits: MemoryLimits }> {
  if (source instanceof WebAssembly.Module) {
    assertOfAiocc(source, 'options.module');
    return { module: source, limits: AIOCC_LIMITS };
  }
  const { binary, from } = await read(source as URLLike | Uint8Array<ArrayBuffer>, host);
  const module = await compile(binary, from);
  assertOfAiocc(module, from);
  return { module, limits: importedMemory(binary) };
}

/** 256 MiB, which most programs never exceed. */
const INITIAL_PAGES = 4096;

/** Creates the memory of a runtime. maximum: the size in bytes to which it may grow. @throws AioError ERR_AIO_NO_MEMORY */
export function sharedMemory(limits: MemoryLimits, maximumMemory = limits.maximum * PAGE): { shared: WebAssembly.Memory; maximum: number } {
  const maximum = Math.min(limits.maximum, Math.ceil(maximumMemory / PAGE));
  if (maximum < limits.initial) {
    throw new AioError('ERR_AIO_NO_MEMORY', `the module needs ${limits.initial * PAGE} bytes at its start; maximumMemory allows ${maximum * PAGE}`);
  }
  try {
    // Pages that are not touched cost nothing, but growing does: see wasm/libc/heap.c.
    const initial = Math.max(limits.initial, Math.min(maximum, INITIAL_PAGES));
    return { shared: new WebAssembly.Memory({ initial, maximum, shared: true }), maximum: maximum * PAGE };
  } catch (error) {
    throw new AioError(
      'ERR_AIO_NO_MEMORY',
      `cannot create a shared memory of ${limits.initial} to ${maximum} pages: ${String(error)}; try a smaller maximumMemory`,
    );
  }
}
