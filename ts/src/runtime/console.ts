// SPDX-License-Identifier: MIT
/**
 * The system of a program without a WasiHost: arguments, clocks, random bytes, and standard output and standard error, which
 * the host writes. It has no other descriptors and can open none, which makes most of the 46 calls of WASI preview1 short.
 * The calls that every module imports are in this file, the others in console-more.ts.
 */
import type { HostBase } from '../hosts/host.js';
import { errnoNumber } from '../errno.js';
import { fail } from './abi.js';
import { hostFiles } from './file-imports.js';
import { GuestMemory, type Vector } from './guest-memory.js';
import type { Memory } from './memory.js';
import { newOutputs, Outputs, type MoreCalls } from './outputs.js';
import { processCalls, type SystemThread } from './process.js';
import { guardAll, POLLIN, POLLOUT, type Guest, type System } from './system.js';
import * as E from './wasi-errno.js';
import * as Rights from './wasi-rights.js';

/** What the system of each thread is made of. It can be posted to workers. */
export interface ConsoleConfig {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** The state of the outputs, which all threads share: see outputs.ts. */
  readonly words: Int32Array;
}

/** The calls that every module imports. */
export const COMMON = 'args_get args_sizes_get clock_time_get fd_close fd_read fd_seek fd_write proc_exit'.split(' ');

/**
 * Makes the system of one thread. sleeps: its calls may block. more: absent if the module imports none of those
 * calls.
 */
export function consoleSystem(config: ConsoleConfig, host: HostBase, shared: Memory, sleeps: boolean, more?: MoreCalls): System {
  const memory = new GuestMemory(() => shared.memory);
  const outputs = new Outputs(config.words);
  const thread: SystemThread = { config, memory, host };

  function write(output: number, vectors: Vector[]): number {
    let total = 0;
    for (const view of memory.views(vectors)) {
      const failed = host.write(output, view);
      if (failed !== undefined) fail(errnoNumber(failed));
      total += view.length;
    }
    return total;
  }

  // The outputs are always ready, so that they need not be watched.
  const ready = (fd: number, events = 0): number => {
    try {
      return outputs.of(fd) && events & (POLLIN | POLLOUT);
    } catch {
      return -E.BADF;
    }
  };

  return {
    env: {
      fd_watch: ready,
      fd_revents: ready,
      fd_call: () => -E.NFILE,
      ...hostFiles(host, shared),
    },
    calls: guardAll({
      ...processCalls(thread), ...more?.(thread, outputs, sleeps),
      fd_close: (fd: number) => outputs.close(fd),
      fd_write(fd: number, iovs: number, count: number, written: number) {
        memory.check(written, 4);
        const vectors = memory.vectors(iovs, count);
        memory.setU32(written, write(outputs.with(Rights.fdWrite, fd), vectors));
      },
      fd_read(fd: number, iovs: number, count: number, got: number) {
        memory.check(got, 4);
        memory.vectors(iovs, count);
        outputs.with(Rights.fdRead, fd);
      },
      fd_seek: (fd: number) => outputs.of(fd) && fail(E.SPIPE),
    }),
  };
}

/** Makes the guest of a runtime that is given none. */
export async function consoleGuest(host: HostBase, module: WebAssembly.Module, args: readonly string[]): Promise<Guest> {
  const config: ConsoleConfig = { args, env: [], words: newOutputs() };
  const isMore = ({ module: from, name }: WebAssembly.ModuleImportDescriptor): boolean => from === 'wasi_snapshot_preview1' && !COMMON.includes(name);
  const more = WebAssembly.Module.imports(module).some(isMore) ? (await import('./console-more.js')).moreCalls : undefined;
  const locate = WebAssembly.Module.customSections(module, 'sourceMappingURL')[0] && (await import('./source-lines.js')).sourceLines;
  return { config, locate, system: (memory) => consoleSystem(config, host, memory, false, more) };
}
