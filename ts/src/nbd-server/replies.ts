// SPDX-License-Identifier: MIT
/** What the server sends, as bytes. */
import * as nbd from './protocol.js';
import type { Request } from './protocol.js';

/** The first bytes of a server. */
export function greeting(): Buffer {
  const bytes = Buffer.allocUnsafe(18);
  bytes.writeBigUInt64BE(nbd.INIT_PASSWD, 0);
  bytes.writeBigUInt64BE(nbd.OPTION_MAGIC, 8);
  bytes.writeUInt16BE(nbd.FLAG_FIXED_NEWSTYLE | nbd.FLAG_NO_ZEROES, 16);
  return bytes;
}

/** A reply to an option. */
export function optionReply(option: number, type: number, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.allocUnsafe(20);
  head.writeBigUInt64BE(nbd.OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

/** A text after its length in 32 bits. */
export function lengthAndText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([numbers([4, bytes.length]), bytes]);
}

/** Integers, each after the number of its bytes: 2, 4 or 8. */
export function numbers(...values: [bytes: 2 | 4 | 8, value: number][]): Buffer {
  const bytes = Buffer.allocUnsafe(values.reduce((sum, [length]) => sum + length, 0));
  let at = 0;
  for (const [length, value] of values) {
    if (length === 8) bytes.writeBigUInt64BE(BigInt(value), at);
    else bytes.writeUIntBE(value, at, length);
    at += length;
  }
  return bytes;
}

const SIMPLE_LENGTH = 16;
const CHUNK_LENGTH = 20;

function writeSimple(bytes: Buffer, { cookieHigh, cookieLow }: Request, error: number): void {
  bytes.writeUInt32BE(nbd.SIMPLE_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(error, 4);
  bytes.writeUInt32BE(cookieHigh, 8);
  bytes.writeUInt32BE(cookieLow, 12);
}

/** The head of a structured reply's last chunk. */
function writeChunk(bytes: Buffer, { cookieHigh, cookieLow }: Request, type: number, length: number): void {
  bytes.writeUInt32BE(nbd.STRUCTURED_REPLY_MAGIC, 0);
  bytes.writeUInt16BE(nbd.REPLY_FLAG_DONE, 4);
  bytes.writeUInt16BE(type, 6);
  bytes.writeUInt32BE(cookieHigh, 8);
  bytes.writeUInt32BE(cookieLow, 12);
  bytes.writeUInt32BE(length, 16);
}

/** The reply to a request that has succeeded and has no data. */
export function done(request: Request, isStructured: boolean): Buffer {
  const bytes = Buffer.allocUnsafe(isStructured ? CHUNK_LENGTH : SIMPLE_LENGTH);
  if (isStructured) writeChunk(bytes, request, nbd.REPLY_TYPE_NONE, 0);
  else writeSimple(bytes, request, 0);
  return bytes;
}

/** The reply to a request that has failed. why: for whoever operates the client. */
export function failed(request: Request, isStructured: boolean, error: number, why: string): Buffer {
  const text = Buffer.from(isStructured ? why : '');
  const bytes = Buffer.allocUnsafe(isStructured ? CHUNK_LENGTH + 6 + text.length : SIMPLE_LENGTH);
  if (isStructured) {
    writeChunk(bytes, request, nbd.REPLY_TYPE_ERROR, 6 + text.length);
    bytes.writeUInt32BE(error, CHUNK_LENGTH);
    bytes.writeUInt16BE(text.length, CHUNK_LENGTH + 4);
    bytes.set(text, CHUNK_LENGTH + 6);
  } else {
    writeSimple(bytes, request, error);
  }
  return bytes;
}

/** The length of what comes before the data in the reply to a read. */
export const readHeadLength = (isStructured: boolean): number => (isStructured ? CHUNK_LENGTH + 8 : SIMPLE_LENGTH);

/** Writes what comes before the data in the reply to a read of at least one byte; returns where the data begins. */
export function writeReadHead(reply: Buffer, request: Request, isStructured: boolean): number {
  const { offset, length } = request;
  if (isStructured) {
    writeChunk(reply, request, nbd.REPLY_TYPE_OFFSET_DATA, 8 + length);
    reply.writeUInt32BE(Math.floor(offset / 2 ** 32), CHUNK_LENGTH);
    reply.writeUInt32BE(offset % 2 ** 32, CHUNK_LENGTH + 4);
  } else {
    writeSimple(reply, request, 0);
  }
  return readHeadLength(isStructured);
}

/** The reply to a request for the block status: all of the range is data. */
export function allData(request: Request): Buffer {
  const status = numbers([4, nbd.BASE_ALLOCATION_ID], [4, request.length], [4, 0]);
  const head = Buffer.allocUnsafe(CHUNK_LENGTH);
  writeChunk(head, request, nbd.REPLY_TYPE_BLOCK_STATUS, status.length);
  return Buffer.concat([head, status]);
}
