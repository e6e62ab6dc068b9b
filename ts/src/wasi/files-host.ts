// SPDX-License-Identifier: MIT
/** A host that has more files than its own: each call goes to those whose fd it names. */
import { hostErrno } from '../errors.js';
import type { HostBase, Range } from '../hosts/host.js';
import type { FileSystem } from './descriptor.js';
import { diskError as failed } from './disk.js';
import { DiskFiles } from './disk-files.js';
import { parseFdPath } from './fd-path.js';

/** The flags of open() where there is no system to ask: those of Linux. */
const LINUX = {
  O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 0o100, O_EXCL: 0o200, O_NOCTTY: 0o400, O_TRUNC: 0o1000, O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000, O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000,
};

/** The flags of open() that a host has. */
export const constantsOf = (host: HostBase): Record<string, number> =>
  (host.fs as FileSystem | undefined)?.constants as Record<string, number> | undefined ?? LINUX;

/** Files beside those of a host: calls of Node's fs by their names. Calls that are missing fail with ENOSYS. */
export interface MoreFiles {
  /** Whether an fd is one of these files. */
  owns(fd: number): boolean;
  readonly files: { closeSync(fd: number): void; touch?(options: readonly string[], path: string): boolean };
}

/** The fd that is meant by an fd, or by a path that begins with one (fd-path.ts); -1 if none is. */
const fdOf = (what: unknown): number => (typeof what === 'number' ? what : (parseFdPath(String(what))?.fd ?? -1));

const CALLS = Object.getOwnPropertyNames(DiskFiles.prototype).filter((name) => name.endsWith('Sync'));

function withMore(fs: FileSystem | undefined, constants: Record<string, number>, { owns, files }: MoreFiles): FileSystem {
  type Call = (...args: unknown[]) => unknown;
  const calls = CALLS.map((name) => {
    const ofThese = (files as unknown as Record<string, Call | undefined>)[name]?.bind(files);
    const ofHost = (fs as unknown as Record<string, Call> | undefined)?.[name];
    const twoPaths = name === 'renameSync' || name === 'linkSync';
    const call: Call = (...args) => {
      const [first, second] = args;
      const isOfThese = owns(fdOf(name === 'symlinkSync' ? second : first));
      if (twoPaths && isOfThese !== owns(fdOf(second))) throw failed('EXDEV');
      const to = isOfThese ? ofThese : ofHost;
      if (!to) throw failed('ENOSYS');
      return to(...args);
    };
    return [name, call] as const;
  });
  return { constants, ...Object.fromEntries(calls) } as unknown as FileSystem;
}

/** A host that has these files beside its own. */
export function hostWith<H extends HostBase>(host: H, more: MoreFiles): H & { fs: FileSystem } {
  const { owns, files } = more;
  const fs = withMore(host.fs as FileSystem | undefined, constantsOf(host), more);
  const answer = <T>(work: () => T): T | string => {
    try {
      return work();
    } catch (error) {
      return hostErrno(error);
    }
  };
  const views = (memory: Uint8Array, ranges: readonly Range[]): Uint8Array[] => ranges.map(({ start, length }) => memory.subarray(start, start + length));
  return {
    ...host, fs,
    touch: (options, path) => (owns(fdOf(path)) ? (files.touch?.(options, path) ?? false) : (host.touch?.(options, path) ?? false)),
    pread: (fd, memory, start, length, offset) =>
      owns(fd) ? answer(() => fs.readSync(fd, memory, start, length, offset)) : host.pread(fd, memory, start, length, offset),
    pwrite: (fd, memory, start, length, offset) =>
      owns(fd) ? answer(() => fs.writeSync(fd, memory, start, length, offset)) : host.pwrite(fd, memory, start, length, offset),
    preadv: (fd, memory, ranges, offset) =>
      owns(fd) ? answer(() => fs.readvSync(fd, views(memory, ranges), offset)) : host.preadv(fd, memory, ranges, offset),
    pwritev: (fd, memory, ranges, offset) =>
      owns(fd) ? answer(() => fs.writevSync(fd, views(memory, ranges), offset)) : host.pwritev(fd, memory, ranges, offset),
    fdatasync(fd) {
      const result = owns(fd) ? answer(() => fs.fdatasyncSync(fd)) : host.fdatasync(fd);
      return result || undefined;
    },
  };
}
