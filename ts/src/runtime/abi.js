// SPDX-License-Identifier: MIT
/** The constants of WASI preview1 (wasi_snapshot_preview1.witx), except those of errors and rights, which have files of their own. */
import * as Rights from './wasi-rights.js';
/** Thrown inside a WASI call, which then returns its errno. */
export class WasiError extends Error {
    errno;
    constructor(errno) {
        super(`errno ${errno}`);
        this.errno = errno;
    }
}
/** One error for each errno: making one takes longer than most calls, because it records where it was made. */
const errors = [];
export function fail(errno) {
    throw (errors[errno] ??= new WasiError(errno));
}
/** The values of WASI's `filetype`. */
export const FileType = {
    unknown: 0, blockDevice: 1, characterDevice: 2, directory: 3, regular: 4, datagram: 5, stream: 6, symlink: 7,
};
export const ALL_RIGHTS = 2 ** 30 - 1;
/**
 * The rights of descriptors that also programs without directories have; rights.ts has the others. Seek and tell are
 * missing, because libc's isatty() recognises a terminal by that.
 */
export const RIGHTS_OF_STREAM = Rights.fdRead | Rights.fdWrite | Rights.fdFdstatSetFlags | Rights.fdFilestatGet | Rights.pollFdReadwrite;
export const RIGHTS_OF_SOCKET = RIGHTS_OF_STREAM | Rights.sockShutdown;
export const FdFlags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 };
export const OFlags = { creat: 1, directory: 2, excl: 4, trunc: 8 };
export const LookupFlags = { symlinkFollow: 1 };
export const FstFlags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 };
export const Whence = { set: 0, cur: 1, end: 2 };
export const Clock = { realtime: 0, monotonic: 1 };
export const EventType = { clock: 0, fdRead: 1, fdWrite: 2 };
export const SUBCLOCK_ABSTIME = 1;
export const EVENT_HANGUP = 1;
export const RiFlags = { peek: 1, waitall: 2 };
export const RO_DATA_TRUNCATED = 1;
export const SdFlags = { rd: 1, wr: 2 };
//# sourceMappingURL=abi.js.map