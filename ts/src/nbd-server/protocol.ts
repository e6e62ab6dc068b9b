// SPDX-License-Identifier: MIT
/** The numbers of the NBD protocol, which are big-endian on the wire. Their names are those of the protocol's specification. */

/** What the server sends first: `NBDMAGIC`. */
export const INIT_PASSWD = 0x4e42444d41474943n;
/** Begins each option of a client, and ends the server's greeting: `IHAVEOPT`. */
export const OPTION_MAGIC = 0x49484156454f5054n;
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** The handshake flags of the server, which the client repeats if it knows them. */
export const FLAG_FIXED_NEWSTYLE = 1;
export const FLAG_NO_ZEROES = 2;

/** Transmission flags: what an export can do. */
export const FLAG_HAS_FLAGS = 1 << 0;
export const FLAG_READ_ONLY = 1 << 1;
export const FLAG_SEND_FLUSH = 1 << 2;
export const FLAG_SEND_FUA = 1 << 3;
export const FLAG_SEND_WRITE_ZEROES = 1 << 6;
export const FLAG_SEND_DF = 1 << 7;
export const FLAG_CAN_MULTI_CONN = 1 << 8;
export const FLAG_SEND_CACHE = 1 << 10;
export const FLAG_SEND_FAST_ZERO = 1 << 11;

export const OPT_EXPORT_NAME = 1;
export const OPT_ABORT = 2;
export const OPT_LIST = 3;
export const OPT_STARTTLS = 5;
export const OPT_INFO = 6;
export const OPT_GO = 7;
export const OPT_STRUCTURED_REPLY = 8;
export const OPT_LIST_META_CONTEXT = 9;
export const OPT_SET_META_CONTEXT = 10;

export const REP_ACK = 1;
export const REP_SERVER = 2;
export const REP_INFO = 3;
export const REP_META_CONTEXT = 4;
const REP_ERROR = 2 ** 31;
export const REP_ERR_UNSUP = REP_ERROR + 1;
export const REP_ERR_INVALID = REP_ERROR + 3;
export const REP_ERR_TLS_REQD = REP_ERROR + 5;
export const REP_ERR_UNKNOWN = REP_ERROR + 6;

export const INFO_EXPORT = 0;
export const INFO_NAME = 1;
export const INFO_BLOCK_SIZE = 3;

export const CMD_READ = 0;
export const CMD_WRITE = 1;
export const CMD_DISC = 2;
export const CMD_FLUSH = 3;
export const CMD_CACHE = 5;
export const CMD_WRITE_ZEROES = 6;
export const CMD_BLOCK_STATUS = 7;

export const CMD_FLAG_FUA = 1 << 0;
export const CMD_FLAG_NO_HOLE = 1 << 1;
export const CMD_FLAG_DF = 1 << 2;
export const CMD_FLAG_REQ_ONE = 1 << 3;
export const CMD_FLAG_FAST_ZERO = 1 << 4;

export const REPLY_FLAG_DONE = 1;
export const REPLY_TYPE_NONE = 0;
export const REPLY_TYPE_OFFSET_DATA = 1;
export const REPLY_TYPE_BLOCK_STATUS = 5;
export const REPLY_TYPE_ERROR = 2 ** 15 + 1;

/** The errors that a reply may have, by the names of their errnos. */
export const NbdErrno = { EPERM: 1, EIO: 5, ENOMEM: 12, EINVAL: 22, ENOSPC: 28, ENOTSUP: 95 } as const;

/** The only metadata context, and its number in replies. */
export const BASE_ALLOCATION = 'base:allocation';
export const BASE_ALLOCATION_ID = 1;

/** The most bytes that one request may read or write: what the specification asks of every server. */
export const MAX_PAYLOAD = 32 * 1024 ** 2;
/** The most bytes of data of an option: names have at most 4096. */
export const MAX_OPTION = 64 * 1024;

/** A request of a client, without the data of a write. */
export interface Request {
  flags: number;
  type: number;
  /** What the client calls the request, in two halves. */
  cookieHigh: number;
  cookieLow: number;
  offset: number;
  length: number;
}

/** A peer has broken the protocol or a limit: its connection ends, and the message says why. */
export class Fault extends Error {
  override name = 'Fault';
}
