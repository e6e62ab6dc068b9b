// SPDX-License-Identifier: MIT
/**
 * How threads of a guest have the files of the origin (OPFS) used: only the worker that has opened such a file can use it, and opening
 * is asynchronous, so one worker serves them all (opfs-worker.ts). A thread writes its call into shared memory and sleeps until
 * the answer is there. One call is served at a time.
 */
import { diskError } from './disk.js';
import type { Shared } from './shared.js';

/** The number of the last call, and of the last one that was answered. */
const CALLS = 0, ANSWERED = 1;
/** Set by the owner when no more calls come. */
const OVER = 2;
/** The length in bytes of the text of a call or an answer. */
const LENGTH = 3;
const TEXT = 64;
const TEXT_BYTES = 4 << 20;
const DATA = TEXT + TEXT_BYTES;
/** The most bytes that one call reads or writes. */
const DATA_BYTES = 1 << 20;
/** How long a thread sleeps at most before it checks whether the guest has ended. */
const LOOK_AGAIN_MS = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The fds of files of the origin. */
export const FIRST_OPFS_FD = 1 << 25;
export const isOfOpfs = (fd: number): boolean => fd >= FIRST_OPFS_FD && fd < 2 * FIRST_OPFS_FD;

/** A call: the name of a function of OpfsTree, and its arguments. */
export type OpfsCall = readonly [name: string, ...args: unknown[]];
type Answer = { value: unknown } | { error: string };

/** Creates the memory of a channel, whose untouched pages cost nothing. */
export const createChannel = (): SharedArrayBuffer => new SharedArrayBuffer(DATA + DATA_BYTES);

export class OpfsChannel {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  /** Where the bytes are that a call writes, or has read. */
  readonly data: Uint8Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, TEXT / 4);
    this.bytes = new Uint8Array(buffer);
    this.data = this.bytes.subarray(DATA);
  }

  private put(value: unknown): void {
    const text = encoder.encode(JSON.stringify(value));
    if (text.length > TEXT_BYTES) throw diskError('EOVERFLOW');
    this.bytes.set(text, TEXT);
    this.words[LENGTH] = text.length;
  }

  private take(): unknown {
    // Decoders refuse views of shared memory.
    return JSON.parse(decoder.decode(this.bytes.slice(TEXT, TEXT + (this.words[LENGTH] ?? 0))));
  }

  // ---- In a thread of the guest

  /** Has a call served. given: the bytes that it writes; received() gets its result while the bytes that it has read are there. */
  call<T>(shared: Shared, call: OpfsCall, given?: Uint8Array, received: (value: T) => void = () => {}): T {
    const { words } = this;
    return shared.withOpfs(() => {
      this.put(call);
      if (given) this.data.set(given);
      const number = (Atomics.add(words, CALLS, 1) + 1) | 0;
      Atomics.notify(words, CALLS);
      for (let last = Atomics.load(words, ANSWERED); last !== number; last = Atomics.load(words, ANSWERED)) {
        shared.waitAgain(words, ANSWERED, last, LOOK_AGAIN_MS);
      }
      const answer = this.take() as Answer;
      if ('error' in answer) throw diskError(answer.error);
      received(answer.value as T);
      return answer.value as T;
    });
  }

  // ---- In the worker that serves them

  /** Serves calls until the owner ends that. */
  async serve(work: (call: OpfsCall) => unknown, errnoOf: (error: unknown) => string): Promise<void> {
    const { words } = this;
    for (let served = 0; ;) {
      Atomics.wait(words, CALLS, served);
      if (Atomics.load(words, OVER) !== 0) return;
      const number = Atomics.load(words, CALLS);
      if (number === served) continue;
      let answer: Answer;
      try {
        answer = { value: (await work(this.take() as OpfsCall)) ?? null };
      } catch (error) {
        answer = { error: errnoOf(error) };
      }
      try {
        this.put(answer);
      } catch {
        this.put({ error: 'EOVERFLOW' });
      }
      served = number;
      Atomics.store(words, ANSWERED, served);
      Atomics.notify(words, ANSWERED);
    }
  }

  // ---- In the owner

  /** Ends serve(). */
  end(): void {
    Atomics.store(this.words, OVER, 1);
    Atomics.add(this.words, CALLS, 1);
    Atomics.notify(this.words, CALLS);
  }
}
