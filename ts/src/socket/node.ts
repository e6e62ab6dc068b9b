// SPDX-License-Identifier: MIT
/** Sockets of Node, Deno and Bun: TCP, Unix sockets and TLS. */
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { hostErrno, messageOf } from '../errors.js';
import { closeSoon } from '../hosts/node-connect.js';
import { LOOPBACK, textOf, type SocketAddress, type Transport, type TransportEvents, type Transports } from './transport.js';
import { connectByWebSocket } from './web.js';

/** So long, in ms, a client may take to begin TLS. */
const HANDSHAKE_MS = 10_000;

/** The errno's name for an error of the host. Those of TLS have codes of their own. */
const errnoOf = (error: Error): string => (/^E(?!RR_)[A-Z0-9]+$/.exec(hostErrno(error))?.[0] ?? 'EPROTO');

/** connected: it is a connection already. */
function carry(socket: Socket, events: TransportEvents, connected: boolean, failed: string): Transport {
  let isOpen = true;
  let error: Error | undefined;
  const made = (): void => {
    connected = true;
    socket.setNoDelay(true);
    if (isOpen) events.connected();
  };
  if (!connected) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', made);
  socket.on('data', (bytes: Buffer<ArrayBuffer>) => void (isOpen && events.data(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))));
  socket.on('end', () => void (isOpen && connected && events.ended()));
  // The event 'close' follows.
  socket.on('error', (thrown) => (error ??= thrown));
  socket.on('close', () => {
    if (!isOpen) return;
    isOpen = false;
    // After both sides have ended in order, there is no error.
    if (error) events.failed(errnoOf(error), `${connected ? 'the connection was lost' : failed}: ${messageOf(error)}`, error);
    else if (!connected) events.failed('ECONNRESET', `${failed}: the peer has closed the connection`);
  });
  const gone = (thrown?: Error | null): void => {
    if (isOpen && !thrown) events.drained();
  };
  return {
    send: (bytes) => void (isOpen && socket.write(bytes, gone)),
    get unsent() {
      return socket.writableLength;
    },
    flow(on) {
      if (on) socket.resume();
      else socket.pause();
    },
    end: () => void (isOpen && socket.end()),
    close() {
      isOpen = false;
      if (!connected) socket.destroy();
      return closeSoon(socket);
    },
  };
}

export const nodeTransports: Transports = {
  connect(to, tls, events) {
    if ('url' in to) return connectByWebSocket(to.url, tls !== undefined, events);
    const at = 'path' in to ? to : { host: to.host ?? LOOPBACK, port: to.port };
    const failed = `cannot connect to ${textOf(to)}`;
    const shared = { ...at, allowHalfOpen: true };
    if (!tls) return carry(connect(shared), events, false, failed);
    const { servername = 'host' in at ? at.host : 'localhost', ...credentials } = tls;
    return carry(connectTls({
      ...shared, ...credentials,
      checkServerIdentity: (_, certificate) => checkServerIdentity(servername, certificate),
      // An address is no name that could be sent to the server, but it is what its certificate must have.
      ...(isIP(servername) ? {} : { servername }),
    }), events, false, failed);
  },

  listen: (at, tls, taken) => new Promise((resolve, reject) => {
    const accept = (socket: Socket): void => {
      const peer: SocketAddress = 'path' in at ? at : { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
      let isTaken = false;
      taken(peer, (events) => {
        isTaken = true;
        socket.setNoDelay(true);
        return carry(socket, events, true, '');
      });
      if (!isTaken) socket.destroy();
    };
    const half = { allowHalfOpen: true };
    const server: Server = tls
      ? createTlsServer({ ...half, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS, ...(tls.ca !== undefined && { requestCert: true, rejectUnauthorized: true }) }).on('secureConnection', accept)
      : createServer(half, accept);
    server.once('error', reject);
    server.listen('path' in at ? at : { host: LOOPBACK, ...at }, () => {
      // From now on an error means that one connection could not be accepted.
      server.off('error', reject).on('error', () => {});
      const bound = server.address();
      resolve({
        address: typeof bound === 'object' && bound ? { host: bound.address, port: bound.port } : at,
        close: () => void server.close(),
      });
    });
  }),
};
