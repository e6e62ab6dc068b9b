// SPDX-License-Identifier: MIT
// The yardstick y_ring: calls of one function through two rings written by hand, with this library's encoder. It has what such a
// call cannot do without: it keeps no order with messages, knows no errors, never ends and carries plain data only.
import { Decoder } from '../../../dist/wire/decoder.js';
import { Encoder } from '../../../dist/wire/encoder.js';

const SIZE = 1 << 16;
const [TAIL, HEAD, SLEEPS] = [0, 16, 32];
const HEADER = 256;
/** Bytes before a record's content: its length, and the number of the call. */
const PREFIX = 8;
const plainData = { unsent() {}, numberOf() {}, hold() {}, stub() {}, own() {} };

export const makeRings = () => [0, 1].map(() => new SharedArrayBuffer(HEADER + SIZE));

class Ring {
  constructor(shared) {
    this.header = new Int32Array(shared, 0, HEADER / 4);
    this.words = new Int32Array(shared, HEADER);
    this.bytes = new Uint8Array(shared, HEADER);
    this.at = 0;
  }
}

class Writer extends Ring {
  encoder = new Encoder();

  send(id, value) {
    const { encoder, header, words } = this;
    const length = encoder.encode(value, plainData, PREFIX);
    const needed = (length + 7) & ~7;
    let at = this.at & (SIZE - 1);
    if (at + needed > SIZE) {
      words[at >> 2] = -1;
      this.at += SIZE - at;
      at = 0;
    }
    if (this.at + needed - Atomics.load(header, HEAD) > SIZE) throw new Error('the ring is full');
    encoder.words[0] = length;
    encoder.words[1] = id;
    for (let n = 0; n < length; n += 4) words[(at + n) >> 2] = encoder.words[n >> 2];
    encoder.isSent();
    this.at += needed;
    Atomics.store(header, TAIL, this.at);
    if (Atomics.load(header, SLEEPS) === 1 && Atomics.exchange(header, SLEEPS, 0) === 1) Atomics.notify(header, SLEEPS);
  }
}

class Reader extends Ring {
  decoder = new Decoder();

  /** Takes all records. */
  take(receive) {
    const { decoder, header, words } = this;
    for (const end = Atomics.load(header, TAIL); this.at !== end;) {
      let at = this.at & (SIZE - 1);
      if (words[at >> 2] === -1) {
        this.at += SIZE - at;
        at = 0;
      }
      const length = words[at >> 2];
      for (let n = 0; n < length; n += 4) decoder.words[n >> 2] = words[(at + n) >> 2];
      this.at += (length + 7) & ~7;
      Atomics.store(header, HEAD, this.at);
      receive(decoder.words[1], decoder.decode(PREFIX, plainData));
    }
  }

  /** Waits for so many ms, without sleeping, until there is something to take. */
  poll(ms) {
    const end = performance.now() + ms;
    for (let n = 1; Atomics.load(this.header, TAIL) === this.at; n++) if (n % 64 === 0 && performance.now() > end) return;
  }

  /** Says that it is going to sleep. Returns false if there is something to take. */
  sleeps() {
    Atomics.store(this.header, SLEEPS, 1);
    return Atomics.load(this.header, TAIL) === this.at || Atomics.exchange(this.header, SLEEPS, 0) === 0;
  }
}

/** Serves a function, in a thread that may block, and polls for so many ms before it sleeps. Never returns. */
export function serveByHand([calls, answers], work, pollMs = 0) {
  const reader = new Reader(calls);
  const writer = new Writer(answers);
  for (;;) {
    reader.take((id, args) => writer.send(id, work(...args)));
    if (pollMs > 0) reader.poll(pollMs);
    if (reader.sleeps()) Atomics.wait(reader.header, SLEEPS, 1);
  }
}

/** Returns what calls the function, in the thread that must not block. */
export function callByHand([calls, answers]) {
  const writer = new Writer(calls);
  const reader = new Reader(answers);
  const waiting = new Map();
  let last = 0;
  const receive = (id, value) => {
    waiting.get(id)(value);
    waiting.delete(id);
  };
  const turn = () => {
    reader.take(receive);
    if (!reader.sleeps()) return void Promise.resolve().then(turn);
    const wait = Atomics.waitAsync(reader.header, SLEEPS, 1);
    void Promise.resolve(wait.value).then(turn);
  };
  turn();
  return (...args) => new Promise((resolve) => {
    waiting.set(++last, resolve);
    writer.send(last, args);
  });
}

/** Two threads that do nothing but wake each other and sleep: the first of the two words is set for the far one, the other for the near one. */
export function wakeFar(words, times) {
  for (let n = 0; n < times; n++) {
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    Atomics.wait(words, 1, 0);
    Atomics.store(words, 1, 0);
  }
}

/** The far one. Never returns. */
export function wakeNear(words) {
  for (;;) {
    Atomics.wait(words, 0, 0);
    Atomics.store(words, 0, 0);
    Atomics.store(words, 1, 1);
    Atomics.notify(words, 1);
  }
}

/** Returns what calls the function and blocks, polling all the time, until it has the answer. */
export function callByHandSync([calls, answers]) {
  const writer = new Writer(calls);
  const reader = new Reader(answers);
  let last = 0;
  return (...args) => {
    let answer;
    writer.send(++last, args);
    reader.poll(Infinity);
    reader.take((_, value) => (answer = value));
    return answer;
  };
}
