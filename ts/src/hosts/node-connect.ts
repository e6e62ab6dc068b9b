// SPDX-License-Identifier: MIT
/** Connections by TCP, Unix sockets and TLS. */
import { createRequire } from 'node:module';
import type * as net from 'node:net';
import type * as tls from 'node:tls';
import { hostErrno, messageOf } from '../errors.js';
import type { HostSocket, SocketEvents, SocketTarget } from './host.js';
import { connectWebSocket } from './web-connect.js';

/** After so long without a packet, in ms, TCP looks whether the peer is still there. */
const KEEP_ALIVE_MS = 30_000;
/** So long, in ms, a peer may take the last bytes. */
const CLOSE_MS = 1000;

/** These modules are loaded only when they are needed: most IOThreads have no connections. */
const load = (name: 'node:net' | 'node:tls'): unknown => createRequire(import.meta.url)(name);

/** Ends a connection after what was sent. Resolves when it is closed, which takes a second at most. */
export const closeSoon = (socket: net.Socket): Promise<void> => new Promise((resolve) => {
  if (socket.closed) return resolve();
  const late = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once('close', () => {
    clearTimeout(late);
    resolve();
  });
  socket.destroySoon();
});

export function connect(target: SocketTarget, events: SocketEvents): HostSocket {
  if ('url' in target) return connectWebSocket(target.url, events);
  const { connect: connectTo, isIP } = load('node:net') as typeof net;
  let socket: net.Socket = connectTo(target);
  let open = true;
  let error: Error | undefined;
  const place = 'path' in target ? target.path : `${target.host}:${target.port}`;
  let connected = false;
  let failed = `cannot connect to ${place}`;

  function listen(to: net.Socket): void {
    to.on('data', (bytes) => void (open && events.data(bytes)));
    to.on('drain', () => void (open && events.drained()));
    // Its message follows as the reason of 'close'.
    to.on('error', (thrown) => (error ??= thrown));
    to.on('end', () => to.destroy());
    to.on('close', () => {
      if (!open) return;
      open = false;
      if (error) events.ended(hostErrno(error), `${connected ? 'the connection was lost' : failed}: ${messageOf(error)}`);
      else events.ended('ECONNRESET', connected ? 'the server has closed the connection' : `${failed}: the server has closed the connection`);
    });
  }

  listen(socket);
  socket.once('connect', () => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    connected = true;
    if (open) events.connected();
  });
  let corked = false;
  return {
    send(bytes) {
      if (!corked) {
        // What the loop sends in one turn goes out by one system call.
        const to = socket;
        corked = true;
        to.cork();
        queueMicrotask(() => {
          corked = false;
          to.uncork();
        });
      }
      return socket.write(bytes);
    },
    secure(options) {
      const { connect: secure } = load('node:tls') as typeof tls;
      const plain = socket;
      const host = 'host' in target ? target.host : 'localhost';
      const servername = options.servername ?? host;
      plain.removeAllListeners();
      plain.on('error', (thrown) => (error ??= thrown));
      connected = false;
      failed = `TLS with ${place} failed`;
      try {
        // An address is no name that could be sent to the server, but it is what its certificate must have.
        socket = secure({ ca: options.ca, cert: options.cert, key: options.key, socket: plain, host: servername, ...(isIP(servername) ? {} : { servername }) }, () => {
          connected = true;
          if (open) events.connected();
        });
      } catch (thrown) {
        // The certificates are no PEM, for example.
        queueMicrotask(() => {
          if (!open) return;
          open = false;
          plain.destroy();
          events.ended('EINVAL', `${failed}: ${messageOf(thrown)}`);
        });
        return;
      }
      listen(socket);
    },
    close() {
      open = false;
      // What was sent goes out first: the good-bye to the server.
      return closeSoon(socket);
    },
  };
}
