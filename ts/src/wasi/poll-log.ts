// SPDX-License-Identifier: MIT
/**
 * The poll_oneoff calls of a guest while they are recorded: a ring of fixed-size records in shared memory, which the threads write one
 * at a time and the owner reads. What it has not read in time is overwritten, and counted.
 */
import { Clock, EventType } from '../runtime/abi.js';
import { clockNow, type SystemThread } from '../runtime/process.js';
import type { PollEvent, Subscription } from '../runtime/poll.js';
import type { Shared } from './shared.js';

/** Where records begin; the word before says how many have been written. */
const HEADER = 64;
const RECORDS = 4096;
const BYTES = 128;
const NAME = 24;
const TEXT = BYTES - 16 - NAME;

/** The beginning or the end of a call. */
export interface PollRecord {
  /** By libc of programs that aiocc has built, which waits in the module, or by WASI's call. */
  readonly call: 'poll' | 'poll_oneoff';
  readonly phase: 'begin' | 'end';
  /** In ns, as the host's monotonic clock has it. */
  readonly time: number;
  /** The number and the name of the thread. */
  readonly thread: number;
  readonly name: string;
  /** How many subscriptions the call has, or how many events it has returned. */
  readonly count: number;
  /** What the call waits for, or what has happened, such as `fd_read 0, clock 250 ms`; cut off where there is no room. */
  readonly text: string;
}

/** The thread of the guest that this worker is. The owner's thread is none. */
export const self = { number: -1, name: (): string => 'owner' };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** As many of these words as there is room for. */
function fitting(words: readonly string[]): string {
  const room = TEXT - 16;
  let text = '';
  for (const [n, word] of words.entries()) {
    const longer = n === 0 ? word : `${text}, ${word}`;
    if (longer.length > room) return `${text} and ${words.length - n} more`;
    text = longer;
  }
  return text;
}

const TYPES: Record<number, string> = { [EventType.clock]: 'clock', [EventType.fdRead]: 'fd_read', [EventType.fdWrite]: 'fd_write' };
const what = ({ type, fd }: Subscription): string => `${TYPES[type]}${type === EventType.clock ? '' : ` ${fd}`}`;

export class PollLog {
  private readonly words: Int32Array;
  private readonly view: DataView;
  /** The next record to read. */
  private next = 0;

  constructor(readonly buffer: SharedArrayBuffer, private readonly shared: Shared) {
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
  }

  static create(shared: Shared): PollLog {
    return new PollLog(new SharedArrayBuffer(HEADER + RECORDS * BYTES), shared);
  }

  // ---- A thread of the guest

  begin(thread: SystemThread, all: readonly Subscription[]): void {
    this.write(thread, 0, all.map((one) => {
      if (one.type !== EventType.clock || one.error !== 0) return what(one);
      const left = Number(one.deadline - (clockNow(thread, one.clock) ?? 0n)) / 1e6;
      return `${one.clock === Clock.realtime ? 'realtime clock' : 'clock'} ${Number(Math.max(left, 0).toPrecision(3))} ms`;
    }));
  }

  end(thread: SystemThread, ready: readonly [Subscription, PollEvent][]): void {
    this.write(thread, 1, ready.map(([one, { error, hangup }]) => `${what(one)}${error ? ` (errno ${error})` : hangup ? ' (hangup)' : ''}`));
  }

  private write({ host }: SystemThread, phase: number, words: readonly string[]): void {
    this.shared.withPolls(() => {
      const { view } = this;
      const written = Atomics.load(this.words, 0);
      const at = HEADER + (written % RECORDS) * BYTES;
      view.setFloat64(at, host.monotonic(), true);
      view.setInt16(at + 8, self.number, true);
      view.setUint16(at + 10, phase, true);
      view.setUint32(at + 12, words.length, true);
      this.put(at + 16, self.name(), NAME);
      this.put(at + 16 + NAME, fitting(words), TEXT);
      Atomics.store(this.words, 0, written + 1);
    });
  }

  private put(at: number, text: string, size: number): void {
    const bytes = new Uint8Array(this.buffer, at, size).fill(0);
    bytes.set(encoder.encode(text).subarray(0, size));
  }

  // ---- The owner

  /** The records that were written since the last call, and how many are missing before them. */
  read(): { lost: number; records: PollRecord[] } {
    const from = this.next;
    // The oldest record may be written over at this moment.
    const first = (): number => Atomics.load(this.words, 0) - RECORDS + 1;
    const written = Atomics.load(this.words, 0);
    this.next = written;
    const begin = Math.max(from, first());
    const records = Array.from({ length: written - begin }, (_, n) => this.record(begin + n));
    const valid = Math.min(written, Math.max(begin, first()));
    return { lost: valid - from, records: records.slice(valid - begin) };
  }

  private record(n: number): PollRecord {
    const { view } = this;
    const at = HEADER + (n % RECORDS) * BYTES;
    return {
      call: 'poll_oneoff', phase: view.getUint16(at + 10, true) === 0 ? 'begin' : 'end', time: view.getFloat64(at, true), thread: view.getInt16(at + 8, true),
      count: view.getUint32(at + 12, true), name: this.text(at + 16, NAME), text: this.text(at + 16 + NAME, TEXT),
    };
  }

  private text(at: number, size: number): string {
    // A view of shared memory cannot be decoded.
    return decoder.decode(new Uint8Array(this.buffer, at, size).slice()).replace(/\0.*$/s, '');
  }
}
