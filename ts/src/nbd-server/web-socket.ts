// SPDX-License-Identifier: MIT
/** The server's side of WebSocket (RFC 6455), for pages: an HTTP server whose WebSockets are streams of the bytes of binary messages. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { Duplex } from 'node:stream';
import { CONNECTION_REQUESTS } from './budget.js';
import { Fault, MAX_PAYLOAD } from './protocol.js';
import { tlsOptions, type TlsFiles } from './tls.js';

const CONTINUATION = 0;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** The bytes of a request without its data. */
const REQUEST_BYTES = 28;
/** The most bytes of data of a control frame. */
const MAX_CONTROL = 125;
/** A data frame has at most so many bytes, which are passed on as they arrive: as many as the requests that one connection may have in flight. */
export const MAX_FRAME = CONNECTION_REQUESTS * (MAX_PAYLOAD + REQUEST_BYTES);

const NORMAL = 1000;
const PROTOCOL_ERROR = 1002;
const NO_BINARY = 1003;
const TOO_LONG = 1009;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** The longest time, in ms, for the request of HTTP to arrive. */
const HANDSHAKE_MS = 10_000;
/** So long, in ms, a peer may take to read why its connection ends. */
const LINGER_MS = 1000;

/** The bytes that begin a frame of the server, which is not masked. */
function headOf(opcode: number, length: number): Buffer {
  const head = Buffer.alloc(length <= MAX_CONTROL ? 2 : length < 65536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (head.length === 2) {
    head[1] = length;
  } else if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return head;
}

function closeFrame(code: number, why = ''): Buffer {
  const reason = Buffer.from(why);
  return Buffer.concat([headOf(CLOSE, 2 + reason.length), Buffer.of(code >> 8, code & 255), reason]);
}

/** Sends the last bytes of a connection, and closes it when the peer has read them, or has had time to. */
function endWith(socket: Duplex, bytes: Buffer | string): void {
  socket.removeAllListeners('data');
  socket.end(bytes);
  // What the peer still sends is read, and dropped: to destroy it at once might take the last bytes with it.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger)).once('end', () => socket.destroy());
}

/** A frame whose data has not arrived completely. */
interface Frame {
  opcode: number;
  mask: Buffer;
  length: number;
  /** Bytes of data that have arrived. */
  filled: number;
  /** Of a control frame: its data. */
  data: Buffer;
}

/** The bytes of the binary messages of a WebSocket, whose handshake is over. Where messages and frames begin has no meaning. */
export class WebSocketStream extends Duplex {
  /** The begin of a frame, as far as it has arrived. */
  #head = Buffer.alloc(14);
  #headFilled = 0;
  #frame: Frame | undefined;
  /** A message has begun, and its last frame has not. */
  #isWithinMessage = false;
  /** The code of the peer's close frame, after which it sends nothing. */
  #closeCode: number | undefined;
  /** The last ping that waits until an answer is sent; undefined: none is being sent. */
  #pong: { next: Buffer | undefined } | undefined;

  /** first: what has arrived behind the handshake. */
  constructor(private readonly socket: Duplex, first: Buffer) {
    super();
    socket.on('error', () => {}).on('close', () => this.destroy());
    if (first.length > 0) socket.unshift(first);
    socket.on('data', (chunk: Buffer) => this.#arrived(chunk)).on('end', () => {
      if (this.#closeCode === undefined) this.push(null);
    });
  }

  #arrived(chunk: Buffer): void {
    try {
      for (let at = 0; at < chunk.length && this.#closeCode === undefined;) at += this.#frame ? this.#takeData(this.#frame, chunk.subarray(at)) : this.#takeHead(chunk, at);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** Takes one byte of a frame's head. Heads are short, and most chunks have one. */
  #takeHead(chunk: Buffer, at: number): number {
    this.#head[this.#headFilled++] = chunk[at] ?? 0;
    if (this.#headFilled < 2) return 1;
    const [first = 0, second = 0] = this.#head;
    const short = second & 127;
    if (this.#headFilled === 2) this.#check(first, second, short);
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const total = 2 + lengthBytes + 4;
    if (this.#headFilled < total) return 1;
    const length = lengthBytes === 2 ? this.#head.readUInt16BE(2) : lengthBytes === 8 ? Number(this.#head.readBigUInt64BE(2)) : short;
    if ((lengthBytes === 2 && length <= MAX_CONTROL) || (lengthBytes === 8 && length < 65536)) throw new WebSocketFault(PROTOCOL_ERROR, 'a frame gives its length by more bytes than it needs');
    if (length > MAX_FRAME) throw new WebSocketFault(TOO_LONG, `a frame has ${length} bytes, more than ${MAX_FRAME}`);
    const opcode = first & 15;
    this.#headFilled = 0;
    this.#frame = { opcode, mask: Buffer.from(this.#head.subarray(total - 4, total)), length, filled: 0, data: Buffer.alloc(opcode >= CLOSE ? length : 0) };
    if (length === 0) this.#takeData(this.#frame, Buffer.alloc(0));
    return 1;
  }

  /** @throws WebSocketFault */
  #check(first: number, second: number, short: number): void {
    const opcode = first & 15;
    const isLast = (first & 0x80) !== 0;
    const wrong = (why: string): never => {
      throw new WebSocketFault(PROTOCOL_ERROR, why);
    };
    if (first & 0x70) wrong('a frame has reserved bits, but no extension was agreed on');
    if ((second & 0x80) === 0) wrong('a frame is not masked');
    if (opcode >= CLOSE) {
      if (opcode > PONG) wrong(`a frame has the unknown opcode ${opcode}`);
      if (!isLast) wrong('a control frame is a fragment');
      if (short > MAX_CONTROL) wrong(`a control frame has more than ${MAX_CONTROL} bytes`);
      return;
    }
    if (opcode === 1) throw new WebSocketFault(NO_BINARY, 'it has sent a text message instead of bytes');
    if (opcode > BINARY) wrong(`a frame has the unknown opcode ${opcode}`);
    if ((opcode === CONTINUATION) !== this.#isWithinMessage) wrong(this.#isWithinMessage ? 'a message begins within another one' : 'a frame continues no message');
    this.#isWithinMessage = !isLast;
  }

  /** Takes data of the frame from the begin of the bytes; returns how many. */
  #takeData(frame: Frame, bytes: Buffer): number {
    const part = bytes.subarray(0, frame.length - frame.filled);
    const { mask, filled } = frame;
    for (let n = 0; n < part.length; n++) part[n] = (part[n] as number) ^ (mask[(filled + n) & 3] as number);
    frame.filled += part.length;
    if (frame.opcode >= CLOSE) frame.data.set(part, filled);
    // It is read again when those who wait for data have taken it: _read().
    else if (part.length > 0 && !this.push(part)) this.socket.pause();
    if (frame.filled === frame.length) {
      this.#frame = undefined;
      this.#control(frame);
    }
    return part.length;
  }

  #control({ opcode, data }: Frame): void {
    if (opcode === PING) {
      this.#answer(data);
    } else if (opcode === CLOSE) {
      if (data.length === 1) throw new WebSocketFault(PROTOCOL_ERROR, 'the code of a close frame has one byte');
      const code = data.length === 0 ? NORMAL : data.readUInt16BE(0);
      const isCode = (code >= 3000 && code < 5000) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code));
      if (!isCode) throw new WebSocketFault(PROTOCOL_ERROR, `${code} is no code of a close frame`);
      this.#closeCode = code;
      // Its own close frame follows the last reply: _final().
      this.push(null);
      this.socket.resume();
    }
  }

  /** Answers a ping. If more come than can be sent, the last of them is answered, so that no peer fills the memory. */
  #answer(data: Buffer): void {
    if (this.#pong) {
      this.#pong.next = data;
      return;
    }
    if (!this.socket.writable) return;
    const pong: { next: Buffer | undefined } = (this.#pong = { next: undefined });
    this.socket.write(Buffer.concat([headOf(PONG, data.length), data]), () => {
      this.#pong = undefined;
      if (pong.next) this.#answer(pong.next);
    });
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this._writev([{ chunk }], done);
  }

  /** Replies that wait together become one message. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const { socket } = this;
    socket.cork();
    socket.write(headOf(BINARY, chunks.reduce((sum, { chunk }) => sum + chunk.length, 0)));
    chunks.forEach(({ chunk }, n) => (n === chunks.length - 1 ? socket.write(chunk, done) : socket.write(chunk)));
    socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(closeFrame(this.#closeCode ?? NORMAL), () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error instanceof WebSocketFault) endWith(this.socket, closeFrame(error.code, error.message));
    else this.socket.destroy();
    done(error);
  }
}

/** A peer has broken the WebSocket protocol: it is told by a close frame. */
class WebSocketFault extends Fault {
  constructor(readonly code: number, why: string) {
    super(why);
  }
}

/** Which pages may connect, and TLS. */
export interface WebSocketOptions {
  /** The origins of pages that may connect, such as `https://example.org`, besides those of the loopback. */
  readonly origins: readonly string[];
  /** For `wss:`. */
  readonly tls?: TlsFiles | undefined;
}

const isLoopbackOrigin = (origin: string): boolean => /^https?:\/\/(([^/:@]+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(origin);

interface Refusal {
  status: string;
  headers?: string;
  why: string;
}

const NEEDS_WEBSOCKET: Refusal = { status: '426 Upgrade Required', headers: 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n', why: 'This is a block device (NBD) by WebSocket: open it by nbd+ws:// and this address.' };

/** Why a request to upgrade is refused; undefined: it is not. */
function refusalOf({ method, headers }: IncomingMessage, origins: readonly string[]): Refusal | undefined {
  const { upgrade = '', origin, 'sec-websocket-key': key = '', 'sec-websocket-version': version } = headers;
  if (!upgrade.toLowerCase().split(/[, ]+/).includes('websocket') || version !== '13') return NEEDS_WEBSOCKET;
  if (method !== 'GET' || !/^[A-Za-z0-9+/]{22}==$/.test(key)) return { status: '400 Bad Request', why: 'This is no handshake of a WebSocket.' };
  // A program that is no browser sends none. A page cannot leave it out, nor choose it.
  if (origin === undefined || isLoopbackOrigin(origin) || origins.includes(origin)) return undefined;
  return { status: '403 Forbidden', why: `Pages of ${origin.slice(0, 100)} may not connect: the server has to name them (--origin).` };
}

/**
 * Returns an HTTP server that calls connected() for each WebSocket, and answers everything else by a sentence.
 * report(): a page was refused. @throws Error the files of TLS are no PEM
 */
export function webSocketServer({ origins, tls }: WebSocketOptions, options: object, connected: (stream: Duplex, request: IncomingMessage) => void, report: (request: IncomingMessage, why: string) => void): Server | TlsServer {
  const all = { ...options, headersTimeout: HANDSHAKE_MS, requestTimeout: HANDSHAKE_MS, connectionsCheckingInterval: 1000 };
  const server = tls ? createTlsServer({ ...all, ...tlsOptions(tls), handshakeTimeout: HANDSHAKE_MS }) : createServer(all);
  server.on('request', (_, response) => {
    const body = `${NEEDS_WEBSOCKET.why}\n`;
    response.writeHead(426, { Connection: 'upgrade, close', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Content-Type': 'text/plain', 'Content-Length': body.length }).end(body);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, first: Buffer) => {
    const refusal = refusalOf(request, origins);
    if (refusal) {
      const { status, headers = '', why } = refusal;
      if (status.startsWith('403')) report(request, why);
      socket.on('error', () => {});
      endWith(socket, `HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(why) + 1}\r\n\r\n${why}\n`);
      return;
    }
    const { 'sec-websocket-key': key = '', 'sec-websocket-protocol': protocols = '' } = request.headers;
    const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    const protocol = protocols.split(/[, ]+/).includes('binary') ? 'Sec-WebSocket-Protocol: binary\r\n' : '';
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${protocol}\r\n`);
    connected(new WebSocketStream(socket, first), request);
  });
  return server;
}
