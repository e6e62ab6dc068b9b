// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import type { Block, Ended, ServedFile } from './file.js';
import type { Export } from './negotiation.js';
import * as nbd from './protocol.js';
import { NbdErrno, type Request } from './protocol.js';
import { allData, done, failed, readHeadLength, writeReadHead } from './replies.js';

/** What the requests of one connection need. */
export interface Target {
  readonly exported: Export;
  readonly file: ServedFile;
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

/** Why a request is answered by an error. */
export class Refusal {
  constructor(readonly errno: keyof typeof NbdErrno, readonly why: string) {}

  /** The reply. */
  replyTo(request: Request, isStructured: boolean): Buffer {
    return failed(request, isStructured, NbdErrno[this.errno], this.why);
  }
}

/** The bytes of memory that a request needs for its data or for that of its reply. */
export function payloadOf({ type, length }: Request): number {
  return type === nbd.CMD_WRITE || (type === nbd.CMD_READ && length <= nbd.MAX_PAYLOAD) ? length : 0;
}

/** The length of the block that a request needs that is not refused. */
export function blockLengthOf({ type, length }: Request, isStructured: boolean): number {
  if (length === 0) return 0;
  return type === nbd.CMD_READ ? readHeadLength(isStructured) + length : type === nbd.CMD_WRITE ? length : 0;
}

/** Returns why a request is refused; undefined: it is not. */
export function refusalOf({ flags, type, offset, length }: Request, target: Target): Refusal | undefined {
  const { exported: { size, isReadOnly } } = target;
  const known = allowedFlags[type];
  if (known === undefined) return new Refusal('EINVAL', `this server does not know the command ${type}`);
  const strange = flags & ~(known | nbd.CMD_FLAG_FUA);
  if (strange !== 0 || (flags & nbd.CMD_FLAG_DF && !target.isStructured)) return new Refusal('EINVAL', `the command ${type} does not have the flags 0x${flags.toString(16)}`);
  const writes = type === nbd.CMD_WRITE || type === nbd.CMD_WRITE_ZEROES;
  if (writes && isReadOnly) return new Refusal('EPERM', 'the export is read-only');
  if (type !== nbd.CMD_FLUSH && offset + length > size) return new Refusal(writes ? 'ENOSPC' : 'EINVAL', `${length} bytes at ${offset} are beyond the end, which is at ${size}`);
  if (type === nbd.CMD_READ && length > nbd.MAX_PAYLOAD) return new Refusal('EINVAL', `a read has at most ${nbd.MAX_PAYLOAD} bytes`);
  if (flags & nbd.CMD_FLAG_FAST_ZERO) return new Refusal('ENOTSUP', 'zeros are written as data');
  if (type === nbd.CMD_BLOCK_STATUS && !target.hasAllocation) return new Refusal('EINVAL', `${nbd.BASE_ALLOCATION} was not negotiated`);
  if (type === nbd.CMD_BLOCK_STATUS && length === 0) return new Refusal('EINVAL', 'a range has at least one byte');
  return undefined;
}

/** Returns how a request is answered whose file has failed. @throws AioError no request can succeed any more */
export function refusalBy(error: Error): Refusal {
  if (!(error instanceof AioError) || (error.code !== 'ERR_AIO_IO' && error.code !== 'ERR_AIO_NO_MEMORY')) throw error;
  return new Refusal(errors[error.errno ?? ''] ?? 'EIO', messageOf(error));
}

/** What becomes of one request. */
export interface Outcome {
  /** Called once, unless failed() is. */
  reply(bytes: Buffer): void;
  /** Something that is the server's fault. */
  report(why: string): void;
  /** No request can succeed any more. */
  failed(error: Error): void;
}

/** Carries out a request that is not refused. block: of as many bytes as blockLengthOf() says; a write's has its data. */
export function carryOut(request: Request, block: Block | undefined, target: Target, outcome: Outcome): void {
  const { type, flags, offset, length } = request;
  const { file, isStructured } = target;
  /** Returns a function that goes on if there is no error. */
  const unlessFailed = (goOn: (result: number) => void): Ended => (result) => {
    if (typeof result === 'number') return goOn(result);
    // Perhaps it was forgotten.
    if (target.isGone) return end();
    try {
      const refusal = refusalBy(result);
      outcome.report(refusal.why);
      outcome.reply(refusal.replyTo(request, isStructured));
    } catch (error) {
      outcome.failed(error as Error);
    }
  };
  const end = (): void => outcome.reply(done(request, isStructured));
  const endAfterFlush = (): void => {
    const isForced = (flags & nbd.CMD_FLAG_FUA) !== 0 && !target.exported.isReadOnly;
    if (type === nbd.CMD_FLUSH || isForced) file.flush(target, unlessFailed(end));
    else end();
  };
  if (type === nbd.CMD_READ && block) {
    const { bytes } = block;
    file.read(offset, bytes, writeReadHead(bytes, request, isStructured), target, unlessFailed((read) => {
      if (read === length) return outcome.reply(bytes);
      const refusal = new Refusal('EIO', `${file.path} has become shorter: it ends at ${offset + read}`);
      outcome.report(refusal.why);
      outcome.reply(refusal.replyTo(request, isStructured));
    }));
  } else if (type === nbd.CMD_WRITE && block) {
    file.write(offset, block.bytes, length, unlessFailed(endAfterFlush));
  } else if (type === nbd.CMD_WRITE_ZEROES || type === nbd.CMD_CACHE) {
    const { zeros, scratch } = file;
    const most = Math.min(zeros.length, scratch.length);
    // One piece after the other.
    const next = (at: number): void => {
      const size = Math.min(most, offset + length - at);
      if (size === 0 || target.isGone) return endAfterFlush();
      const then = unlessFailed(() => next(at + size));
      if (type === nbd.CMD_CACHE) file.read(at, scratch, scratch.length - size, target, then);
      else file.write(at, zeros, size, then);
    };
    next(offset);
  } else if (type === nbd.CMD_BLOCK_STATUS) {
    outcome.reply(allData(request));
  } else {
    endAfterFlush();
  }
}
