// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import { fail } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import { clockCalls } from './calls-clock.js';
import { dataCalls } from './calls-data.js';
import { fdCalls } from './calls-fd.js';
import { guestPollCalls } from './calls-poll.js';
import { GuestMemory } from '../runtime/guest-memory.js';
import { moreProcessCalls } from '../runtime/process-more.js';
import { processCalls, type SystemCalls } from '../runtime/process.js';
import { guardAll, type GuardedCalls } from '../runtime/system.js';
import type { FileSystem } from './descriptor.js';
import type { GuestConfig } from './guest-config.js';
import type { DirectoryCalls, GuestThread } from './guest-thread.js';
import { nameFdsBelow } from './fd-path.js';
import { Parents } from './parents.js';
import { Places } from './places.js';
import { Disk } from './disk.js';
import { DiskFiles, isOfDisk } from './disk-files.js';
import { constantsOf, hostWith } from './files-host.js';
import { isOfOpfs, OpfsChannel } from './opfs-channel.js';
import { OpfsFiles } from './opfs-files.js';
import { realtimeClock } from './realtime.js';
import { Shared } from './shared.js';
import { FdTable } from './table.js';
import { hostThatWalks } from './walked-files.js';

/** What one thread of a guest uses for its WASI calls. sleeps: the thread may block. */
export function guestThread(config: GuestConfig, host: HostBase, memory: () => WebAssembly.Memory, sleeps: boolean): GuestThread {
  const shared = new Shared(config.buffer);
  if (sleeps) shared.enter();
  if (config.fdFolder !== undefined) nameFdsBelow(config.fdFolder);
  if (config.places) host = hostThatWalks(host, new Places(config.places, shared));
  if (config.disk) host = hostWith(host, { owns: isOfDisk, files: new DiskFiles(new Disk(config.disk, shared), constantsOf(host)) });
  if (config.opfs) host = hostWith(host, { owns: isOfOpfs, files: new OpfsFiles(new OpfsChannel(config.opfs), shared) });
  const fs = host.fs as FileSystem | undefined;
  return { config, memory: new GuestMemory(memory), shared, table: new FdTable(shared, fs), host, fs, parents: fs && new Parents(fs, shared), realtime: realtimeClock(host) };
}

/** For a host that has no directories: the calls fail, because no descriptor is one. */
export const noDirectories: DirectoryCalls = ({ table }) => {
  const refuse = (fd: number): never => table.use(fd, () => fail(E.NOTDIR));
  const names = ['open', 'create_directory', 'remove_directory', 'unlink_file', 'filestat_get', 'filestat_set_times', 'readlink', 'link', 'rename'];
  return {
    calls: {
      ...Object.fromEntries(names.map((name) => [`path_${name}`, refuse])),
      path_symlink: (_target: number, _length: number, fd: number) => refuse(fd),
      fd_readdir: refuse,
    },
    more: [],
  };
};

/** The 46 calls of wasi_snapshot_preview1 for one thread. directories: the calls on directories. */
export function preview1(thread: GuestThread, directories: SystemCalls): GuardedCalls {
  return {
    ...guardAll({ ...processCalls(thread), ...moreProcessCalls(thread), ...guestPollCalls(thread), ...directories }),
    ...fdCalls(thread), ...dataCalls(thread), ...clockCalls(thread),
  };
}
