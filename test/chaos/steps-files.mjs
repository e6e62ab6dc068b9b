// Steps with files.
import { close, endFile } from './callbacks.mjs';
import { DISK_SIZE, diskByte } from './world.mjs';

const any = (random) => random.below(64);
const maybeSignal = (random) => (random.oneIn(5) ? random.below(4) : undefined);
const SLOT = 4096;

/** Whether they are the file's; a message if not. */
export function wrongDisk(bytes, offset, length) {
  const expected = Math.max(0, Math.min(length, DISK_SIZE - offset));
  if (bytes.length !== expected) return `${bytes.length} bytes instead of ${expected} at ${offset}`;
  const at = bytes.findIndex((byte, i) => byte !== diskByte(offset + i));
  return at < 0 ? undefined : `wrong byte at ${offset + at}`;
}

function check(world, bytes, offset, length) {
  const why = wrongDisk(bytes, offset, length);
  if (why) world.problem('content', why);
}

const fileOf = (world, n, writes) => world.get(writes ? 'writableFile' : 'file', n);

/** Bytes in the shared memory, if there is room; closed when work has ended. */
async function withBuffer(world, rt, length, work) {
  const buffer = rt.runtime.allocate(length);
  try {
    return await work(buffer.bytes);
  } finally {
    world.attempt('buffer.close()', rt, () => buffer.close());
  }
}

export const fileSteps = {
  open: {
    weight: 3,
    make: (random) => ({
      iothread: any(random), aio: random.pick(['threads', 'threads', 'native', 'io_uring', 'sync']), aioMaxBatch: random.pick([0, 0, 1, 8]),
      writable: random.oneIn(3), missing: random.oneIn(12), signal: random.oneIn(10) ? random.below(4) : undefined,
    }),
    run(world, { iothread, aio, aioMaxBatch, writable, missing, signal }) {
      const io = world.get('iothread', iothread);
      if (!io) return;
      const path = missing ? world.env.path('no-such-file') : writable ? world.env.path(`written-${world.number()}`) : world.env.path('disk');
      const options = { aio, aioMaxBatch, ...(writable && !missing && { create: true }), ...world.signalOption(signal) };
      const allow = [...(missing ? ['ERR_AIO_IO ENOENT'] : []), ...(world.env.filesAreOwned && aio === 'sync' ? ['ERR_AIO_UNSUPPORTED'] : [])];
      return world.starts(world.track(`open(${aio})`, io.rt, async () => {
        world.add(writable ? 'writableFile' : 'file', await world.openFile(io, path, options, allow));
      }, { allow }));
    },
  },
  read: {
    weight: 5,
    make: (random) => ({
      file: any(random), offset: random.below(DISK_SIZE + 1000), length: random.pick([0, 1, 511, 4096, 65536]),
      into: random.pick(['private', 'view', 'shared', 'views']), signal: maybeSignal(random),
    }),
    run(world, { file: n, offset, length, into, signal }) {
      const file = fileOf(world, n, false);
      if (!file) return;
      const { rt, object } = file;
      const options = world.signalOption(signal);
      return world.track(`read(${object.aio})`, rt, async () => {
        if (into === 'private') return check(world, await object.read(offset, length, options), offset, length);
        if (into === 'shared') {
          return withBuffer(world, rt, length, async (bytes) => check(world, bytes.slice(0, await object.read(offset, bytes, options)), offset, length));
        }
        const bytes = new Uint8Array(length);
        const views = into === 'views' ? [bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)] : [bytes];
        check(world, bytes.subarray(0, await object.readv(offset, views, options)), offset, length);
      });
    },
  },
  burst: {
    weight: 1,
    make: (random) => ({ file: any(random), count: random.pick([10, 100, 400]), signal: maybeSignal(random) }),
    run(world, { file: n, count, signal }) {
      const file = fileOf(world, n, false);
      if (!file) return;
      return Promise.all(Array.from({ length: count }, (_, i) =>
        world.track(`read(${file.object.aio}) of a burst`, file.rt, async () =>
          check(world, await file.object.read(i * 512, 512, world.signalOption(signal)), i * 512, 512))));
    },
  },
  write: {
    weight: 2,
    make: (random) => ({ file: any(random), length: random.pick([0, 1, 512, 20000]), readOnly: random.oneIn(8), signal: maybeSignal(random) }),
    run(world, { file: n, length, readOnly, signal }) {
      const file = fileOf(world, n, !readOnly);
      if (!file) return;
      // Behind the slots of writeRead.
      return world.track(`write(${file.object.aio})`, file.rt, () => file.object.write(1 << 20, new Uint8Array(length), world.signalOption(signal)),
        { allow: readOnly ? ['ERR_AIO_IO EBADF'] : [] });
    },
  },
  writeRead: {
    weight: 3,
    make: (random) => ({ file: any(random), pieces: random.pick([1, 2, 7]), seed: random.below(250) }),
    run(world, { file: n, pieces, seed }) {
      const file = fileOf(world, n, true);
      if (!file) return;
      const at = (file.slots = (file.slots ?? 0) + 1) * SLOT;
      const bytes = Uint8Array.from({ length: SLOT }, (_, i) => (seed + i) % 251);
      const size = Math.ceil(SLOT / pieces);
      const views = Array.from({ length: pieces }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      return world.track(`write and read(${file.object.aio})`, file.rt, async () => {
        await file.object.writev(at, views);
        const back = await file.object.read(at, SLOT);
        if (back.length !== SLOT || back.some((byte, i) => byte !== bytes[i])) world.problem('content', `not what was written at ${at}`);
      });
    },
  },
  flush: {
    weight: 1,
    make: (random) => ({ file: any(random), signal: maybeSignal(random) }),
    run(world, { file: n, signal }) {
      const file = fileOf(world, n, true);
      return file && world.track(`flush(${file.object.aio})`, file.rt, () => file.object.flush(world.signalOption(signal)));
    },
  },
  stat: {
    weight: 1,
    make: (random) => ({ file: any(random), writable: random.oneIn(2), truncates: random.oneIn(2), signal: maybeSignal(random) }),
    run(world, { file: n, writable, truncates, signal }) {
      const file = fileOf(world, n, writable);
      if (!file) return;
      const options = world.signalOption(signal);
      return world.track(`stat(${file.object.aio})`, file.rt, async () => {
        // Behind all that is written.
        if (writable && truncates) await file.object.truncate(1 << 22, options);
        const { size } = await file.object.stat(options);
        if (!writable && size !== DISK_SIZE) world.problem('content', `${size} bytes instead of ${DISK_SIZE}`);
      });
    },
  },
  closeFile: {
    weight: 2,
    make: (random) => ({ file: any(random), writable: random.oneIn(3) }),
    run(world, { file: n, writable }) {
      const file = fileOf(world, n, writable);
      if (!file) return;
      file.rt.may.add('ended');
      return endFile(world, file);
    },
  },
  allocate: {
    weight: 1,
    make: (random) => ({ rt: any(random), length: random.pick([0, 1, 4096, 1 << 20, 0x7fffffff]) }),
    run(world, { rt: n, length }) {
      const rt = world.runtimeOf(n);
      if (!rt) return;
      const object = world.attempt('allocate()', rt, () => rt.runtime.allocate(length), length > 1 << 20 ? ['ERR_AIO_NO_MEMORY'] : []);
      if (object) world.attempt('buffer.close()', rt, () => close(rt, { object }));
    },
  },
};
