// SPDX-License-Identifier: MIT
import { Ring } from './ring.js';
import { SOCKET_WORDS, socketAt, type Shared } from './shared.js';

/** Longer than any name of a socket, in bytes. */
export const NAME_BYTES = 112;
const NAME_WORDS = NAME_BYTES / 4;

// The words of a socket, besides those of its descriptor.
const DOMAIN = 0;
const STATE = 1;
const ERROR = 2;         // SO_ERROR
const OPTIONS = 3;       // bits, whose meaning libc knows (wasm/libc/sockopt.c), but for one
const ONLY_IPV6 = 1 << 9;
const BACKLOG = 4;       // how many connections may wait
const OWN = 5;           // its name: the length, and the bytes
const PEER = OWN + 1 + NAME_WORDS;
const KEY = PEER + 1 + NAME_WORDS; // what a name in a directory is known by: 4 words
const NUMBERS = KEY + 4;

/** The numbers that setsockopt() sets, in the order of wasm/libc/sockopt.c. Those of them that have an effect have a name. */
const NUMBER_COUNT = SOCKET_WORDS - NUMBERS;
const RECEIVE_MS = 0;
const SEND_MS = 1;

export const SocketState = {
  fresh: 0,
  /** The owner is about to listen for it. */
  binding: 1,
  bound: 2,
  listening: 3,
  /** The owner connects it. */
  connecting: 4,
  connected: 5,
  failed: 6,
  /** The owner looks up the name of a host, for which this socket was opened: see calls-socket.ts. */
  resolving: 7,
  resolved: 8,
} as const;
export type SocketState = (typeof SocketState)[keyof typeof SocketState];

/** The state of a socket, which the guest's threads and the owner share. */
export class Socket {
  private readonly at: number;

  constructor(private readonly shared: Shared, readonly index: number) {
    this.at = socketAt(index);
  }

  private get(word: number): number {
    return Atomics.load(this.shared.words, this.at + word);
  }

  private set(word: number, value: number): void {
    Atomics.store(this.shared.words, this.at + word, value);
  }

  /** Prepares the place of a socket that is about to be opened. */
  reset(domain: number, state: SocketState): void {
    this.shared.words.fill(0, this.at, this.at + SOCKET_WORDS);
    this.set(DOMAIN, domain);
    this.set(STATE, state);
  }

  get domain(): number {
    return this.get(DOMAIN);
  }

  get state(): number {
    return this.get(STATE);
  }

  set state(state: number) {
    this.set(STATE, state);
  }

  /** Changes the state if it is `from`. */
  enter(from: number, to: number): boolean {
    return Atomics.compareExchange(this.shared.words, this.at + STATE, from, to) === from;
  }

  /** The pending error, an errno, which is cleared. */
  takeError(): number {
    return Atomics.exchange(this.shared.words, this.at + ERROR, 0);
  }

  get error(): number {
    return this.get(ERROR);
  }

  set error(errno: number) {
    this.set(ERROR, errno);
  }

  /** Whether it is for IPv6 alone (IPV6_V6ONLY). */
  get isOnlyIpv6(): boolean {
    return (this.options & ONLY_IPV6) !== 0;
  }

  get options(): number {
    return this.get(OPTIONS);
  }

  set options(options: number) {
    this.set(OPTIONS, options);
  }

  /** The n-th of the numbers that setsockopt() sets; 0 until it is set. */
  number(n: number): number {
    return n >= 0 && n < NUMBER_COUNT ? this.get(NUMBERS + n) : 0;
  }

  setNumber(n: number, value: number): void {
    if (n >= 0 && n < NUMBER_COUNT) this.set(NUMBERS + n, value);
  }

  /** Until when a call that begins now waits, by performance.now(). */
  deadline(sends: boolean): number {
    const ms = this.number(sends ? SEND_MS : RECEIVE_MS);
    return ms > 0 ? performance.now() + ms : Infinity;
  }

  /** Takes over what was set of a listener. */
  inherit(listener: Socket): void {
    this.options = listener.options;
    for (let n = 0; n < NUMBER_COUNT; n++) this.setNumber(n, listener.number(n));
  }

  get backlog(): number {
    return this.get(BACKLOG);
  }

  set backlog(backlog: number) {
    this.set(BACKLOG, backlog);
  }

  private name(word: number): Uint8Array {
    const start = (this.at + word + 1) * 4;
    return this.shared.bytes.slice(start, start + this.get(word));
  }

  private setName(word: number, name: Uint8Array): void {
    this.shared.bytes.set(name.subarray(0, NAME_BYTES), (this.at + word + 1) * 4);
    this.set(word, Math.min(name.length, NAME_BYTES));
  }

  get own(): Uint8Array {
    return this.name(OWN);
  }

  set own(name: Uint8Array) {
    this.setName(OWN, name);
  }

  get peer(): Uint8Array {
    return this.name(PEER);
  }

  set peer(name: Uint8Array) {
    this.setName(PEER, name);
  }

  get key(): readonly number[] {
    return [0, 1, 2, 3].map((word) => this.get(KEY + word));
  }

  set key(words: readonly number[]) {
    words.forEach((word, i) => this.set(KEY + i, word));
  }
}

/** A connection in a listener's ring: the numbers of its two rings, and the lengths and bytes of its two names. */
const ENTRY_NAME = 28;
export const CONNECTION_BYTES = 8 + 2 * (4 + ENTRY_NAME);

export interface Connection {
  read: number;
  write: number;
  own: Uint8Array;
  peer: Uint8Array;
}

export function packConnection({ read, write, own, peer }: Connection): Uint8Array {
  const entry = new Uint8Array(CONNECTION_BYTES);
  const view = new DataView(entry.buffer);
  view.setInt32(0, read, true);
  view.setInt32(4, write, true);
  [own, peer].forEach((name, i) => {
    const at = 8 + i * (4 + ENTRY_NAME);
    view.setUint32(at, Math.min(name.length, ENTRY_NAME), true);
    entry.set(name.subarray(0, ENTRY_NAME), at + 4);
  });
  return entry;
}

export function unpackConnection(entry: Uint8Array): Connection {
  const view = new DataView(entry.buffer, entry.byteOffset);
  const name = (at: number): Uint8Array => entry.slice(at + 4, at + 4 + view.getUint32(at, true));
  return { read: view.getInt32(0, true), write: view.getInt32(4, true), own: name(8), peer: name(12 + ENTRY_NAME) };
}

/** Ends the connections that wait in a listener's ring and that nobody will accept. */
export function endWaiting(shared: Shared, ring: Ring): void {
  const entry = new Uint8Array(CONNECTION_BYTES);
  while (ring.read(entry) === CONNECTION_BYTES) {
    const { read, write } = unpackConnection(entry);
    if (read >= 0) new Ring(shared, read).closeReader();
    if (write >= 0) new Ring(shared, write).closeWriter();
  }
}
