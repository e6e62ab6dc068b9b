// SPDX-License-Identifier: MIT
/** A WebSocket server for tests (RFC 6455), whose connections are streams of bytes. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';

const BINARY = 2;
const CLOSE = 8;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The bytes of binary messages. */
class Messages extends Duplex {
  private left = Buffer.alloc(0);

  constructor(private readonly socket: Duplex) {
    super();
    socket.on('data', (bytes: Buffer) => this.parse(bytes));
    socket.on('close', () => this.destroy());
    socket.on('error', () => {});
  }

  private parse(bytes: Buffer): void {
    this.left = Buffer.concat([this.left, bytes]);
    for (;;) {
      const { left } = this;
      const short = (left[1] ?? 0) & 127;
      const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
      if (left.length < head + 4) return;
      const length = short === 126 ? left.readUInt16BE(2) : short === 127 ? Number(left.readBigUInt64BE(2)) : short;
      if (left.length < head + 4 + length) return;
      const mask = left.subarray(head, head + 4);
      const data = Buffer.from(left.subarray(head + 4, head + 4 + length).map((byte, n) => byte ^ (mask[n % 4] as number)));
      if (((left[0] ?? 0) & 15) === CLOSE) this.socket.destroy();
      else this.push(data);
      this.left = Buffer.from(left.subarray(head + 4 + length));
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const { length } = chunk;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
    head[0] = 0x80 | BINARY;
    head[1] = length < 126 ? length : length < 65536 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(length, 2);
    else if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
    this.socket.write(Buffer.concat([head, chunk]), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}

/** Listens on the loopback. */
export async function webSockets(connected: (stream: Duplex, url: string) => void): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer().on('upgrade', ({ headers, url }: IncomingMessage, socket: Duplex) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    connected(new Messages(socket), url ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
