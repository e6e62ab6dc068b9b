// SPDX-License-Identifier: MIT
import type { Duplex } from 'node:stream';
import { createServer, type TlsOptions } from 'node:tls';
import { Fault } from './protocol.js';

/** Certificates and keys as PEM. */
export interface TlsFiles {
  key: Buffer;
  cert: Buffer;
  /** The authority of the clients' certificates; undefined: clients need none. */
  ca: Buffer | undefined;
}

/** What servers of TLS are made with. */
export const tlsOptions = ({ key, cert, ca }: TlsFiles): TlsOptions => ({ key, cert, minVersion: 'TLSv1.2', ...(ca && { ca, requestCert: true, rejectUnauthorized: true }) });

/** Returns what begins TLS on the socket of a connection. Its promise rejects with a Fault. @throws Error the files are no PEM */
export function tlsStarter(files: TlsFiles): (socket: Duplex) => Promise<Duplex> {
  // A server of its own for each, since its events do not say of which socket they are. It listens nowhere.
  const server = (): ReturnType<typeof createServer> => createServer(tlsOptions(files));
  server();
  return (socket) => new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Fault('it has closed the connection while TLS began')));
    server().once('secureConnection', resolve)
      .once('tlsClientError', (error) => reject(new Fault(`TLS has failed: ${error.message.trim()}`)))
      .emit('connection', socket);
  });
}
