// SPDX-License-Identifier: MIT
/** An NBD server for tests, written from the protocol's text: it shares no code with the client or the package's server. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket, type SecureContextOptions } from 'node:tls';

const READ = 0;
const WRITE = 1;
const DISCONNECT = 2;
const FLUSH = 3;
const WRITE_ZEROES = 6;
const BLOCK_STATUS = 7;
const BASE_ALLOCATION = 'base:allocation';

export interface PeerRequest {
  flags: number;
  type: number;
  cookie: Buffer;
  offset: number;
  length: number;
}

export interface PeerOptions {
  /** The transmission flags; by default flush and FUA are offered. */
  flags?: number;
  /** The name of its only export. */
  name?: string;
  structured?: boolean;
  /** With it the server demands TLS. */
  tls?: SecureContextOptions;
  /** What the disk consists of: lengths and states. Without it, there is no base:allocation. */
  extents?: readonly (readonly [number, number])[];
  /** It tells so many of them at once. */
  mostExtents?: number;
  /** Answers requests in pairs, the second one first. */
  reversed?: boolean;
  /** Called for each request; what it returns is not answered. */
  ignore?(request: PeerRequest, socket: Duplex): boolean;
}

/** A chunk of a structured reply. */
export function chunk(type: number, cookie: Buffer, payload: Buffer): Buffer {
  return Buffer.concat([be(0x668e33ef, 4), be(1, 2), be(type, 2), cookie, be(payload.length, 4), payload]);
}

export function be(value: number | bigint, bytes: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
}

/** A server with one export in memory. */
export class NbdPeer {
  readonly sockets = new Set<Duplex>();
  connections = 0;
  requests = 0;
  /** What it was asked. */
  readonly asked: PeerRequest[] = [];
  flushes = 0;
  goodByes = 0;
  private server: Server | undefined;

  constructor(readonly disk: Buffer, readonly options: PeerOptions = {}) {}

  /** Listens on the loopback or, at a path, on a Unix socket. Returns the port. */
  async listen(at: { port?: number; path?: string } = {}): Promise<number> {
    this.server = createServer((socket) => this.attach(socket));
    this.server.listen(at.path === undefined ? { host: '127.0.0.1', port: at.port ?? 0 } : { path: at.path });
    await once(this.server, 'listening');
    return at.path === undefined ? (this.server.address() as AddressInfo).port : 0;
  }

  /** Ends all connections, in the middle of whatever is being sent. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    const closed = this.server && once(this.server, 'close');
    this.server?.close();
    await closed;
  }

  /** Serves one connection. */
  attach(socket: Duplex): void {
    void this.serve(socket).catch(() => socket.destroy());
  }

  private async serve(plain: Duplex): Promise<void> {
    let socket = plain;
    let secured = false;
    this.connections++;
    this.sockets.add(plain);
    plain.on('close', () => this.sockets.delete(plain));
    plain.on('error', () => {});
    let chunks: Buffer = Buffer.alloc(0);
    let wake: (() => void) | undefined;
    let ended = false;
    const listen = (to: Duplex): void => {
      to.on('data', (bytes: Buffer) => {
        chunks = Buffer.concat([chunks, bytes]);
        wake?.();
      });
      to.on('error', () => {});
      to.on('close', () => {
        ended = true;
        wake?.();
      });
    };
    listen(socket);
    const take = async (length: number): Promise<Buffer> => {
      while (chunks.length < length) {
        if (ended) throw new Error('closed');
        await new Promise<void>((resolve) => (wake = resolve));
      }
      const taken = chunks.subarray(0, length);
      chunks = chunks.subarray(length);
      return taken;
    };
    const { disk, options: { flags = 1 | 4 | 8, name = 'disk', structured = true, tls, extents } } = this;
    let agreed = false;
    const reply = (option: number, type: number, data: Buffer = Buffer.alloc(0)): void =>
      void socket.write(Buffer.concat([be(0x3e889045565a9n, 8), be(option, 4), be(type, 4), be(data.length, 4), data]));

    socket.write(Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT'), be(3, 2)]));
    await take(4);
    for (;;) {
      const head = await take(16);
      const option = head.readUInt32BE(8);
      const data = await take(head.readUInt32BE(12));
      if (option === 5 && tls) {
        reply(5, 1);
        plain.removeAllListeners('data');
        socket = new TLSSocket(plain as Socket, { isServer: true, ...tls });
        listen(socket);
        secured = true;
      } else if (tls && !secured) {
        reply(option, 0x80000005);
      } else if (option === 8 && structured) {
        agreed = true;
        reply(8, 1);
      } else if (option === 10 && extents) {
        reply(10, 4, Buffer.concat([be(99, 4), Buffer.from(BASE_ALLOCATION)]));
        reply(10, 1);
      } else if (option === 7) {
        const wanted = data.subarray(4, 4 + data.readUInt32BE(0)).toString();
        if (wanted !== name) {
          reply(7, 0x80000006, Buffer.from('no such export'));
          continue;
        }
        reply(7, 3, Buffer.concat([be(0, 2), be(disk.length, 8), be(flags, 2)]));
        reply(7, 1);
        break;
      } else if (option === 2) {
        socket.end();
        return;
      } else {
        reply(option, 0x80000001);
      }
    }

    let kept: Buffer | undefined;
    const answer = (bytes: Buffer): void => {
      if (!this.options.reversed) return void socket.write(bytes);
      if (kept) socket.write(Buffer.concat([bytes, kept]));
      kept = kept ? undefined : bytes;
    };
    for (;;) {
      const head = await take(28);
      const flags = head.readUInt16BE(4);
      const type = head.readUInt16BE(6);
      const cookie = head.subarray(8, 16);
      const offset = Number(head.readBigUInt64BE(16));
      const length = head.readUInt32BE(24);
      if (type === DISCONNECT) {
        this.goodByes++;
        socket.end();
        return;
      }
      if (type === WRITE) (await take(length)).copy(disk, offset);
      this.requests++;
      const request = { flags, type, cookie, offset, length };
      this.asked.push(request);
      if (this.options.ignore?.(request, socket)) continue;
      if (type === FLUSH) this.flushes++;
      if (type === WRITE_ZEROES) disk.fill(0, offset, offset + length);
      const bytes = type === READ ? Buffer.from(disk.subarray(offset, offset + length)) : Buffer.alloc(0);
      if (type === READ && agreed) {
        answer(chunk(1, cookie, Buffer.concat([be(offset, 8), bytes])));
      } else if (type === BLOCK_STATUS && extents) {
        const told: number[] = [];
        let at = 0;
        for (const [size, state] of extents) {
          const [from, to] = [Math.max(at, offset), Math.min(at + size, offset + length)];
          if (from < to && told.length < 2 * (this.options.mostExtents ?? Infinity)) told.push(to - from, state);
          at += size;
        }
        answer(chunk(5, cookie, Buffer.concat([be(99, 4), ...told.map((value) => be(value, 4))])));
      } else {
        answer(Buffer.concat([be(0x67446698, 4), be(0, 4), cookie, bytes]));
      }
    }
  }
}
