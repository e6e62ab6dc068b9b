// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import { errnoNumber } from '../errno.js';
import type { HostBase } from '../hosts/host.js';
import { preview1 } from '../wasi/preview1.js';
import type { Exports, Pointer, ThreadPointer } from './exports.js';
import { Memory } from './memory.js';

/** Thrown through the module when a thread is to leave it. */
export class ThreadLeave extends Error {}

/** A broken contract in C, or something that WebAssembly traps on. */
export class Panic extends Error {}

const hex = (address: number): string => `0x${(address >>> 0).toString(16)}`;

/** What an instance asks of the thread that it lives in. */
export interface InstanceHooks {
  startWorker(thread: ThreadPointer): void;
  /** The owner's alone. */
  complete(id: number, result: number): void;
}

export interface Instance {
  exports: Exports;
  memory: Memory;
}

/** A host's answer as C has it: a number, or -errno. */
const result = (answer: number | string): number => (typeof answer === 'number' ? answer : -errnoNumber(answer));

/**
 * The module in this thread. Each thread has its instance; code and memory are
 * shared, globals (the stack pointer, the stack's limits) and tables are not.
 */
export async function instantiate(
  module: WebAssembly.Module, shared: WebAssembly.Memory, host: HostBase, args: readonly string[], hooks: InstanceHooks,
): Promise<Instance> {
  const memory = new Memory(shared);
  const env = {
    memory: shared,
    clock_ns: (clock: number) => (clock === 0 ? host.monotonic() : Date.now() * 1e6),
    start_worker: (thread: ThreadPointer) => hooks.startWorker(thread),
    complete: (id: number, result: number) => hooks.complete(id, result),
    pread: (handle: number, start: number, length: number, offset: number) =>
      result(host.pread(handle, memory.reaching(start + length), start, length, offset)),
    pwrite: (handle: number, start: number, length: number, offset: number) =>
      result(host.pwrite(handle, memory.reaching(start + length), start, length, offset)),
    preadv: (handle: number, iov: Pointer<'words'>, count: number, offset: number) =>
      result(host.preadv(handle, memory.bytes, memory.ranges(iov, count), offset)),
    pwritev: (handle: number, iov: Pointer<'words'>, count: number, offset: number) =>
      result(host.pwritev(handle, memory.bytes, memory.ranges(iov, count), offset)),
    fdatasync: (handle: number) => result(host.fdatasync(handle) ?? 0),
    panic(message: number) {
      throw new Panic(memory.string(message));
    },
    would_block(call: number) {
      throw new AioError(
        'ERR_AIO_WOULD_BLOCK',
        `${memory.string(call)}: this thread must not block, its event loop serves all others; do it in an IOThread`,
      );
    },
    // The stack pointer has its old value yet: there is room for functions without a frame.
    stack_overflow(sp: number) {
      const exports = instance.exports as unknown as Exports;
      const at = `stack overflow (at ${hex(sp)})`;
      const coroutine = exports.rt_coroutine_running();
      if (coroutine === 0) throw new Panic(at);
      const name = memory.string(exports.rt_coroutine_name(coroutine));
      const size = exports.rt_coroutine_stack_size(coroutine);
      throw new Panic(
        `${at}: coroutine ${hex(coroutine)} '${name}' needs more than its C stack of ${size} bytes: ` +
          'qemu_coroutine_set_stack_size makes it larger',
      );
    },
    leave() {
      throw new ThreadLeave();
    },
  };
  let instance: WebAssembly.Instance;
  try {
    instance = await WebAssembly.instantiate(module, { env, wasi_snapshot_preview1: preview1(memory, host, args) });
  } catch (error) {
    throw new AioError('ERR_AIO_MODULE', `the WebAssembly module does not fit this runtime: ${String(error)}`, {
      cause: error,
    });
  }
  if (!('rt_init' in instance.exports)) {
    throw new AioError('ERR_AIO_MODULE', 'the WebAssembly module has no event loop in it; build it with aiocc');
  }
  if (!('stack_own' in instance.exports)) {
    throw new AioError('ERR_AIO_MODULE', 'the WebAssembly module was built by an older aiocc; build it again');
  }
  return { exports: instance.exports as unknown as Exports, memory };
}

/** The C functions that an error went through, innermost first. */
export function wasmFrames(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  // V8: "at module.wasm.name (wasm://...", others: "name@...:wasm-function[1]:0x2"
  const frames = stack.matchAll(/^(?:\s*at )?(?:[^\s@(]*\.)?([\w$]+)(?:@| \().*wasm(?::\/\/|-function\[)/gm);
  return [...frames].map((match) => match[1] ?? '').slice(0, 12);
}

/** One line: what happened, in which thread, through which C functions. */
export function describeDeath(error: unknown, thread: string): string {
  const text = error instanceof Panic || error instanceof AioError ? error.message : String(error);
  const frames = wasmFrames(error);
  return `${text} [thread '${thread}'${frames.length > 0 ? `, in ${frames.join(' < ')}` : ''}]`;
}
