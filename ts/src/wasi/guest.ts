// SPDX-License-Identifier: MIT
/** The owner's side of one guest: its arguments and its descriptors. */
import type { OwnerHost } from '../hosts/host.js';
import { FileType, Rights, RIGHTS_OF_STREAM } from './abi.js';
import type { GuestConfig } from './guest-config.js';
import type { GuestOptions } from './guest-options.js';
import type { DirectoryCalls } from './process.js';
import { Shared } from './shared.js';
import { FdTable, Kind, type FileSystem } from './table.js';

/** By itself one that only writes to the console: modules that TypeScript drives. */
export class Guest {
  readonly config: GuestConfig;
  protected readonly table: FdTable;

  protected constructor(protected readonly host: OwnerHost, readonly shared: Shared, options: GuestOptions, hostFiles = false) {
    this.table = new FdTable(shared, host.fs as FileSystem | undefined);
    this.config = {
      args: options.args ?? ['program'],
      env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
      preopens: Object.keys(options.dirs ?? {}),
      buffer: shared.buffer,
      hostFiles,
    };
  }

  static plain(host: OwnerHost, args: readonly string[]): Guest {
    const guest = new Guest(host, Shared.create(false), { args }, true);
    guest.console(1, FileType.characterDevice);
    guest.console(2, FileType.characterDevice);
    return guest;
  }

  protected console(fd: number, type: number, rights = RIGHTS_OF_STREAM): void {
    this.table.openAt(fd, { kind: Kind.console, type, hostFd: fd, base: rights & ~Rights.fdRead });
  }

  /** Absent: it has no directories. */
  get directoryCalls(): DirectoryCalls | undefined {
    return undefined;
  }

  /** Its file descriptors, as text, a line each. */
  dump(): string {
    return this.table.dump();
  }
}
