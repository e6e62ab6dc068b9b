// SPDX-License-Identifier: MIT
/** The code of an IOThread that has sockets. */
import { serve } from 'wasm-aio/iothread';
import { connect, listen } from 'wasm-aio/socket';

const byteAt = (n) => (n * 31 + (n >> 8) * 17) & 255;
const failureOf = (promise) => promise.then(() => undefined, ({ code, errno, message }) => ({ code, errno, message }));

serve((context) => {
  const listeners = [];

  async function sendBack(peer) {
    for await (const bytes of peer) await peer.writeAll(bytes);
    peer.end();
    await peer.close();
  }

  return {
    /** Listens, and sends back what comes. */
    async echo(address, options) {
      const listener = await listen(context, address, options);
      listeners.push(listener);
      // A client that does not trust it is lost.
      listener.onConnection(() => void sendBack(listener.take()).catch(() => {}));
      return listener.address;
    },
    closeListeners() {
      for (const listener of listeners.splice(0)) listener.close();
    },
    failure: (address, options) => failureOf(connect(context, address, options)),
    listenFailure: (address) => failureOf(listen(context, address)),
    /** Sends so many bytes, and returns how many have come back as they were; or how it failed. */
    async exchange(address, length, options) {
      try {
        const socket = await connect(context, address, options);
        const sending = socket.writeAll(Uint8Array.from({ length }, (_, n) => byteAt(n)));
        let at = 0;
        for await (const bytes of socket) {
          for (const byte of bytes) {
            if (byte !== byteAt(at)) return at;
            at++;
          }
          if (at >= length) break;
        }
        await sending;
        socket.end();
        // A WebSocket is over at both ends now, the others when the peer has ended, too.
        if (!address.url) for await (const bytes of socket) at += bytes.length;
        await socket.close();
        return at;
      } catch ({ code, errno, message }) {
        return { code, errno, message };
      }
    },
  };
});
