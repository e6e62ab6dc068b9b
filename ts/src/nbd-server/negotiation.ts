// SPDX-License-Identifier: MIT
import * as nbd from './protocol.js';
import { Fault } from './protocol.js';
import { lengthAndText, numbers, optionReply } from './replies.js';

/** What a server offers. */
export interface Export {
  /** Clients may name it by this name or by the empty one, which stands for the default export. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly isReadOnly: boolean;
}

/** The replies to an option, and what comes after them. */
export interface Answer {
  replies: Buffer[];
  then?: 'transmission' | 'end' | 'tls';
}

/** The most options of a connection; clients send about ten. */
const MAX_OPTIONS = 256;
const NO_ZEROES = 124;
const MIN_BLOCK = 1;
const PREFERRED_BLOCK = 4096;

/** Reads the data of an option; each function returns undefined if it has fewer bytes. */
class OptionData {
  #at = 0;

  constructor(private readonly data: Buffer) {}

  get isAtEnd(): boolean {
    return this.#at === this.data.length;
  }

  #number(bytes: 2 | 4): number | undefined {
    if (this.#at + bytes > this.data.length) return undefined;
    this.#at += bytes;
    return this.data.readUIntBE(this.#at - bytes, bytes);
  }

  text(): string | undefined {
    const length = this.#number(4);
    if (length === undefined || this.#at + length > this.data.length) return undefined;
    this.#at += length;
    return this.data.toString('utf8', this.#at - length, this.#at);
  }

  /** A list after the number of its entries. */
  list<T>(bytes: 2 | 4, entry: () => T | undefined): T[] | undefined {
    const entries: T[] = [];
    for (let left = this.#number(bytes) ?? -1; left !== 0; left--) {
      const one = left < 0 ? undefined : entry();
      if (one === undefined) return undefined;
      entries.push(one);
    }
    return entries;
  }

  readonly number16 = (): number | undefined => this.#number(2);
  readonly query = (): string | undefined => this.text();
}

/** The options of one connection, and what was agreed on. tls: 'none', or whether it has yet to begin. */
export class Negotiation {
  #count = 0;
  #isFixed = false;
  #noZeroes = false;
  #isStructured = false;
  #hasAllocation = false;

  constructor(private readonly exported: Export, private readonly tls: 'none' | 'needed' | 'begun') {}

  /** Whether reads are answered by structured replies. */
  get isStructured(): boolean {
    return this.#isStructured;
  }

  /** Whether the client may ask for the block status. */
  get hasAllocation(): boolean {
    return this.#hasAllocation;
  }

  /** After TLS has begun, everything is negotiated anew, but the client has sent its flags. */
  afterTls(): Negotiation {
    const next = new Negotiation(this.exported, 'begun');
    next.#isFixed = this.#isFixed;
    next.#noZeroes = this.#noZeroes;
    next.#count = this.#count;
    return next;
  }

  /** @throws Fault */
  clientFlags(flags: number): void {
    if ((flags & ~(nbd.FLAG_FIXED_NEWSTYLE | nbd.FLAG_NO_ZEROES)) !== 0) throw new Fault(`unknown client flags 0x${flags.toString(16)}`);
    this.#isFixed = (flags & nbd.FLAG_FIXED_NEWSTYLE) !== 0;
    this.#noZeroes = (flags & nbd.FLAG_NO_ZEROES) !== 0;
  }

  /** @throws Fault */
  answer(option: number, data: Buffer): Answer {
    if (++this.#count > MAX_OPTIONS) throw new Fault(`more than ${MAX_OPTIONS} options`);
    const ack = optionReply(option, nbd.REP_ACK);
    const refuse = (type: number, why: string): Answer => ({ replies: [optionReply(option, type, Buffer.from(why))] });
    if (option === nbd.OPT_EXPORT_NAME) return this.#exportName(data.toString('utf8'));
    if (!this.#isFixed) throw new Fault(`option ${option} of a client that does not know the fixed newstyle negotiation`);
    if (option === nbd.OPT_ABORT) return { replies: [ack], then: 'end' };
    if (option === nbd.OPT_STARTTLS && this.tls !== 'none') {
      if (this.tls === 'begun' || data.length > 0) return refuse(nbd.REP_ERR_INVALID, this.tls === 'begun' ? 'TLS has begun' : 'this option has no data');
      return { replies: [ack], then: 'tls' };
    }
    if (this.tls === 'needed') return refuse(nbd.REP_ERR_TLS_REQD, 'this server needs TLS');
    switch (option) {
      case nbd.OPT_LIST:
        if (data.length > 0) return refuse(nbd.REP_ERR_INVALID, 'this option has no data');
        return { replies: [optionReply(option, nbd.REP_SERVER, lengthAndText(this.exported.name)), ack] };
      case nbd.OPT_STRUCTURED_REPLY:
        if (data.length > 0) return refuse(nbd.REP_ERR_INVALID, 'this option has no data');
        this.#isStructured = true;
        return { replies: [ack] };
      case nbd.OPT_INFO: case nbd.OPT_GO: {
        const fields = new OptionData(data);
        const name = fields.text();
        const wanted = fields.list(2, fields.number16);
        if (name === undefined || !wanted || !fields.isAtEnd) return refuse(nbd.REP_ERR_INVALID, 'the lengths are wrong');
        if (!this.#hasExport(name)) return refuse(nbd.REP_ERR_UNKNOWN, `there is no export of that name: it is '${this.exported.name}'`);
        const replies = [...this.#infos(wanted)].map((info) => optionReply(option, nbd.REP_INFO, info));
        return { replies: [...replies, ack], ...(option === nbd.OPT_GO && { then: 'transmission' }) };
      }
      case nbd.OPT_LIST_META_CONTEXT: case nbd.OPT_SET_META_CONTEXT: {
        const isSet = option === nbd.OPT_SET_META_CONTEXT;
        if (isSet) this.#hasAllocation = false;
        if (!this.#isStructured) return refuse(nbd.REP_ERR_INVALID, 'structured replies have to be negotiated first');
        const fields = new OptionData(data);
        const name = fields.text();
        const queries = fields.list(4, fields.query);
        if (name === undefined || !queries || !fields.isAtEnd) return refuse(nbd.REP_ERR_INVALID, 'the lengths are wrong');
        if (!this.#hasExport(name)) return refuse(nbd.REP_ERR_UNKNOWN, `there is no export of that name: it is '${this.exported.name}'`);
        const isWanted = queries.includes(nbd.BASE_ALLOCATION) || (!isSet && (queries.length === 0 || queries.includes('base:')));
        if (isSet) this.#hasAllocation = isWanted;
        const context = Buffer.concat([numbers([4, isSet ? nbd.BASE_ALLOCATION_ID : 0]), Buffer.from(nbd.BASE_ALLOCATION)]);
        return { replies: [...(isWanted ? [optionReply(option, nbd.REP_META_CONTEXT, context)] : []), ack] };
      }
      default:
        return refuse(nbd.REP_ERR_UNSUP, 'this server does not know the option');
    }
  }

  #hasExport(name: string): boolean {
    return name === '' || name === this.exported.name;
  }

  #exportName(name: string): Answer {
    if (this.tls === 'needed') throw new Fault('NBD_OPT_EXPORT_NAME without TLS');
    if (!this.#hasExport(name)) throw new Fault(`there is no export '${name.slice(0, 64)}'`);
    const zeroes = Buffer.alloc(this.#noZeroes ? 0 : NO_ZEROES);
    return { replies: [Buffer.concat([numbers([8, this.exported.size], [2, this.#flags]), zeroes])], then: 'transmission' };
  }

  *#infos(wanted: number[]): Generator<Buffer> {
    yield numbers([2, nbd.INFO_EXPORT], [8, this.exported.size], [2, this.#flags]);
    if (wanted.includes(nbd.INFO_NAME)) yield Buffer.concat([numbers([2, nbd.INFO_NAME]), Buffer.from(this.exported.name)]);
    if (wanted.includes(nbd.INFO_BLOCK_SIZE)) yield numbers([2, nbd.INFO_BLOCK_SIZE], [4, MIN_BLOCK], [4, PREFERRED_BLOCK], [4, nbd.MAX_PAYLOAD]);
  }

  /**
   * All connections share the file, so each sees at once what another one has written and flushed. No request discards data,
   * so NBD_CMD_TRIM is not offered; and zeroes are written as data, so no request for fast zeroes succeeds.
   */
  get #flags(): number {
    const writes = nbd.FLAG_SEND_FUA | nbd.FLAG_SEND_WRITE_ZEROES | nbd.FLAG_SEND_FAST_ZERO;
    return nbd.FLAG_HAS_FLAGS | nbd.FLAG_SEND_FLUSH | nbd.FLAG_CAN_MULTI_CONN | nbd.FLAG_SEND_CACHE
      | (this.exported.isReadOnly ? nbd.FLAG_READ_ONLY : writes) | (this.#isStructured ? nbd.FLAG_SEND_DF : 0);
  }
}
