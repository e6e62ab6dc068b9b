// SPDX-License-Identifier: MIT
import { CMD_WRITE, Fault, MAX_OPTION, MAX_PAYLOAD, OPTION_MAGIC, REQUEST_MAGIC, type Request } from './protocol.js';

/** What a client sends. The data of a write follows its request, to the memory that receive() names. */
export type Message =
  | { kind: 'flags'; flags: number }
  | { kind: 'option'; option: number; data: Buffer }
  | { kind: 'request'; request: Request }
  | { kind: 'data' };

const FLAGS_LENGTH = 4;
const OPTION_LENGTH = 16;
const REQUEST_LENGTH = 28;

/** Divides the bytes of a client into messages. It keeps no more than one incomplete message and what was pushed behind it. */
export class Incoming {
  #chunks: Buffer[] = [];
  #length = 0;
  #state: 'flags' | 'options' | 'requests' = 'flags';
  /** An option whose data has not arrived yet. */
  #option: { option: number; length: number } | undefined;
  /** Where the data of a write goes; undefined: it is dropped. */
  #into: Buffer | undefined;
  /** The bytes of the data that have arrived, and those that follow. */
  #filled = 0;
  #expected = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Whether a message has begun and is not complete. */
  get isWithinMessage(): boolean {
    return this.#length > 0 || this.#expected > 0 || this.#option !== undefined;
  }

  /** After the options come requests. */
  beginTransmission(): void {
    this.#state = 'requests';
  }

  /** Where the data of the write goes whose request was the last message. undefined: it is dropped. */
  receive(into: Buffer | undefined): void {
    this.#into = into;
    this.#filled = 0;
  }

  /** The next message; undefined if it is not complete. @throws Fault */
  next(): Message | undefined {
    if (this.#state === 'requests') return this.#expected > 0 ? this.#nextData() : this.#nextRequest();
    if (this.#state === 'options') return this.#nextOption();
    const flags = this.#take(FLAGS_LENGTH)?.readUInt32BE(0);
    if (flags === undefined) return undefined;
    this.#state = 'options';
    return { kind: 'flags', flags };
  }

  #nextOption(): Message | undefined {
    if (!this.#option) {
      const head = this.#take(OPTION_LENGTH);
      if (!head) return undefined;
      const magic = head.readBigUInt64BE(0);
      if (magic !== OPTION_MAGIC) throw new Fault(`an option has the wrong magic 0x${magic.toString(16)}`);
      const option = head.readUInt32BE(8);
      const length = head.readUInt32BE(12);
      if (length > MAX_OPTION) throw new Fault(`option ${option} has ${length} bytes, more than ${MAX_OPTION}`);
      this.#option = { option, length };
    }
    const data = this.#take(this.#option.length);
    if (!data) return undefined;
    const { option } = this.#option;
    this.#option = undefined;
    return { kind: 'option', option, data };
  }

  #nextRequest(): Message | undefined {
    const head = this.#take(REQUEST_LENGTH);
    if (!head) return undefined;
    const magic = head.readUInt32BE(0);
    if (magic !== REQUEST_MAGIC) throw new Fault(`a request has the wrong magic 0x${magic.toString(16)}`);
    const request: Request = {
      flags: head.readUInt16BE(4), type: head.readUInt16BE(6),
      cookieHigh: head.readUInt32BE(8), cookieLow: head.readUInt32BE(12),
      // An offset that a number cannot hold exactly is far beyond the end of every file.
      offset: head.readUInt32BE(16) * 2 ** 32 + head.readUInt32BE(20), length: head.readUInt32BE(24),
    };
    if (request.type === CMD_WRITE) {
      if (request.length > MAX_PAYLOAD) throw new Fault(`a write has ${request.length} bytes, more than ${MAX_PAYLOAD}`);
      this.#expected = request.length;
    }
    return { kind: 'request', request };
  }

  #nextData(): Message | undefined {
    while (this.#expected > 0 && this.#length > 0) {
      const part = this.#shift(Math.min(this.#expected, this.#chunks[0]?.length ?? 0));
      this.#into?.set(part, this.#filled);
      this.#filled += part.length;
      this.#expected -= part.length;
    }
    return this.#expected > 0 ? undefined : { kind: 'data' };
  }

  /** Takes so many bytes; undefined if fewer have arrived. */
  #take(length: number): Buffer | undefined {
    if (this.#length < length) return undefined;
    if ((this.#chunks[0]?.length ?? 0) >= length) return this.#shift(length);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return this.#shift(length);
  }

  /** Takes bytes of the first chunk, which has so many. */
  #shift(length: number): Buffer {
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    const taken = first.subarray(0, length);
    if (length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    this.#length -= length;
    return taken;
  }
}
