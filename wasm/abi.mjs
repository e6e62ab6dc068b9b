// The custom section `aio.abi`: the number of the interface between a module and the TypeScript runtime, by which
// the runtime accepts or refuses the module, and the version of the package whose aiocc linked it.
//
// The number changes when a module that was built before would no longer run: when an export or import
// is removed, changes its type, or changes its meaning. MODULE_ABI in ts/src/runtime/module-abi.ts is the same.
import { readFileSync } from 'node:fs';

const ABI = 2;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The section's name and content. */
export const abiSection = { name: 'aio.abi', content: JSON.stringify({ abi: ABI, version }) };
