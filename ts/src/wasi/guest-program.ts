// SPDX-License-Identifier: MIT
/** The program of a guest: what kind of module it is, and the memory that it gets. */
import { AioError, messageOf } from '../errors.js';
import type { OwnerHost } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import { isOfAiocc } from '../runtime/given-module.js';
import { compile, PAGE, read } from '../runtime/module.js';
import type { CompiledModule } from '../runtime/runtime-options.js';
import type { GuestHost } from './guest-host.js';
import { assertNoComponent, hasSection, memoriesOf, shareOf, withMaxima, type DeclaredMemory } from './memories.js';

/** How a module has to be run, which its section aio.abi or its imports and exports tell. */
export type Flavour =
  /** Built by aiocc: the module contains the event loop. */
  | 'aio'
  /** For wasi-threads: it imports shared memory and starts threads by wasi.thread-spawn. */
  | 'threads'
  /** Any other command for preview1. */
  | 'command'
  /** A module without _start, whose functions the user's code calls. */
  | 'reactor';

/** The memory that a module imports, and the name of the import. */
export interface ImportedMemory {
  module: string;
  name: string;
  memory: WebAssembly.Memory;
}

export interface GuestProgram {
  readonly flavour: Flavour;
  readonly module: WebAssembly.Module;
  /** What programs that aiocc has built are loaded from. */
  readonly source: Uint8Array<ArrayBuffer> | CompiledModule;
  /** The memory that it imports, and the most pages that it may have. */
  readonly imported: { memory: DeclaredMemory; maximum: number } | undefined;
}

/** The maximum, in pages, of the memory of guests that declare none. */
const DEFAULT_MAXIMUM = 65536;

const refuse = (why: string): never => {
  throw new AioError('ERR_AIO_MODULE', `the WebAssembly module ${why}`);
};

/** What follows the lines of shell script that `aiocc --launcher` puts before a module: no text contains the 0 with which a module begins. */
const withoutLauncher = (binary: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  binary[0] === 0x23 ? binary.subarray(binary.indexOf(0)) : binary;

/** hasCode: the user's code provides more imports, and may call the functions of a reactor. */
function flavourOf(module: WebAssembly.Module, from: string, memory: DeclaredMemory | undefined, hasCode: boolean): Flavour {
  if (isOfAiocc(module, from)) {
    if (hasCode) throw new AioError('ERR_AIO_INVALID_ARG', `${from} was built by aiocc, which links all that it imports: options.imports is for other modules`);
    return 'aio';
  }
  const imports = WebAssembly.Module.imports(module);
  const exports = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  for (const { module: library, name, kind } of imports) {
    const known = hasCode || kind === 'memory' || library === 'wasi_snapshot_preview1' || (library === 'wasi' && name === 'thread-spawn');
    if (!known) refuse(`imports ${library}.${name}, which is no part of WASI preview1: pass options.imports (if an aiocc without module ABI built it, build it again)`);
  }
  const starts = exports.get('_start') === 'function';
  if (!starts && !hasCode) {
    refuse(exports.has('_initialize') ? 'is a reactor: it has no _start to run, and options.imports has to name code that calls it' : 'exports no _start: it is no WASI command');
  }
  if (!memory && exports.get('memory') !== 'memory') refuse('has no memory that WASI could use: it exports none');
  if (imports.some(({ module: library }) => library === 'wasi')) {
    if (!memory?.shared) refuse('starts threads (wasi.thread-spawn) but imports no shared memory');
    if (exports.get('wasi_thread_start') !== 'function') refuse('starts threads but exports no wasi_thread_start');
    if (starts) return 'threads';
  }
  return starts ? 'command' : 'reactor';
}

const isCompiled = (source: object): source is CompiledModule => Object.prototype.toString.call(source) === '[object WebAssembly.Module]';

/** A program that the user has compiled. Its memory cannot be found out, so it must not matter. */
function compiledProgram(source: CompiledModule, maximumMemory: number | undefined, hasCode: boolean): GuestProgram {
  const module = source as WebAssembly.Module;
  const unknown = (why: string): never => refuse(`is compiled already, so that ${why}: pass its URL or its bytes`);
  if (!isOfAiocc(module, 'options.module')) {
    if (WebAssembly.Module.imports(module).some(({ kind }) => kind === 'memory')) unknown('the limits of the memory that it imports cannot be read');
    if (maximumMemory !== undefined) unknown('maximumMemory cannot be declared in it');
  }
  return { flavour: flavourOf(module, 'options.module', undefined, hasCode), module, source, imported: undefined };
}

/**
 * Reads and compiles a program. maximumMemory: the bytes that all of its memories together may grow to, which is declared in
 * the module before it is compiled.
 * @throws AioError ERR_AIO_MODULE, ERR_AIO_NO_MEMORY (the program begins with more memory), ERR_AIO_INVALID_ARG
 */
export async function loadGuestProgram(
  source: URLLike | Uint8Array<ArrayBuffer> | CompiledModule, host: OwnerHost, guests: GuestHost, maximumMemory: number | undefined, hasCode: boolean,
): Promise<GuestProgram> {
  if (isCompiled(source)) return compiledProgram(source, maximumMemory, hasCode);
  const { binary: file, from } = await read(source, host);
  const binary = withoutLauncher(file);
  assertNoComponent(binary, from);
  const isModule = binary[0] === 0 && binary[1] === 0x61;
  const memories = isModule ? memoriesOf(binary) : [];
  const maxima = maximumMemory === undefined ? memories.map(({ maximum }) => maximum ?? DEFAULT_MAXIMUM) : shareOf(memories, maximumMemory);
  const limited = maximumMemory === undefined ? binary : withMaxima(binary, memories, maxima);
  // What aiocc has built needs no help.
  if (memories.some(({ shared }) => shared) && !hasSection(binary, 'aio.abi')) await guests.beforeThreads?.();
  const module = await compile(limited, from);
  const [first] = memories;
  const memory = first?.from ? first : undefined;
  const flavour = flavourOf(module, from, memory, hasCode);
  return { flavour, module, source: binary, imported: memory && { memory, maximum: maxima[0] ?? 0 } };
}

/** Creates the memory that a program imports. @throws AioError ERR_AIO_NO_MEMORY */
export function createImported({ imported }: GuestProgram): ImportedMemory | undefined {
  if (!imported?.memory.from) return undefined;
  const { maximum, memory: { from, initial, shared } } = imported;
  try {
    // An import that declares no maximum accepts a memory with any maximum.
    return { ...from, memory: new WebAssembly.Memory({ initial, maximum, shared }) };
  } catch (error) {
    throw new AioError('ERR_AIO_NO_MEMORY', `cannot create a memory of ${initial} to ${maximum} pages (of ${PAGE} bytes): ${messageOf(error)}`);
  }
}
