// SPDX-License-Identifier: MIT
/** poll_oneoff of a guest: the thread adds itself to the watchers of each ring, and sleeps on a word of its own. */
import { EventType, fail } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { pollCalls, READY, type PollEvent } from '../runtime/poll.js';
import type { SystemCalls } from '../runtime/process.js';
import { Kind, type Descriptor } from './descriptor.js';
import type { GuestThread } from './guest-thread.js';
import { host } from './path.js';
import { PollLog } from './poll-log.js';
import { CONNECTION_BYTES } from './socket.js';

export function guestPollCalls(thread: GuestThread): SystemCalls {
  const { table, shared, config } = thread;
  const log = config.polls && new PollLog(config.polls, shared);

  /** The number of bytes from the offset to the end of a file. */
  function fileBytes(file: Descriptor): bigint {
    if (!thread.fs || file.hostFd < 0) return 0n;
    const { fs } = thread;
    const size = host(() => fs.fstatSync(file.hostFd)).size;
    return BigInt(Math.max(0, size - (file.sequential ? 0 : file.offset)));
  }

  /** The state of a descriptor; undefined if it is not ready, in which case it wakes this thread up once it is. */
  function look(descriptor: Descriptor, type: number): PollEvent | undefined {
    if (descriptor.kind === Kind.directory) fail(E.BADF);
    descriptor.need(Rights.pollFdReadwrite);
    const reading = type === EventType.fdRead;
    if (descriptor.kind === Kind.file || descriptor.kind === Kind.console) {
      return reading ? { ...READY, nbytes: fileBytes(descriptor) } : READY;
    }
    const ring = (reading ? descriptor.readRing : descriptor.writeRing) ?? fail(E.BADF);
    shared.watch(reading ? ring.readers : ring.writers);
    if (reading) {
      const hangup = ring.writerGone || ring.readerGone;
      const { length } = ring;
      if (length > 0 || hangup) {
        const nbytes = BigInt(descriptor.kind === Kind.listener ? Math.floor(length / CONNECTION_BYTES) : length);
        return { error: 0, nbytes, hangup };
      }
      ring.demand();
      return undefined;
    }
    const hangup = ring.readerGone || ring.writerGone;
    return ring.writable || hangup ? { error: 0, nbytes: hangup ? 0n : BigInt(ring.room), hangup } : undefined;
  }

  return pollCalls(thread, {
    look: (fd, type) => table.use(fd, (descriptor) => look(descriptor, type)),
    prepareSleep: () => shared.prepareSleep(),
    sleep: (seen, ms) => shared.sleep(seen, ms),
    ...(log && { begun: (all) => log.begin(thread, all), ended: (ready) => log.end(thread, ready) }),
  });
}
