// SPDX-License-Identifier: MIT
/** The worker of the IOThread in which the server's sockets live. The command nbd-serve starts it. */
import type { AddressInfo } from 'node:net';
import type { IOThreadHome } from '../api/home.js';
import { serve } from '../iothread/serve.js';
import { FaultLog } from './fault-log.js';
import type { Export } from './negotiation.js';
import { NbdServer } from './server.js';
import { RequestBlocks, ThreadFile, type Opened } from './thread-file.js';
import { tlsStarter, type TlsFiles } from './tls.js';

/** What the owner tells the worker. */
export interface ServeOptions {
  readonly exported: Export;
  /** Once for each IOThread. */
  readonly files: readonly Opened[];
  readonly maxConnections: number;
  readonly timeout: number;
  readonly tls: TlsFiles | undefined;
  /** Clients connect by WebSocket: the origins of pages that may. */
  readonly origins: readonly string[] | undefined;
}

const sockets = serve((context) => {
  let server: NbdServer | undefined;
  let log: FaultLog | undefined;
  let failure: unknown;
  let closed: (() => void) | undefined;
  return {
    /**
     * print: a line about connections. Resolves when the server is closed, and rejects if no request can succeed any more. While this
     * call has no answer, the thread sleeps in JavaScript's event loop, where the sockets are.
     */
    async begin({ files, tls, origins, ...options }: ServeOptions, print: (text: string) => unknown): Promise<void> {
      // If it fails, the owner has ended.
      log = new FaultLog((text) => void Promise.resolve(print(text)).catch(() => {}));
      try {
        const blocks = new RequestBlocks(context.thread as IOThreadHome);
        server = new NbdServer({
          ...options, report: log.add, files: files.map((file) => new ThreadFile(blocks, file, context.pointer)),
          ...(origins ? { webSocket: { origins, tls } } : { startTls: tls && tlsStarter(tls) }),
        });
      } catch (error) {
        failure = error;
        throw error;
      }
      await Promise.race([server.failed, new Promise<void>((resolve) => (closed = resolve))]);
    },
    /** Returns where it listens. Called after begin(), whose error it rejects with, too. */
    async listen(address: { host: string; port: number } | { path: string }): Promise<string | AddressInfo> {
      if (!server) throw failure;
      await server.listen(address);
      return server.address;
    },
    async close(): Promise<void> {
      await server?.close();
      log?.end();
      closed?.();
    },
  };
});
export type Sockets = typeof sockets;
