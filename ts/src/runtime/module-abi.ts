// SPDX-License-Identifier: MIT

/** The number of the interface between this runtime and the modules that it runs; the same as in wasm/abi.mjs. */
export const MODULE_ABI = 2;

/** What the custom section aio.abi of a module says. */
export interface ModuleAbi {
  readonly abi: number;
  /** The version of the package whose aiocc built the module. */
  readonly version: string;
}

/** The section aio.abi of a module; undefined if aiocc has not built it. */
export function abiOf(module: WebAssembly.Module): ModuleAbi | undefined {
  const [section] = WebAssembly.Module.customSections(module, 'aio.abi');
  return section && (JSON.parse(new TextDecoder().decode(section)) as ModuleAbi);
}
