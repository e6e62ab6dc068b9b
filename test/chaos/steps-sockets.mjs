// Steps with sockets: in the owner's contexts, and in an IOThread's code.
import { contextOf } from './steps-loops.mjs';
import { remote } from './steps-code.mjs';

const any = (random) => random.below(64);
const maybeSignal = (random, n) => (random.oneIn(n) ? random.below(4) : undefined);
/** What is written to a peer that is gone, or was not read by it. */
const LOST = ['ERR_AIO_IO ECONNRESET', 'ERR_AIO_IO EPIPE'];
const byteAt = (n) => n % 251;

/** Closes one end. */
function closeEnd(world, record, socket) {
  record.rt.may.add('ended');
  return world.track('socket.close()', record.rt, () => socket.close());
}

/** Reads in a call-back of the loop until the peer has ended or the socket is closed. Resolves with how many bytes were right. */
async function readInLoop(world, socket) {
  let at = 0;
  let failed;
  const watch = socket.onReadable(() => {
    try {
      for (const byte of socket.read(1000)) if (byte === byteAt(at)) at++;
    } catch (error) {
      failed = error;
    }
  });
  while (!failed && !(socket.ended && socket.length === 0)) {
    await world.env.delay(1);
    // It throws if the socket is closed or lost.
    socket.read(0);
  }
  watch.close();
  if (failed) throw failed;
  return at;
}

export const socketSteps = {
  openSockets: {
    weight: 2,
    hosts: ['node'],
    make: (random) => ({ context: any(random), way: random.pick(['tcp', 'unix']), capacity: random.pick([1, 1000, 65536]), signal: maybeSignal(random, 8) }),
    run(world, { context: n, way, capacity, signal }) {
      const context = contextOf(world, n);
      if (!context) return;
      const { rt, object } = context;
      const { connect, listen } = world.env.sockets;
      const options = { capacity, ...world.signalOption(signal) };
      return world.starts(world.track(`sockets(${way})`, rt, async () => {
        const listener = await listen(object, way === 'tcp' ? { port: 0 } : { path: world.env.path(`socket-${world.number()}`) }, options);
        try {
          const [socket, peer] = await Promise.all([connect(object, listener.address, options), listener.accept(world.signalOption(signal))]);
          world.add('socket', { rt, socket, peer, used: false });
        } finally {
          listener.close();
        }
      }));
    },
  },
  sendBySocket: {
    weight: 3,
    hosts: ['node'],
    make: (random) => ({
      socket: any(random), length: random.pick([0, 1, 1000, 50_000, 500_000]), by: random.pick(['promises', 'loop']), closes: random.oneIn(4), signal: maybeSignal(random, 6),
    }),
    run(world, { socket: n, length: wanted, by, closes, signal }) {
      const record = world.get('socket', n);
      if (!record || record.used) return;
      record.used = true;
      const { rt, socket, peer } = record;
      // A socket that holds one byte takes them one by one.
      const length = Math.min(wanted, socket.capacity * 500);
      const writing = world.track('socket.writeAll()', rt, async () => {
        try {
          await socket.writeAll(Uint8Array.from({ length }, (_, i) => byteAt(i)), world.signalOption(signal));
        } finally {
          // Whoever reads is not left waiting.
          if (closes) await closeEnd(world, record, socket);
          else world.attempt('socket.end()', rt, () => socket.end());
        }
      }, { allow: LOST });
      const reading = world.track(`reading of a socket by ${by}`, rt, async () => {
        let at = 0;
        if (by === 'loop') at = await readInLoop(world, peer);
        else {
          for await (const bytes of peer) {
            if (bytes.some((byte, i) => byte !== byteAt(at + i))) return world.problem('content', `socket: wrong bytes after ${at}`);
            at += bytes.length;
          }
        }
        // What was written before close() arrives, too, if the reader is there within a second.
        if (at !== length && signal === undefined && !rt.may.has('ended')) world.problem('content', `socket: ${at} bytes of ${length}`);
      }, { allow: LOST });
      return Promise.all([writing, reading]);
    },
  },
  closeSocket: {
    weight: 1,
    hosts: ['node'],
    make: (random) => ({ socket: any(random), end: random.pick(['socket', 'peer']), twice: random.oneIn(3) }),
    run(world, { socket, end, twice }) {
      const record = world.get('socket', socket);
      return record && Promise.all(Array.from({ length: twice ? 2 : 1 }, () => closeEnd(world, record, record[end])));
    },
  },
  socketThere: {
    weight: 1,
    hosts: ['node'],
    make: (random) => ({ iothread: any(random), length: random.pick([1, 1000, 300_000]), capacity: random.pick([1000, 65536]) }),
    run: (world, { iothread, length, capacity }) => remote(world, iothread, 'sendBack()', async (service) => {
      const right = await service.sendBack(length, capacity);
      if (right !== length) world.problem('content', `${right} of ${length} bytes came back by a socket of an IOThread`);
    }),
  },
};
