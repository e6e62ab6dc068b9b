// SPDX-License-Identifier: MIT
import type * as Comlink from 'comlink';
import { AioError, closedError } from '../errors.js';
import { expose, connect, ControlEndpoint, isCall, withDetails, type Answer, type Calls, type Way } from './control.js';
import type { Handle } from '../wire/handle.js';
import { pack } from '../wire/packet.js';
import { postDoubtful } from '../wire/post-doubtful.js';
import { connections } from '../wire/release.js';
import type { Instead } from '../wire/substitute.js';
import { unpack, type Packet } from '../wire/unpack.js';
import { Functions, type Release } from './functions.js';

/** What both sides of a connection post, by whichever names each has for calls and answers. */
export type RpcMessage = { type: 'control' | 'reply' | 'callback'; data: unknown } | Release;

/** What a side does with its part of the connection. */
export interface Side {
  /** The name of the IOThread. */
  readonly name: string;
  /** What its messages are called: requests, and answers to the other side's. */
  readonly requests: 'control' | 'callback';
  readonly answers: 'control' | 'reply';
  post(message: RpcMessage | Instead<RpcMessage>, transfer?: Transferable[]): void;
  /** A request of the other side's has been answered. */
  answered?(): void;
  /** Before a call to the other side: throws if there is none any more. */
  assertOpen(): void;
  /** Rejects when the other side has gone. */
  guard<T>(promise: Promise<T>): Promise<T>;
  fromHandle(handle: Handle): unknown;
}

/** The error of a call whose receiver could not read what was sent. */
export function unreadable(what: string): DOMException {
  return new DOMException(`${what} cannot be read by the thread that gets it: nested too deeply, perhaps, or too large for its memory`, 'DataCloneError');
}

/** Calls between the owner and an IOThread, both ways. */
export class Rpc<T extends Calls> implements Calls {
  /** Those of either side that have been sent to the other. */
  readonly functions: Functions;
  private closed = false;
  /** What the other side asks, and what we ask. */
  private readonly asked: ControlEndpoint;
  private readonly asking: ControlEndpoint;
  private readonly api: object;
  /** The other side; comlink's, so a call is a promise. */
  readonly remote: Comlink.Remote<T>;
  /** Its invoke(), for which comlink would make a new object each time. */
  private readonly invokeThere: Calls['invoke'];

  /** api: what it offers by name. */
  constructor(private readonly side: Side, api: object = {}) {
    const way = (type: Side['requests'] | Side['answers'], sent?: () => void): Way => ({
      send: (data, transfer, instead) => {
        postDoubtful((message, list) => side.post(message, list), { type, data }, instead === undefined ? undefined : { type, data: instead }, transfer);
        sent?.();
      },
      cannotSend: (error, functions) => {
        this.functions.unsent(functions);
        return this.thrown(error);
      },
    });
    this.functions = new Functions({
      tell: (message) => this.tell(message),
      call: (id, args) => this.call(id, args),
      released: () => new AioError('ERR_AIO_CLOSED', `a function that was released is not called any more (IOThread '${side.name}')`),
      fromHandle: (handle) => side.fromHandle(handle),
    });
    this.asked = new ControlEndpoint(way(side.answers, () => side.answered?.()));
    this.asking = new ControlEndpoint(way(side.requests));
    const own: Calls = { invoke: (id, packet) => this.invoke(id, packet), unread: (sent) => this.unread(sent) };
    expose((this.api = { ...api, ...own }), this.asked);
    this.remote = connect<T>(this.asking);
    this.invokeThere = this.remote.invoke as unknown as Calls['invoke'];
    connections.add(this);
  }

  /** A request of the other side's. */
  receiveRequest(data: unknown): void {
    if (isCall(data, this.api)) return this.asked.receive(data);
    const refusal = new AioError('ERR_AIO_INVALID_ARG', `IOThread '${this.side.name}': a message that is no call`);
    this.asked.postMessage({ id: String((data as { id?: unknown } | null)?.id), type: 'RAW', value: this.thrown(refusal) });
  }

  receiveAnswer(data: unknown): void {
    this.asking.receive(data);
  }

  private tell(message: Release): void {
    try {
      this.side.assertOpen();
      this.side.post(message);
    } catch {
      // The other side is ending, and all that it holds with it.
    }
  }

  /** Calls from now on have nobody to answer them. */
  close(): void {
    this.closed = true;
    connections.delete(this);
    this.asked.close();
    this.asking.close();
    this.functions.close();
  }

  // ---- What the other side asks ----

  async invoke(id: number, packet: Packet): Promise<Answer> {
    return this.answer(() => {
      const args = unpack(packet, this.functions) as unknown[];
      const { work, self } = this.functions.find(id);
      return work.apply(self, args);
    });
  }

  async unread(sent: number[]): Promise<Answer> {
    this.functions.notReceived(sent);
    return this.thrown(unreadable('the arguments of this call'));
  }

  /** Work's value or error, to be sent. */
  async answer(work: () => unknown): Promise<Answer> {
    try {
      const packed = pack(await work(), this.functions, 'result');
      return withDetails({ value: packed.packet }, packed);
    } catch (error) {
      return this.thrown(error);
    }
  }

  private thrown(error: unknown): Answer {
    try {
      const packed = pack(error, this.functions, 'error');
      return withDetails({ thrown: packed.packet }, packed);
    } catch (why) {
      // Not even that can be sent.
      return { thrown: pack(why, this.functions, 'error').packet };
    }
  }

  // ---- What we ask ----

  /** The answer's value, or its error thrown. */
  async settle(answered: Promise<Answer>): Promise<unknown> {
    const answer = await this.side.guard(answered);
    if ('value' in answer) return unpack(answer.value, this.functions);
    if ('thrown' in answer) throw unpack(answer.thrown, this.functions);
    this.functions.notReceived(answer.unread);
    throw unreadable('the result of this call');
  }

  private call(id: number, args: unknown[]): Promise<unknown> {
    this.side.assertOpen();
    if (this.closed) throw closedError(`IOThread '${this.side.name}'`);
    const packed = pack(args, this.functions, 'arguments');
    return this.settle(this.invokeThere(id, withDetails(packed.packet, packed)));
  }
}
