// SPDX-License-Identifier: MIT
/** A WebSocket (RFC 6455) that sends back the data of each frame, for pages and for the cases that are programs. */
import { createHash } from 'node:crypto';

const BINARY = 2;
const CLOSE = 8;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function frame(opcode, data) {
  const head = data.length < 126 ? Buffer.from([0x80 | opcode, data.length]) : Buffer.alloc(data.length < 65536 ? 4 : 10);
  if (head.length > 2) {
    head[0] = 0x80 | opcode;
    head[1] = head.length === 4 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(data.length, 2);
    else head.writeBigUInt64BE(BigInt(data.length), 2);
  }
  return Buffer.concat([head, data]);
}

/** Answers the handshake, and then every frame. key: that of the request's Sec-WebSocket-Key; first: what came behind the request. */
export function echo(socket, key, first = Buffer.alloc(0)) {
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let left = first;
  const take = (bytes) => {
    left = Buffer.concat([left, bytes]);
    for (;;) {
      const short = (left[1] ?? 0) & 127;
      const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
      if (left.length < head + 4) return;
      const length = short === 126 ? left.readUInt16BE(2) : short === 127 ? Number(left.readBigUInt64BE(2)) : short;
      if (left.length < head + 4 + length) return;
      const mask = left.subarray(head, head + 4);
      const data = Buffer.from(left.subarray(head + 4, head + 4 + length).map((byte, n) => byte ^ mask[n % 4]));
      const opcode = left[0] & 15;
      left = left.subarray(head + 4 + length);
      if (opcode === CLOSE) return socket.end(frame(CLOSE, data));
      // A message may be in several frames; each goes back as a message.
      socket.write(frame(BINARY, data));
    }
  };
  socket.on('error', () => {}).on('data', take);
  take(Buffer.alloc(0));
}
