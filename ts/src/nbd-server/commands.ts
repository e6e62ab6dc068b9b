// SPDX-License-Identifier: MIT
import type { AioBuffer } from '../api/buffer.js';
import type { AioFile } from '../api/file.js';
import { AioError, messageOf } from '../errors.js';
import type { Export } from './negotiation.js';
import * as nbd from './protocol.js';
import { NbdErrno, type Request } from './protocol.js';
import { allData, done, failed, readReply } from './replies.js';

/** What the requests of one connection need. */
export interface Target {
  readonly exported: Export;
  readonly file: AioFile;
  /** Zeros, for requests that write them; the pieces in which such requests, and those that fill the cache, are carried out. */
  readonly zeros: AioBuffer;
  readonly isStructured: boolean;
  readonly hasAllocation: boolean;
  /** Nobody waits for the reply any more. */
  readonly isGone: boolean;
}

/** The flags of each command. Clients may set FUA in all of them. */
const allowedFlags: Record<number, number> = {
  [nbd.CMD_READ]: nbd.CMD_FLAG_DF,
  [nbd.CMD_WRITE]: 0,
  [nbd.CMD_DISC]: 0,
  [nbd.CMD_FLUSH]: 0,
  [nbd.CMD_CACHE]: 0,
  [nbd.CMD_WRITE_ZEROES]: nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FAST_ZERO,
  [nbd.CMD_BLOCK_STATUS]: nbd.CMD_FLAG_REQ_ONE,
};

/** Errnos of the host by the errors of NBD; all others are EIO. */
const errors: Record<string, keyof typeof NbdErrno> = {
  ENOSPC: 'ENOSPC', EDQUOT: 'ENOSPC', EFBIG: 'ENOSPC', EPERM: 'EPERM', EROFS: 'EPERM', EACCES: 'EPERM', EBADF: 'EPERM', ENOMEM: 'ENOMEM', EINVAL: 'EINVAL',
};

/** A request that is answered by an error. */
class Refused extends Error {
  constructor(readonly errno: keyof typeof NbdErrno, why: string) {
    super(why);
  }
}

/** The bytes of memory that a request needs for its data or for that of its reply. */
export function payloadOf({ type, length }: Request): number {
  return type === nbd.CMD_WRITE || (type === nbd.CMD_READ && length <= nbd.MAX_PAYLOAD) ? length : 0;
}

/** @throws Refused */
function check({ flags, type, offset, length }: Request, target: Target): void {
  const { exported: { size, isReadOnly } } = target;
  const known = allowedFlags[type];
  if (known === undefined) throw new Refused('EINVAL', `this server does not know the command ${type}`);
  const strange = flags & ~(known | nbd.CMD_FLAG_FUA);
  if (strange !== 0 || (flags & nbd.CMD_FLAG_DF && !target.isStructured)) throw new Refused('EINVAL', `the command ${type} does not have the flags 0x${flags.toString(16)}`);
  const writes = type === nbd.CMD_WRITE || type === nbd.CMD_WRITE_ZEROES;
  if (writes && isReadOnly) throw new Refused('EPERM', 'the export is read-only');
  if (type !== nbd.CMD_FLUSH && offset + length > size) throw new Refused(writes ? 'ENOSPC' : 'EINVAL', `${length} bytes at ${offset} are beyond the end, which is at ${size}`);
  if (type === nbd.CMD_READ && length > nbd.MAX_PAYLOAD) throw new Refused('EINVAL', `a read has at most ${nbd.MAX_PAYLOAD} bytes`);
  if (flags & nbd.CMD_FLAG_FAST_ZERO) throw new Refused('ENOTSUP', 'zeros are written as data');
  if (type === nbd.CMD_BLOCK_STATUS && !target.hasAllocation) throw new Refused('EINVAL', `${nbd.BASE_ALLOCATION} was not negotiated`);
  if (type === nbd.CMD_BLOCK_STATUS && length === 0) throw new Refused('EINVAL', 'a range has at least one byte');
}

/** The pieces of a range, none of which is longer than `most`. */
function* pieces(offset: number, length: number, most: number): Generator<{ at: number; size: number }> {
  for (let from = 0; from < length; from += most) yield { at: offset + from, size: Math.min(most, length - from) };
}

async function perform(request: Request, data: Uint8Array | undefined, target: Target): Promise<Buffer> {
  check(request, target);
  const { type, flags, offset, length } = request;
  const { file, zeros, isStructured } = target;
  if (type === nbd.CMD_READ && length > 0) {
    const { reply, data: into } = readReply(request, isStructured);
    const read = await file.read(offset, into);
    if (read < length) throw new Refused('EIO', `${file.path} has become shorter: it ends at ${offset + read}`);
    return reply;
  }
  if (type === nbd.CMD_BLOCK_STATUS) return allData(request);
  if (type === nbd.CMD_WRITE && data && length > 0) await file.write(offset, data);
  if (type === nbd.CMD_WRITE_ZEROES || type === nbd.CMD_CACHE) {
    for (const { at, size } of pieces(offset, length, zeros.length)) {
      if (target.isGone) break;
      if (type === nbd.CMD_CACHE) await file.read(at, size);
      else await file.write(at, zeros.bytes.subarray(0, size));
    }
  }
  const isForced = (flags & nbd.CMD_FLAG_FUA) !== 0 && !target.exported.isReadOnly;
  if (type === nbd.CMD_FLUSH || isForced) await file.flush();
  return done(request, isStructured);
}

/**
 * Carries out a request. data: of a write. Resolves with the reply, also if the request has failed; report() is told of
 * failures that are the server's.
 * @throws AioError the runtime or the thread of the file has ended
 */
export async function carryOut(request: Request, data: Uint8Array | undefined, target: Target, report: (why: string) => void): Promise<Buffer> {
  try {
    return await perform(request, data, target);
  } catch (error) {
    if (error instanceof Refused) {
      if (error.errno === 'EIO') report(error.message);
      return failed(request, target.isStructured, NbdErrno[error.errno], error.message);
    }
    if (!(error instanceof AioError) || (error.code !== 'ERR_AIO_IO' && error.code !== 'ERR_AIO_NO_MEMORY')) throw error;
    report(messageOf(error));
    return failed(request, target.isStructured, NbdErrno[errors[error.errno ?? ''] ?? 'EIO'], messageOf(error));
  }
}
