// SPDX-License-Identifier: MIT
/** Connections by WebSocket, which carry bytes in binary messages. */
import { AioError } from '../errors.js';
import type { HostSocket, SocketEvents } from './host.js';

/** So many bytes may wait in a socket before it counts as full. */
const FULL = 1 << 20;
/** After so long, in ms, a socket that was full is looked at again: no event tells that its bytes are gone. */
const LOOK_MS = 4;
/** So long, in ms, a server may take to agree to the end. */
const CLOSE_MS = 1000;
/** The code of an orderly end. */
const NORMAL = 1000;

export function connectWebSocket(url: string, events: SocketEvents): HostSocket {
  if (typeof WebSocket === 'undefined') throw new AioError('ERR_AIO_UNSUPPORTED', `${url}: there is no WebSocket here (Node has it from version 22 on): use nbd:// instead`);
  const socket = new WebSocket(url);
  let open = true;
  let looking: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    looking = undefined;
    if (!open) return;
    if (socket.bufferedAmount > FULL) looking = setTimeout(look, LOOK_MS);
    else events.drained();
  };
  const ended = (errno: string, why: string, isOrderly = false): void => {
    if (!open) return;
    open = false;
    events.ended(errno, why, isOrderly);
  };
  socket.binaryType = 'arraybuffer';
  let connected = false;
  socket.onopen = () => {
    connected = true;
    if (open) events.connected();
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (!open) return;
    if (data instanceof ArrayBuffer) events.data(new Uint8Array(data));
    else {
      socket.close();
      ended('EPROTO', 'the server has sent a text message by WebSocket, instead of bytes');
    }
  };
  // A page is told no more than this, so that it learns nothing of its network.
  const refused = (): void => ended('ECONNREFUSED', `no WebSocket could be opened to ${url}: is the server there, and does it let this page connect?`);
  // In Node 22 no event `close` follows if there was no connection.
  socket.onerror = () => void (connected || refused());
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
    if (connected) ended('ECONNRESET', `the server has closed the WebSocket (${code}${reason ? ` ${reason}` : ''})`, code === NORMAL);
    else refused();
  };
  return {
    send(bytes) {
      socket.send(bytes as Uint8Array<ArrayBuffer>);
      if (socket.bufferedAmount <= FULL) return true;
      looking ??= setTimeout(look, 0);
      return false;
    },
    secure() {
      throw new AioError('ERR_AIO_UNSUPPORTED', 'a WebSocket is secured by its own TLS: use nbd+wss://');
    },
    close() {
      open = false;
      clearTimeout(looking);
      return new Promise((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) return resolve();
        const late = setTimeout(resolve, CLOSE_MS);
        socket.onclose = socket.onerror = () => {
          clearTimeout(late);
          resolve();
        };
        socket.close();
      });
    },
  };
}
