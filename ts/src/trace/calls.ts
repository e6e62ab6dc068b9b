// SPDX-License-Identifier: MIT
import type { Exports } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';

/** The moments of a call, in the order of their numbers in wasm/runtime/trace.c. */
const Moment = { sent: 0, begin: 1, end: 2, answered: 3, returned: 4 } as const;
/** What an event has room for, but for the 0 at its end. */
const NAME = 27;
const encoder = new TextEncoder();
/** Modules that an earlier version has built trace no calls. */
const off = new Int32Array(1);

/**
 * Traces the calls of one side of a connection. Both sides know a call by the key of their rings, the direction in which
 * it goes, and its number.
 */
export class CallTrace {
  private readonly word: Int32Array;
  private readonly exports: Exports;

  /** way: the direction in which this side sends. */
  constructor(private readonly instance: Instance, private readonly way: 'in' | 'out') {
    const { exports, memory } = instance;
    this.exports = exports;
    this.word = exports.rt_trace_word ? memory.word(exports.rt_trace_word()) : off;
  }

  get isOn(): boolean {
    return this.word[0] !== 0;
  }

  private write(moment: number, key: number, ours: boolean, id: number, name = ''): void {
    if (name) {
      const { memory } = this.instance;
      const bytes = encoder.encode(name).subarray(0, NAME);
      const at = this.exports.rt_trace_name?.() ?? 0;
      memory.reaching(at + NAME + 1).fill(0, at, at + NAME + 1).set(bytes, at);
    }
    this.exports.rt_trace_call?.(moment, id, ((key & ~1) | Number((this.way === 'in') === ours)) >>> 0, name !== '');
  }

  /** This side sends a call of the other side's functions. */
  sent(key: number, id: number): void {
    this.write(Moment.sent, key, true, id);
  }

  /** This side has the answer to a call of its own. */
  returned(key: number, id: number): void {
    this.write(Moment.returned, key, true, id);
  }

  /** This side begins to serve a call. */
  begin(key: number, id: number, name: string): void {
    this.write(Moment.begin, key, false, id, name);
  }

  /** The function has returned, perhaps a promise. */
  end(key: number, id: number): void {
    this.write(Moment.end, key, false, id);
  }

  /** This side sends the answer to a call that it has served. */
  answered(key: number, id: number): void {
    this.write(Moment.answered, key, false, id);
  }
}
