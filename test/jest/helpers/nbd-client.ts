// SPDX-License-Identifier: MIT
/** A client of the NBD protocol that sends whatever it is told, right or wrong. It shares no code with the server. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const OPT = { EXPORT_NAME: 1, ABORT: 2, LIST: 3, PEEK: 4, STARTTLS: 5, INFO: 6, GO: 7, STRUCTURED_REPLY: 8, LIST_META_CONTEXT: 9, SET_META_CONTEXT: 10 };
export const REP = { ACK: 1, SERVER: 2, INFO: 3, META_CONTEXT: 4, ERR_UNSUP: 0x80000001, ERR_INVALID: 0x80000003, ERR_TLS_REQD: 0x80000005, ERR_UNKNOWN: 0x80000006 };
export const CMD = { READ: 0, WRITE: 1, DISC: 2, FLUSH: 3, TRIM: 4, CACHE: 5, WRITE_ZEROES: 6, BLOCK_STATUS: 7 };
export const FUA = 1;
export const NO_HOLE = 2;
export const DF = 4;
export const FAST_ZERO = 16;
export const EPERM = 1;
export const EIO = 5;
export const EINVAL = 22;
export const ENOSPC = 28;
export const ENOTSUP = 95;

export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
/** A text after its length. */
export const text = (value: string): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);

const IHAVEOPT = Buffer.from('IHAVEOPT');

export const option = (number: number, data: Uint8Array = Buffer.alloc(0)): Buffer => Buffer.concat([IHAVEOPT, u32(number), u32(data.length), data]);
/** The data of NBD_OPT_GO and NBD_OPT_INFO. */
export const goData = (name = '', ...infos: number[]): Buffer => Buffer.concat([text(name), u16(infos.length), ...infos.map(u16)]);
/** The data of the options for metadata contexts. */
export const metaData = (name: string, ...queries: string[]): Buffer => Buffer.concat([text(name), u32(queries.length), ...queries.map(text)]);

export interface Asked {
  type: number;
  offset?: bigint | number;
  length?: number;
  flags?: number;
  cookie?: bigint | number;
  data?: Uint8Array;
  magic?: number;
}

export const request = ({ type, offset = 0, data, length = data?.length ?? 0, flags = 0, cookie = 1, magic = 0x25609513 }: Asked): Buffer =>
  Buffer.concat([u32(magic), u16(flags), u16(type), u64(cookie), u64(offset), u32(length), data ?? Buffer.alloc(0)]);

/** A simple reply, or one chunk of a structured one. */
export interface Reply {
  cookie: bigint;
  error: number;
  /** Of a structured reply. */
  type?: number;
  isLast: boolean;
  data: Buffer;
  /** What an error says. */
  message?: string;
}

export class RawNbd {
  #chunks: Buffer[] = [];
  #have = 0;
  #wake: (() => void) | undefined;
  #isOver = false;
  isStructured = false;
  /** Resolves when the server has closed its side, or the connection is closed. */
  readonly ended: Promise<unknown>;

  constructor(readonly socket: Socket) {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#have += chunk.length;
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => socket.on('end', resolve).on('close', resolve));
    void this.ended.then(() => {
      this.#isOver = true;
      this.#wake?.();
    });
  }

  static async connect(address: string | number): Promise<RawNbd> {
    const socket = typeof address === 'string' ? connect(address) : connect(address, '127.0.0.1');
    await once(socket, 'connect');
    return new RawNbd(socket);
  }

  /** A connection in the transmission phase. */
  static async go(address: string | number, { structured = false, meta = false } = {}): Promise<RawNbd> {
    const client = await RawNbd.connect(address);
    await client.greet();
    if (structured) await client.acked(OPT.STRUCTURED_REPLY);
    client.isStructured = structured;
    if (meta) await client.acked(OPT.SET_META_CONTEXT, metaData('', 'base:allocation'));
    await client.acked(OPT.GO, goData());
    return client;
  }

  send(...parts: Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }

  /** The next bytes; rejects if the connection ends before they have arrived. */
  async bytes(length: number): Promise<Buffer> {
    while (this.#have < length) {
      if (this.#isOver) throw new Error(`the connection has ended: ${this.#have} bytes of ${length}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#have -= length;
    return all.subarray(0, length);
  }

  /** What has arrived and was not looked at. */
  get left(): number {
    return this.#have;
  }

  /** Reads the greeting and sends the flags. */
  async greet(flags = 3): Promise<number> {
    const greeting = await this.bytes(18);
    if (greeting.toString('latin1', 0, 16) !== 'NBDMAGICIHAVEOPT') throw new Error('this is no NBD server');
    this.send(u32(flags));
    return greeting.readUInt16BE(16);
  }

  async optionReply(): Promise<{ option: number; type: number; data: Buffer }> {
    const head = await this.bytes(20);
    if (head.readBigUInt64BE(0) !== 0x3e889045565a9n) throw new Error('a reply to an option has the wrong magic');
    return { option: head.readUInt32BE(8), type: head.readUInt32BE(12), data: await this.bytes(head.readUInt32BE(16)) };
  }

  /** Sends an option, and returns all replies up to the acknowledgement or the error. */
  async negotiate(number: number, data?: Uint8Array): Promise<{ option: number; type: number; data: Buffer }[]> {
    this.send(option(number, data));
    const replies = [await this.optionReply()];
    while (replies.at(-1)?.type !== REP.ACK && (replies.at(-1)?.type ?? 0) < 0x80000000) replies.push(await this.optionReply());
    return replies;
  }

  async acked(number: number, data?: Uint8Array): Promise<void> {
    const last = (await this.negotiate(number, data)).at(-1);
    if (last?.type !== REP.ACK) throw new Error(`option ${number}: ${last?.type.toString(16)} ${last?.data.toString()}`);
  }

  /** The next reply. length: of the data of a simple reply, if it is no error. */
  async reply(length = 0): Promise<Reply> {
    const head = await this.bytes(16);
    const cookie = head.readBigUInt64BE(8);
    if (head.readUInt32BE(0) === 0x67446698) {
      const error = head.readUInt32BE(4);
      return { cookie, error, isLast: true, data: await this.bytes(error === 0 ? length : 0) };
    }
    if (head.readUInt32BE(0) !== 0x668e33ef) throw new Error('a reply has the wrong magic');
    const type = head.readUInt16BE(6);
    const isLast = (head.readUInt16BE(4) & 1) !== 0;
    const payload = await this.bytes((await this.bytes(4)).readUInt32BE(0));
    if (type < 0x8000) return { cookie, error: 0, type, isLast, data: payload };
    return { cookie, error: payload.readUInt32BE(0), type, isLast, data: payload, message: payload.toString('utf8', 6, 6 + payload.readUInt16BE(4)) };
  }

  /** Sends a request and returns its reply. */
  ask(asked: Asked): Promise<Reply> {
    this.send(request(asked));
    return this.reply(asked.type === CMD.READ && !this.isStructured ? asked.length : 0);
  }

  close(): void {
    this.socket.destroy();
  }
}
