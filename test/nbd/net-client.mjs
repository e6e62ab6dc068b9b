// The yardstick y_net_rtt of make bench-nbd: a bare socket of Node that reads random blocks of 4 KiB from an NBD server, and does only what nothing could do
// without. Arguments: the path of the Unix socket, the size of the export in bytes, requests in flight, ms. Prints requests a second and µs of processor time for each.
import { once } from 'node:events';
import { connect } from 'node:net';

const [path, size, depth, ms] = process.argv.slice(2).map((arg, n) => (n === 0 ? arg : Number(arg)));
const BLOCK = 4096;
/** A simple reply, and the data. */
const REPLY = 16 + BLOCK;

const socket = connect(path);
socket.setNoDelay?.(true);
let bytes = Buffer.alloc(0);
/** Waits for so many bytes of the handshake. */
async function take(length) {
  while (bytes.length < length) bytes = Buffer.concat([bytes, (await once(socket, 'data'))[0]]);
  const taken = bytes.subarray(0, length);
  bytes = bytes.subarray(length);
  return taken;
}
await once(socket, 'connect');
// The greeting; its flags, and NBD_OPT_EXPORT_NAME of the default export; its size and flags.
await take(18);
const option = Buffer.alloc(20);
option.writeUInt32BE(3, 0);
option.write('IHAVEOPT', 4);
option.writeUInt32BE(1, 12);
socket.write(option);
await take(10);

const request = Buffer.alloc(28);
request.writeUInt32BE(0x25609513, 0);
request.writeUInt32BE(BLOCK, 24);
let state = 1;
function send(count) {
  const batch = Buffer.allocUnsafe(28 * count);
  for (let n = 0; n < count; n++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    request.writeUInt32BE((state % (size / BLOCK)) * BLOCK, 20);
    request.copy(batch, 28 * n);
  }
  socket.write(batch);
}

const into = Buffer.alloc(BLOCK);
let [done, at, ended] = [0, 0, false];
let finish;
const over = new Promise((resolve) => (finish = resolve));
socket.on('data', (chunk) => {
  let answered = 0;
  for (let from = 0; from < chunk.length; ) {
    const here = Math.min(chunk.length - from, REPLY - at);
    // Where the data would be wanted.
    chunk.copy(into, Math.max(0, at - 16), from + Math.max(0, 16 - at), from + here);
    at += here;
    from += here;
    if (at === REPLY) {
      at = 0;
      answered++;
    }
  }
  done += answered;
  if (ended) finish();
  else if (answered > 0) send(answered);
});
send(depth);
await new Promise((resolve) => setTimeout(resolve, ms / 4));
const [cpu, start, before] = [process.cpuUsage(), performance.now(), done];
await new Promise((resolve) => setTimeout(resolve, ms));
const [{ user, system }, seconds, count] = [process.cpuUsage(cpu), (performance.now() - start) / 1000, done - before];
ended = true;
await over;
process.stdout.write(`${JSON.stringify({ iops: count / seconds, cpu: (user + system) / count })}\n`);
socket.destroy();
