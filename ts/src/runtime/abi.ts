// SPDX-License-Identifier: MIT
/** The numbers of WASI preview1 (wasi_snapshot_preview1.witx). */

/** `errno`, as far as this host answers with them. */
export const E = {
  SUCCESS: 0, ACCES: 2, AGAIN: 6, BADF: 8, BUSY: 10, CANCELED: 11, EXIST: 20, FAULT: 21, FBIG: 22, ILSEQ: 25, INVAL: 28, IO: 29,
  ISDIR: 31, LOOP: 32, MFILE: 33, NAMETOOLONG: 37, NFILE: 41, NOBUFS: 42, NOENT: 44, NOMEM: 48, NOSPC: 51, NOSYS: 52, NOTCONN: 53,
  NOTDIR: 54, NOTEMPTY: 55, NOTSOCK: 57, NOTSUP: 58, OVERFLOW: 61, PERM: 63, PIPE: 64, RANGE: 68, SPIPE: 70, NOTCAPABLE: 76,
} as const;

/** Thrown inside a call, which then answers with its errno. */
export class WasiError extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

export function fail(errno: number): never {
  throw new WasiError(errno);
}

/** `filetype` */
export const FileType = {
  unknown: 0, blockDevice: 1, characterDevice: 2, directory: 3, regular: 4, datagram: 5, stream: 6, symlink: 7,
} as const;

/** `rights`: the bits above these mean nothing. */
export const Rights = {
  fdDatasync: 1 << 0, fdRead: 1 << 1, fdSeek: 1 << 2, fdFdstatSetFlags: 1 << 3, fdSync: 1 << 4, fdTell: 1 << 5,
  fdWrite: 1 << 6, fdAdvise: 1 << 7, fdAllocate: 1 << 8, pathCreateDirectory: 1 << 9, pathCreateFile: 1 << 10,
  pathLinkSource: 1 << 11, pathLinkTarget: 1 << 12, pathOpen: 1 << 13, fdReaddir: 1 << 14, pathReadlink: 1 << 15,
  pathRenameSource: 1 << 16, pathRenameTarget: 1 << 17, pathFilestatGet: 1 << 18, pathFilestatSetSize: 1 << 19,
  pathFilestatSetTimes: 1 << 20, fdFilestatGet: 1 << 21, fdFilestatSetSize: 1 << 22, fdFilestatSetTimes: 1 << 23,
  pathSymlink: 1 << 24, pathRemoveDirectory: 1 << 25, pathUnlinkFile: 1 << 26, pollFdReadwrite: 1 << 27,
  sockShutdown: 1 << 28, sockAccept: 1 << 29,
} as const;
export const ALL_RIGHTS = 2 ** 30 - 1;

/** Those of descriptors that a program without directories has, too; rights.ts has the others. No seek and
 * no tell: by that libc's isatty() knows a terminal. */
export const RIGHTS_OF_STREAM =
  Rights.fdRead | Rights.fdWrite | Rights.fdFdstatSetFlags | Rights.fdFilestatGet | Rights.pollFdReadwrite;
export const RIGHTS_OF_SOCKET = RIGHTS_OF_STREAM | Rights.sockShutdown;

export const FdFlags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
export const OFlags = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const;
export const LookupFlags = { symlinkFollow: 1 } as const;
export const FstFlags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const;
export const Whence = { set: 0, cur: 1, end: 2 } as const;
export const Clock = { realtime: 0, monotonic: 1 } as const;
export const EventType = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
export const SUBCLOCK_ABSTIME = 1;
export const EVENT_HANGUP = 1;
export const RiFlags = { peek: 1, waitall: 2 } as const;
export const RO_DATA_TRUNCATED = 1;
export const SdFlags = { rd: 1, wr: 2 } as const;
