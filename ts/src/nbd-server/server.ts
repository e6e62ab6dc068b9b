// SPDX-License-Identifier: MIT
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Budget } from './budget.js';
import { Connection, type Shared } from './connection.js';
import type { ServedFile } from './file.js';
import type { Export } from './negotiation.js';
import { webSocketServer, type WebSocketOptions } from './web-socket.js';

export interface NbdServerOptions {
  exported: Export;
  /** The open file, once for each IOThread; connections use them in turn. */
  files: readonly ServedFile[];
  maxConnections: number;
  /** The longest time, in ms, for one request to arrive, or one reply to be taken. */
  timeout: number;
  /** Begins TLS on the socket of a connection; absent: there is no TLS. */
  startTls?: ((socket: Duplex) => Promise<Duplex>) | undefined;
  /** Clients connect by WebSocket. TLS begins before it, so `startTls` is absent. */
  webSocket?: WebSocketOptions | undefined;
  /** A sentence about a connection. */
  report(why: string): void;
}

/** So long, in ms, close() waits for peers to take the replies of their last requests. */
const CLOSE_MS = 5000;
/** So many connections may wait to be accepted. Connections to a Unix socket fail at once (EAGAIN) when there are more. */
const BACKLOG = 4096;
/** A peer that is silent for so long, in ms, is asked by the system whether it is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Serves one export to many connections. */
export class NbdServer {
  readonly #server: Server & { closeAllConnections?(): void };
  readonly #connections = new Set<Connection>();
  readonly #clock: NodeJS.Timeout;
  #count = 0;
  #fail!: (error: unknown) => void;
  /** Rejects when no request can succeed any more. */
  readonly failed: Promise<never>;

  constructor(private readonly options: NbdServerOptions) {
    this.failed = new Promise<never>((_, reject) => (this.#fail = reject));
    this.failed.catch(() => {});
    const { exported, startTls, webSocket, report, timeout } = options;
    const shared: Shared = { exported, startTls, report, budget: new Budget(), fail: (error) => this.#fail(error) };
    const settings = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    this.#server = webSocket
      ? webSocketServer(webSocket, settings, (stream, { socket }) => this.#accept(stream, socket, shared), ({ socket }, why) => report(`${this.#nameOf(socket)}: ${why}`))
      : createServer({ ...settings, allowHalfOpen: true }, (socket) => this.#accept(socket, socket, shared));
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('drop', () => report(`a connection was refused: there are ${options.maxConnections} already (--max-connections)`));
    this.#clock = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#connections) connection.checkTime(now, timeout);
    }, Math.min(timeout / 4, 1000)).unref();
  }

  /** Begins to listen; rejects with the host's error. */
  listen(address: { host: string; port: number } | { path: string }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen({ ...address, backlog: BACKLOG }, () => {
        // An error of accept(), such as too many open files, ends no connection that there is.
        this.#server.off('error', reject).on('error', (error) => this.options.report(String(error)));
        resolve();
      });
    });
  }

  /** Where it listens: the path of a socket, or an address of TCP. */
  get address(): string | AddressInfo {
    return this.#server.address() ?? '';
  }

  #nameOf({ remoteAddress, remotePort }: Socket): string {
    return remoteAddress === undefined ? `client ${this.#count}` : `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
  }

  /** stream: the bytes of the protocol, which the socket carries. */
  #accept(stream: Duplex, socket: Socket, shared: Shared): void {
    const { files } = this.options;
    const file = files[this.#count++ % files.length];
    if (!file) return;
    const connection = new Connection(stream, shared, file, this.#nameOf(socket));
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  /** Takes no more connections and requests, and resolves when those in flight have ended and all connections are closed. */
  async close(): Promise<void> {
    const isClosed = new Promise((resolve) => this.#server.close(resolve));
    // Those that are not WebSockets yet.
    this.#server.closeAllConnections?.();
    for (const connection of this.#connections) connection.end();
    const patience = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, CLOSE_MS);
    await Promise.all([isClosed, ...[...this.#connections].map(({ closed }) => closed)]);
    clearTimeout(patience);
    clearInterval(this.#clock);
  }
}
