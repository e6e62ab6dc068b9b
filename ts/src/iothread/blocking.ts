// SPDX-License-Identifier: MIT
/** Blocking calls: a thread waits in shared memory for the answer of another one. */
import type { CallOptions } from '../abort.js';
import { AioError } from '../errors.js';
import { unpack } from '../wire/unpack.js';
import { decoder, NOTHING } from './arrivals.js';
import { BLOCKING, Kind, PREFIX, type Revoke } from './record.js';
import type { Connection, Waits } from './side.js';

/** How a thread waits over one connection. */
interface Wait {
  /** The address of the ring that leads to this thread. */
  readonly ring: number;
  /** @throws AioError ERR_AIO_DEADLOCK */
  begin(): void;
  /**
   * Returns when the ring has a record behind the position `seen`, or the other side has ended, or `also`, the ring of another
   * connection, has a record behind `alsoSeen`, or after so many ms, or earlier.
   */
  sleep(seen: number, also: number, alsoSeen: number, ms: number): void;
  end(): void;
  /** The error of a call that the other side does not answer because it has ended. */
  ended(how: number): AioError;
}

/** The connections of this thread. */
const connections = new Map<Connection, Wait>();

type IsIt = (kind: number, id: number, of: number) => boolean;

/** A record that was waited for, with its value. */
interface Found {
  by: Connection;
  kind: number;
  id: number;
  of: number;
  value: unknown;
}

/** What tells that a signal was aborted: records of this connection. */
interface Heard {
  by: Connection;
  isAbort: IsIt;
}

function hear(signal: object): Heard | undefined {
  for (const by of connections.keys()) {
    const abort = by.abortOf(signal);
    if (abort) return { by, isAbort: (kind, id, of) => kind === abort.kind && (kind === Kind.abort ? of : id) === abort.number };
  }
  return undefined;
}

/** Takes what is in the ring out of it, to be handled later, up to the first record that is waited for. Returns that. */
function setAside(by: Connection, isIt: IsIt): Found | undefined {
  const { arrivals, arrivals: { early, reader } } = by;
  const { words } = decoder;
  for (let number = reader.next(reader.end); number !== undefined; number = reader.next(reader.end)) {
    const length = reader.take(words, decoder.bytes);
    const kind = words[0] as number;
    const id = (words[1] as number) >>> 0;
    const of = (words[2] as number) >>> 0;
    if (isIt(kind, id, of)) {
      arrivals.handled(number);
      return { by, kind, id, of, value: decoder.decode(PREFIX, by.functions) };
    }
    early.set(number, words.slice(0, (length + 3) >> 2));
  }
  return undefined;
}

/** Finds a record among those that were set aside before, and among the messages that have arrived. */
function findEarly(by: Connection, isIt: IsIt): Found | undefined {
  const { early } = by.arrivals;
  for (const [number, one] of early) {
    const [kind, id, of] = one instanceof Int32Array ? [one[0] as number, (one[1] as number) >>> 0, (one[2] as number) >>> 0] : [one.kind, one.id, one.of];
    if (!isIt(kind, id, of)) continue;
    early.set(number, NOTHING);
    if (one instanceof Int32Array) decoder.words.set(one);
    return { by, kind, id, of, value: one instanceof Int32Array ? decoder.decode(PREFIX, by.functions) : unpack(one.packet, by.functions) };
  }
  return undefined;
}

/** Thrown by the wait for room when the signal was aborted, before the call was sent. */
const ABORTED = {};

/** The blocking calls over one connection. */
export class BlockingCalls implements Waits {
  private last = 0;

  constructor(private readonly wait: Wait) {}

  joined(by: Connection): void {
    connections.set(by, this.wait);
  }

  left(by: Connection): void {
    connections.delete(by);
  }

  call(by: Connection, of: number, args: unknown[], options: CallOptions): unknown {
    const { signal } = options;
    by.assertOpen();
    const heard = signal && hear(signal);
    const before = heard && findEarly(heard.by, heard.isAbort);
    if (before) tell(before);
    signal?.throwIfAborted();
    const found = this.waitFor(by, of, args, options, heard);
    if (found.kind === Kind.value || found.kind === Kind.thrown) by.returned(found.id);
    if (found.kind === Kind.value) return found.value;
    if (found.kind === Kind.thrown) throw found.value;
    // Now that nobody waits any more, the signal's listeners may do what they like.
    tell(found);
    throw signal?.reason;
  }

  /** Makes the call, and waits for its answer, or for the record which tells that the signal was aborted. */
  private waitFor(by: Connection, of: number, args: unknown[], { timeout = Infinity }: CallOptions, heard: Heard | undefined): Found {
    const { arrivals: { reader } } = by;
    const end = timeout < Infinity ? performance.now() + timeout : Infinity;
    const id = BLOCKING + (this.last = (this.last + 1) % BLOCKING);
    const isFound: IsIt = (kind, number, what) =>
      (number === id && (kind === Kind.value || kind === Kind.thrown)) || (heard?.by === by && heard.isAbort(kind, number, what));
    const other = heard && heard.by !== by ? heard : undefined;
    const also = other?.by.arrivals.reader;
    const alsoRing = other ? (connections.get(other.by) as Wait).ring : 0;
    let sent: { call: Revoke | undefined } | undefined;
    let found: Found | undefined;
    const look = (): boolean => {
      // Read first: an answer that came just before the end is still found.
      const { ended } = reader;
      found = setAside(by, isFound) ?? (other && setAside(other.by, other.isAbort));
      if (!found && ended) throw this.wait.ended(ended);
      return found !== undefined;
    };
    const cancel = (reason: unknown): void => {
      if (sent) by.cancel(id, reason, sent.call);
    };
    const sleep = (most: number): void => {
      const left = end < Infinity ? end - performance.now() : Infinity;
      if (left <= 0) {
        const reason = new AioError('ERR_AIO_TIMEOUT', `the blocking call took longer than ${timeout} ms (timeout; IOThread '${by.name}')`);
        cancel(reason);
        throw reason;
      }
      this.wait.sleep(reader.position, alsoRing, also?.position ?? 0, Math.min(left, most));
    };
    this.wait.begin();
    reader.awaits = true;
    if (also) also.awaits = true;
    try {
      // While the other side has no time to take what is in its ring, it may wait for room in ours.
      const call = by.sendBlocking(id, of, args, () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        if (look()) throw ABORTED;
        sleep(1);
        return true;
      });
      sent = { call };
      while (!look()) sleep(Infinity);
    } catch (error) {
      if (error !== ABORTED) throw error;
    } finally {
      this.wait.end();
      for (const one of other ? [by, other.by] : [by]) {
        one.arrivals.reader.awaits = false;
        one.resume();
      }
    }
    const { kind, value } = found as unknown as Found;
    if (kind !== Kind.value && kind !== Kind.thrown) cancel(value);
    return found as unknown as Found;
  }
}

/** Lets the signal be aborted. */
function tell({ by, kind, id, of, value }: Found): void {
  by.handle(kind, id, of, () => value);
}
