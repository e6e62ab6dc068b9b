// SPDX-License-Identifier: MIT
/** A client of WebSocket that sends whatever it is told, right or wrong. It shares no code with the server. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

export const OP = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };
/** The key of the example in RFC 6455, and its answer. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export interface FrameOptions {
  isLast?: boolean;
  isMasked?: boolean;
  reserved?: number;
  /** How many bytes give the length; without it as few as possible. */
  lengthBytes?: 0 | 2 | 8;
  /** What the frame says of its length. */
  length?: number;
}

/** A frame of a client. */
export function frame(opcode: number, data: Uint8Array = Buffer.alloc(0), { isLast = true, isMasked = true, reserved = 0, length = data.length, lengthBytes = length < 126 ? 0 : length < 65536 ? 2 : 8 }: FrameOptions = {}): Buffer {
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  return isMasked ? Buffer.concat([head, Buffer.from(mask), data.map((byte, n) => byte ^ (mask[n % 4] as number))]) : Buffer.concat([head, data]);
}

export const closing = (code: number, why = ''): Buffer => Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(why)]);

export const request = (headers: Record<string, string> = {}, start = 'GET /disk HTTP/1.1'): string => {
  const all = { Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13', ...headers };
  return `${start}\r\n${Object.entries(all).filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
};

async function socketTo(address: string | number): Promise<Socket> {
  const socket = typeof address === 'string' ? connect(address) : connect(address, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** One connection: first HTTP, then frames. As a stream it has the bytes of binary messages, and sends each chunk as one. */
export class RawWebSocket extends Duplex {
  #left = Buffer.alloc(0);
  #tell: (() => void) | undefined;
  #isOver = false;
  /** Frames that were no data. */
  readonly control: { opcode: number; data: Buffer }[] = [];

  constructor(readonly socket: Socket) {
    super();
    socket.on('error', () => {}).on('data', (chunk: Buffer) => {
      this.#left = Buffer.concat([this.#left, chunk]);
      this.#tell?.();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#isOver = true;
        this.#tell?.();
      });
    }
  }

  static async connect(address: string | number): Promise<RawWebSocket> {
    return new RawWebSocket(await socketTo(address));
  }

  /** A connection after the handshake, whose frames are read. */
  static async open(address: string | number, headers?: Record<string, string>): Promise<RawWebSocket> {
    return RawWebSocket.over(await socketTo(address), headers);
  }

  /** As open(), on a connection that there is. */
  static async over(socket: Socket, headers?: Record<string, string>): Promise<RawWebSocket> {
    const client = new RawWebSocket(socket);
    client.socket.write(request(headers));
    const { status } = await client.response();
    if (status !== 101) throw new Error(`the handshake was answered with ${status}`);
    client.readFrames();
    return client;
  }

  /** The answer to a request of HTTP, with its body unless it is 101. */
  async response(): Promise<{ status: number; headers: Map<string, string>; body: string }> {
    let end;
    while ((end = this.#left.indexOf('\r\n\r\n')) < 0) await this.#more();
    const [start = '', ...lines] = this.#left.toString('latin1', 0, end).split('\r\n');
    this.#left = this.#left.subarray(end + 4);
    const status = Number(start.split(' ')[1]);
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    while (status !== 101 && !this.#isOver) await this.#more().catch(() => {});
    return { status, headers, body: this.#left.toString() };
  }

  async #more(): Promise<void> {
    if (this.#isOver) throw new Error(`the connection has ended, after ${JSON.stringify(this.#left.toString('latin1'))}`);
    await new Promise<void>((resolve) => (this.#tell = resolve));
  }

  /** Frames are read from now on. */
  readFrames(): void {
    this.#tell = () => this.#frames();
    this.#frames();
  }

  #frames(): void {
    for (;;) {
      const [first = 0, second = 0] = this.#left;
      const head = second < 126 ? 2 : second === 126 ? 4 : 10;
      if (this.#left.length < head) break;
      const length = second === 126 ? this.#left.readUInt16BE(2) : second === 127 ? Number(this.#left.readBigUInt64BE(2)) : second;
      if (this.#left.length < head + length) break;
      const data = Buffer.from(this.#left.subarray(head, head + length));
      this.#left = this.#left.subarray(head + length);
      if (first === (0x80 | OP.BINARY)) {
        this.push(data);
      } else {
        this.control.push({ opcode: first & 15, data });
        this.emit('control');
      }
    }
    if (this.#isOver) this.push(null);
  }

  /** The next frame that is no data. */
  async nextControl(): Promise<{ opcode: number; data: Buffer }> {
    while (this.control.length === 0) await once(this, 'control');
    return this.control.shift() as { opcode: number; data: Buffer };
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.socket.write(frame(OP.BINARY, chunk));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
