// SPDX-License-Identifier: MIT
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import { Fault } from './protocol.js';

/** Certificates and keys as PEM. */
export interface TlsFiles {
  key: Buffer;
  cert: Buffer;
  /** The authority of the clients' certificates; undefined: clients need none. */
  ca: Buffer | undefined;
}

/** Returns what begins TLS on the socket of a connection. Its promise rejects with a Fault. @throws Error the files are no PEM */
export function tlsStarter({ key, cert, ca }: TlsFiles): (socket: Socket) => Promise<Socket> {
  // A server of its own for each, since its events do not say of which socket they are. It listens nowhere.
  const server = (): ReturnType<typeof createServer> =>
    createServer({ key, cert, minVersion: 'TLSv1.2', ...(ca && { ca, requestCert: true, rejectUnauthorized: true }) });
  server();
  return (socket) => new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Fault('it has closed the connection while TLS began')));
    server().once('secureConnection', resolve)
      .once('tlsClientError', (error) => reject(new Fault(`TLS has failed: ${error.message.trim()}`)))
      .emit('connection', socket);
  });
}
