// SPDX-License-Identifier: MIT
/** Sockets by WebSocket, which is all that a page has. */
import { AioError } from '../errors.js';
import { connectWebSocket } from '../hosts/web-connect.js';
import type { Transport, TransportEvents, Transports } from './transport.js';

/** @throws AioError ERR_AIO_UNSUPPORTED, ERR_AIO_INVALID_ARG */
export function connectByWebSocket(url: string, hasTls: boolean, events: TransportEvents): Transport {
  if (typeof WebSocket === 'undefined') throw new AioError('ERR_AIO_UNSUPPORTED', `${url}: there is no WebSocket here (Node has it from version 22 on)`);
  if (hasTls) throw new AioError('ERR_AIO_INVALID_ARG', `options.tls: ${url} is secured by its own TLS: use wss: and no options`);
  let isFull = false;
  let isOver = false;
  const socket = connectWebSocket(url, {
    connected: events.connected,
    data: (bytes) => events.data(bytes as Uint8Array<ArrayBuffer>),
    drained() {
      isFull = false;
      events.drained();
    },
    ended(errno, why, isOrderly) {
      isOver = true;
      if (isOrderly) events.ended();
      else events.failed(errno, why);
    },
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= socket.close());
  return {
    send(bytes) {
      if (isOver || closed) return;
      isFull = !socket.send(bytes);
      if (!isFull) queueMicrotask(() => void (isOver || closed || events.drained()));
    },
    get unsent() {
      return isFull ? Infinity : 0;
    },
    // A WebSocket has no half that could be closed alone.
    end: () => void close(),
    close,
  };
}

export const webTransports: Transports = {
  connect(to, tls, events) {
    if (!('url' in to)) throw new AioError('ERR_AIO_UNSUPPORTED', 'a page has neither TCP nor Unix sockets: connect to { url } by ws: or wss:, and to a server or proxy that speaks WebSocket');
    return connectByWebSocket(to.url, tls !== undefined, events);
  },
};
