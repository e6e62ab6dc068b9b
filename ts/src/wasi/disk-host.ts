// SPDX-License-Identifier: MIT
/** A host whose files are also those of a disk in memory: each call goes to the one whose fd it names. */
import { hostErrno } from '../errors.js';
import type { HostBase, Range } from '../hosts/host.js';
import { diskError as failed, type Disk } from './disk.js';
import { DiskFiles, isOfDisk } from './disk-files.js';
import type { FileSystem } from './table.js';

/** The flags of open() where there is no system to ask: those of Linux. */
const LINUX = {
  O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 0o100, O_EXCL: 0o200, O_NOCTTY: 0o400, O_TRUNC: 0o1000, O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000, O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000,
};

/** The host's file system, if there is one, and beside it a disk in memory. */
function withDisk(fs: FileSystem | undefined, disk: Disk): { fs: FileSystem; files: DiskFiles } {
  const files = new DiskFiles(disk, fs ? (fs.constants as unknown as Record<string, number>) : LINUX);
  type Call = (...args: unknown[]) => unknown;
  const names = Object.getOwnPropertyNames(DiskFiles.prototype).filter((name) => name.endsWith('Sync'));
  const calls = names.map((name) => {
    const ofDisk = (files as unknown as Record<string, Call>)[name]?.bind(files);
    const ofHost = (fs as unknown as Record<string, Call> | undefined)?.[name];
    const twoPaths = name === 'renameSync' || name === 'linkSync';
    const call: Call = (...args) => {
      const [first, second] = args;
      const onDisk = isOfDisk(name === 'symlinkSync' ? second : first);
      if (twoPaths && onDisk !== isOfDisk(second)) throw failed('EXDEV');
      const to = onDisk ? ofDisk : ofHost;
      if (!to) throw failed('ENOSYS');
      return to(...args);
    };
    return [name, call] as const;
  });
  return { fs: { constants: files.constants, ...Object.fromEntries(calls) } as unknown as FileSystem, files };
}

/** A host whose files are also those of a disk in memory. */
export function hostWithDisk<H extends HostBase>(host: H, disk: Disk): H & { fs: FileSystem; files: DiskFiles } {
  const { fs, files } = withDisk(host.fs as FileSystem | undefined, disk);
  const answer = <T>(work: () => T): T | string => {
    try {
      return work();
    } catch (error) {
      return hostErrno(error);
    }
  };
  const views = (memory: Uint8Array, ranges: readonly Range[]): Uint8Array[] => ranges.map(({ start, length }) => memory.subarray(start, start + length));
  return {
    ...host, fs, files,
    touch: (options, path) => (isOfDisk(path) ? files.touch(options, path) : (host.touch?.(options, path) ?? false)),
    pread: (fd, memory, start, length, offset) =>
      isOfDisk(fd) ? answer(() => files.readSync(fd, memory, start, length, offset)) : host.pread(fd, memory, start, length, offset),
    pwrite: (fd, memory, start, length, offset) =>
      isOfDisk(fd) ? answer(() => files.writeSync(fd, memory, start, length, offset)) : host.pwrite(fd, memory, start, length, offset),
    preadv: (fd, memory, ranges, offset) =>
      isOfDisk(fd) ? answer(() => files.readvSync(fd, views(memory, ranges), offset)) : host.preadv(fd, memory, ranges, offset),
    pwritev: (fd, memory, ranges, offset) =>
      isOfDisk(fd) ? answer(() => files.writevSync(fd, views(memory, ranges), offset)) : host.pwritev(fd, memory, ranges, offset),
    fdatasync: (fd) => (isOfDisk(fd) ? undefined : host.fdatasync(fd)),
  };
}
