// SPDX-License-Identifier: MIT
/** What carries the bytes of sockets, on each platform. */
import type { TlsOptions } from '../hosts/host.js';

/** The address of a socket or a listener. */
export type SocketAddress = {
  /** The port of TCP, from 0 to 65535. For a listener, 0 stands for any that is free. */
  port: number;
  /** The name or the address of the host. Default 127.0.0.1, this machine. */
  host?: string;
} | {
  /** The name of a Unix socket in the file system. */
  path: string;
} | {
  /** The address of a WebSocket, whose binary messages carry the bytes: ws: or wss:. Only for connect(). */
  url: string;
};

/** An address at which connections can be awaited. */
export type Listenable = Exclude<SocketAddress, { url: string }>;

/** The certificate and the key of a {@link AioListener} that speaks TLS. */
export interface ListenTls {
  /** The certificate, in PEM, and those of the authorities between it and one that is trusted. */
  cert: string;
  /** The private key of the certificate, in PEM. */
  key: string;
  /** The certificates, in PEM, of the authorities whose certificates clients must have. Default: clients need none. */
  ca?: string;
}

/** What a transport tells. Nothing is told during the call that makes it, or after its close(). */
export interface TransportEvents {
  connected(): void;
  data(bytes: Uint8Array<ArrayBuffer>): void;
  /** Bytes that send() has taken are gone. Follows each send(), unless the connection fails. */
  drained(): void;
  /** The peer sends no more. */
  ended(): void;
  /** Nothing more goes either way, or no connection could be made: an errno's name and a phrase for messages. */
  failed(errno: string, why: string, cause?: unknown): void;
}

/** One connection. After it has failed, its functions do nothing. */
export interface Transport {
  /** Sends bytes, which are not changed any more. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** How many bytes send() has taken that are not gone; Infinity: more than should be. */
  readonly unsent: number;
  /** Begins to take bytes from the peer again, and ceases to. Absent where the platform cannot. */
  flow?(on: boolean): void;
  /** Sends no more. */
  end(): void;
  /** Ends the connection after what was sent. Resolves when it is closed, which takes a second at most. */
  close(): Promise<void>;
}

/** What listens for connections. */
export interface TransportServer {
  readonly address: SocketAddress;
  close(): void;
}

/** What a platform has. */
export interface Transports {
  /** Begins to connect. @throws AioError ERR_AIO_UNSUPPORTED, ERR_AIO_INVALID_ARG */
  connect(to: SocketAddress, tls: TlsOptions | undefined, events: TransportEvents): Transport;
  /**
   * Listens, and calls taken() for each connection. begin() returns the transport that tells the events; if taken() does not call it, the
   * connection is closed. Rejects with the host's own error. Absent where the platform has no such sockets.
   */
  listen?(at: Listenable, tls: ListenTls | undefined, taken: (peer: SocketAddress, begin: (events: TransportEvents) => Transport) => void): Promise<TransportServer>;
}

let provided: Transports | undefined;

/** Called by the entry, which knows the platform. */
export function provideTransports(transports: Transports): void {
  provided = transports;
}
export const transports = (): Transports => provided as Transports;

/** The text of an address, for messages and names. */
export function textOf(address: SocketAddress): string {
  if ('url' in address) return address.url;
  if ('path' in address) return address.path;
  const { host = LOOPBACK, port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where sockets lead, and listen, unless they are told otherwise. */
export const LOOPBACK = '127.0.0.1';
