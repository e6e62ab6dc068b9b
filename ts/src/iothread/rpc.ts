// SPDX-License-Identifier: MIT
import * as Comlink from 'comlink';
import { isFunction } from '../check.js';
import { AioError } from '../errors.js';
import { expose, connect, ControlEndpoint, type Answer, type Calls } from './control.js';
import type { Handle } from '../api/handle.js';
import { onlyOne } from './place.js';
import { pack, unpack, type AnyFunction, type Correspondent, type Packet } from './packet.js';

/** What a side does with its part of the connection. */
export interface Side {
  /** The name of the IOThread. */
  readonly name: string;
  /** Posts a request, or an answer to one of the other side's. */
  request(data: unknown, transfer?: Transferable[]): void;
  answer(data: unknown, transfer?: Transferable[]): void;
  /** Before a call to the other side: throws if there is none any more. */
  assertOpen(): void;
  /** Rejects when the other side has gone. */
  guard<T>(promise: Promise<T>): Promise<T>;
  fromHandle(handle: Handle): unknown;
}

interface Held {
  readonly id: number;
  readonly work: AnyFunction;
  readonly self: unknown;
}

/** All connections of this thread. */
const connections = onlyOne('connections', () => new Set<Rpc<Calls>>());

/**
 * Ends the use of a function across threads: one that was passed to another thread, or one that
 * came from there. Until then both sides hold it, as long as the IOThread lives. Calls from now
 * on are rejected.
 */
export function release(work: AnyFunction): void {
  isFunction('work', work);
  for (const connection of connections) connection.forget(work);
}

/**
 * Calls between the owner and an IOThread, both ways. Functions that are sent are held by
 * number on both sides: no garbage collector ends what a call still needs.
 */
export class Rpc<T extends Calls> implements Correspondent, Calls {
  private lastId = 0;
  private readonly held = new Map<number, Held>();
  private readonly sent = new Map<AnyFunction, Held>();
  private readonly stubs = new Map<number, AnyFunction>();
  private readonly numbers = new WeakMap<AnyFunction, number>();
  /** What the other side asks, and what we ask. */
  private readonly asked: ControlEndpoint;
  private readonly asking: ControlEndpoint;
  /** The other side; comlink's, so a call is a promise. */
  readonly remote: Comlink.Remote<T>;

  /** api: what it offers by name. */
  constructor(private readonly side: Side, api: object = {}) {
    const cannotSend = (error: unknown): Answer => this.thrown(error);
    this.asked = new ControlEndpoint((data, list) => side.answer(data, list), cannotSend);
    this.asking = new ControlEndpoint((data, list) => side.request(data, list), cannotSend);
    const own: Calls = { invoke: (id, packet) => this.invoke(id, packet), release: (id) => this.release(id) };
    expose({ ...api, ...own }, this.asked);
    this.remote = connect<T>(this.asking);
    connections.add(this);
  }

  /** A request of the other side's. */
  receiveRequest(data: unknown): void {
    this.asked.receive(data);
  }

  receiveAnswer(data: unknown): void {
    this.asking.receive(data);
  }

  /** Calls from now on have nobody to answer them. */
  close(): void {
    connections.delete(this);
    this.asked.close();
    this.asking.close();
    this.held.clear();
    this.sent.clear();
    this.stubs.clear();
  }

  // ---- What the other side asks ----

  async invoke(id: number, packet: Packet): Promise<Answer> {
    return this.answer(() => {
      const { work, self } = this.find(id);
      return work.apply(self, unpack(packet, this) as unknown[]);
    });
  }

  release(id: number): void {
    const held = this.held.get(id);
    this.held.delete(id);
    if (held && this.sent.get(held.work) === held) this.sent.delete(held.work);
  }

  /** Work's value or error, to be sent. */
  async answer(work: () => unknown): Promise<Answer> {
    try {
      const packed = pack(await work(), this);
      return Comlink.transfer({ value: packed.packet }, packed.transfer);
    } catch (error) {
      return this.thrown(error);
    }
  }

  private thrown(error: unknown): Answer {
    return { thrown: pack(error, this).packet };
  }

  private find(id: number): Held {
    const held = this.held.get(id);
    if (!held) throw this.released();
    return held;
  }

  private released(): AioError {
    return new AioError('ERR_AIO_CLOSED', `a function that was released is not called any more (IOThread '${this.side.name}')`);
  }

  /** Either side's function; see release(). */
  forget(work: AnyFunction): void {
    const sent = this.sent.get(work);
    if (sent) this.release(sent.id);
    const id = this.numbers.get(work);
    if (id === undefined) return;
    this.numbers.delete(work);
    this.stubs.delete(id);
    (this.remote.release as Calls['release'] as (id: number) => Promise<void>)(id).catch(() => {});
  }

  // ---- What we ask ----

  /** The answer's value, or its error thrown. */
  async settle(answered: Promise<Answer>): Promise<unknown> {
    const answer = await this.side.guard(answered);
    if ('thrown' in answer) throw unpack(answer.thrown, this);
    return unpack(answer.value, this);
  }

  private call(id: number, args: unknown[]): Promise<unknown> {
    this.side.assertOpen();
    const packed = pack(args, this);
    return this.settle(this.remote.invoke(id, Comlink.transfer(packed.packet, packed.transfer)) as Promise<Answer>);
  }

  // ---- Correspondent ----

  hold(work: AnyFunction, self: unknown): number {
    const before = this.sent.get(work);
    if (before && before.self === self) return before.id;
    const held = { id: ++this.lastId, work, self };
    this.held.set(held.id, held);
    this.sent.set(work, held);
    return held.id;
  }

  numberOf(work: AnyFunction): number | undefined {
    return this.numbers.get(work);
  }

  stub(id: number): AnyFunction {
    const before = this.stubs.get(id);
    if (before) return before;
    const stub = async (...args: unknown[]): Promise<unknown> => {
      if (!this.numbers.has(stub)) throw this.released();
      return this.call(id, args);
    };
    this.stubs.set(id, stub);
    this.numbers.set(stub, id);
    return stub;
  }

  own(id: number): AnyFunction {
    const { work, self } = this.find(id);
    return self === undefined ? work : (...args) => work.apply(self, args);
  }

  fromHandle(handle: Handle): unknown {
    return this.side.fromHandle(handle);
  }
}
