// SPDX-License-Identifier: MIT
import { errnoNumber } from '../errno.js';
import type { HostBase } from '../hosts/host.js';
import type { Memory } from '../runtime/memory.js';

/** Thrown through the module by proc_exit. */
export class ProcessExit extends Error {
  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`);
    this.name = 'ProcessExit';
  }
}

type Call = (...args: never[]) => number;

const ENOSYS = errnoNumber('ENOSYS');
const EBADF = errnoNumber('EBADF');
const EINVAL = errnoNumber('EINVAL');

/**
 * The preview1 calls that a program needs for arguments, clocks, output and its
 * end. All others answer ENOSYS.
 */
export function preview1(memory: Memory, host: HostBase, args: readonly string[]): Record<string, Call> {
  const encoded = args.map((arg) => new TextEncoder().encode(`${arg}\0`));

  const calls: Record<string, Call> = {
    args_sizes_get(count: number, size: number) {
      const view = memory.view();
      view.setUint32(count, encoded.length, true);
      view.setUint32(size, encoded.reduce((sum, arg) => sum + arg.length, 0), true);
      return 0;
    },
    args_get(pointers: number, text: number) {
      const view = memory.view();
      for (const arg of encoded) {
        view.setUint32(pointers, text, true);
        memory.bytes.set(arg, text);
        pointers += 4;
        text += arg.length;
      }
      return 0;
    },
    environ_sizes_get(count: number, size: number) {
      memory.view().setUint32(count, 0, true);
      memory.view().setUint32(size, 0, true);
      return 0;
    },
    environ_get: () => 0,

    clock_time_get(clock: number, _precision: bigint, time: number) {
      // 0 realtime, 1 monotonic; CPU-time clocks are not to be had.
      if (clock !== 0 && clock !== 1) return EINVAL;
      const ns = clock === 1 ? BigInt(Math.round(host.monotonic())) : BigInt(Date.now()) * 1_000_000n;
      memory.view().setBigUint64(time, ns, true);
      return 0;
    },
    clock_res_get(clock: number, resolution: number) {
      if (clock !== 0 && clock !== 1) return EINVAL;
      memory.view().setBigUint64(resolution, clock === 1 ? 1000n : 1_000_000n, true);
      return 0;
    },
    random_get(pointer: number, length: number) {
      // Shared memory is refused, and so are more than 65536 bytes at once.
      for (let at = 0; at < length; at += 65536) {
        const bytes = crypto.getRandomValues(new Uint8Array(Math.min(65536, length - at)));
        memory.bytes.set(bytes, pointer + at);
      }
      return 0;
    },
    sched_yield: () => 0,

    fd_write(fd: number, iovs: number, count: number, written: number) {
      if (fd !== 1 && fd !== 2) return EBADF;
      const view = memory.view();
      let total = 0;
      for (let i = 0; i < count; i++) {
        const length = view.getUint32(iovs + 8 * i + 4, true);
        const pointer = view.getUint32(iovs + 8 * i, true);
        const failed = host.write(fd, memory.bytes.subarray(pointer, pointer + length));
        if (failed !== undefined) return errnoNumber(failed);
        total += length;
      }
      view.setUint32(written, total, true);
      return 0;
    },
    fd_fdstat_get(fd: number, stat: number) {
      if (fd !== 1 && fd !== 2) return EBADF;
      memory.bytes.fill(0, stat, stat + 24);
      memory.view().setUint8(stat, 2);                    // a character device
      return 0;
    },
    fd_seek: () => errnoNumber('ESPIPE'),
    fd_close: (fd: number) => (fd === 1 || fd === 2 ? 0 : EBADF),
    proc_exit(exitCode: number) {
      throw new ProcessExit(exitCode);
    },
  };
  return new Proxy(calls, {
    get: (known, name) => (typeof name === 'string' ? (known[name] ?? (() => ENOSYS)) : undefined),
  });
}
