// SPDX-License-Identifier: MIT
/** What is to be known of modules other than aio.wasm: their memory, and why one of them does not fit. */
import { AioError } from '../errors.js';
import { VERSION } from '../version.js';
import { abiOf, MODULE_ABI, type ModuleAbi } from './module-abi.js';

const unfitModule = (why: string): AioError => new AioError('ERR_AIO_MODULE', `${why}; build it with aiocc`);

export interface MemoryLimits {
  /** In pages of 64 KiB. */
  initial: number;
  maximum: number;
}

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
      if (byte === undefined) throw unfitModule('the WebAssembly module is cut short');
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
        throw unfitModule('the WebAssembly module imports something unknown');
      }
    }
  }
  return undefined;
}

/** The limits of the shared memory that a module built by aiocc imports. */
export function importedMemory(binary: Uint8Array): MemoryLimits {
  const found = memoryImport(binary);
  if (!found) throw unfitModule('the WebAssembly module imports no memory');
  if (!found.shared || found.maximum === undefined) throw unfitModule("the WebAssembly module's memory is not shared");
  return { initial: found.initial, maximum: found.maximum };
}

/** The error for a module that aiocc has not built for this version of the interface; abi: its section aio.abi. */
export function unfit(abi: ModuleAbi | undefined, from: string): AioError {
  if (!abi) return unfitModule(`${from} has no event loop in it (no section aio.abi, which tools that strip modules may remove)`);
  const remedy = `build it again with the aiocc of this version${abi.abi > MODULE_ABI ? `, or run it with wasm-aio ${abi.version}` : ''}`;
  return new AioError('ERR_AIO_MODULE', `${from} was built by the aiocc of wasm-aio ${abi.version} for module ABI ${abi.abi}, and wasm-aio ${VERSION} has ABI ${MODULE_ABI}: ${remedy}`);
}

/**
 * Whether aiocc built the module.
 * @throws AioError ERR_AIO_MODULE: aiocc built it for another version of the interface
 */
export function isOfAiocc(module: WebAssembly.Module, from: string): boolean {
  const abi = abiOf(module);
  if (abi && abi.abi !== MODULE_ABI) throw unfit(abi, from);
  return abi !== undefined;
}
