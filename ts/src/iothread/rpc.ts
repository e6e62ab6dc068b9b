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

/** The messages that both sides of a connection post. Each side has its own names for calls and answers. */
export type RpcMessage = { type: 'control' | 'reply' | 'callback'; data: unknown } | Release;

/** What a side of a connection provides. */
export interface Side {
  /** The name of the IOThread. */
  readonly name: string;
  /** The types of its messages: its requests, and its answers to the other side's. */
  readonly requests: 'control' | 'callback';
  readonly answers: 'control' | 'reply';
  post(message: RpcMessage | Instead<RpcMessage>, transfer?: Transferable[]): void;
  /** A request of the other side has been answered. */
  answered?(): void;
  /** Called before a call to the other side. Throws if that does not exist any more. */
  assertOpen(): void;
  /** Settles as the promise does, or rejects when the other side has ended. */
  guard<T>(promise: Promise<T>): Promise<T>;
  fromHandle(handle: Handle): unknown;
}

/** The error of a call whose receiver could not read the message. */
export function unreadable(what: string): DOMException {
  return new DOMException(`${what} cannot be read by the thread that gets it: nested too deeply, perhaps, or too large for its memory`, 'DataCloneError');
}

/** Calls between the owner and an IOThread, in both directions. */
export class Rpc<T extends Calls> implements Calls {
  /** The functions of either side that were sent to the other. */
  readonly functions: Functions;
  private closed = false;
  /** The endpoints for requests of the other side (asked) and of this side (asking). */
  private readonly asked: ControlEndpoint;
  private readonly asking: ControlEndpoint;
  private readonly api: object;
  /** The other side, as comlink's proxy: a call returns a promise. */
  readonly remote: Comlink.Remote<T>;
  /** The proxy's invoke(), kept because comlink would create a new object for each access. */
  private readonly invokeThere: Calls['invoke'];

  /** api: the functions that this side offers by their names. */
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
      released: () => new AioError('ERR_AIO_CLOSED', `the function was released and can no longer be called (IOThread '${side.name}')`),
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

  /** Receives a request of the other side. */
  receiveRequest(data: unknown): void {
    if (isCall(data, this.api)) return this.asked.receive(data);
    const refusal = new AioError('ERR_AIO_INVALID_ARG', `IOThread '${this.side.name}' received a message that is not a call`);
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
      // The other side is ending, and releases everything that it holds.
    }
  }

  /** Ends the connection. Later calls get no answer. */
  close(): void {
    this.closed = true;
    connections.delete(this);
    this.asked.close();
    this.asking.close();
    this.functions.close();
  }

  // ---- Requests of the other side

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

  /** Packs the result of work(), or its error, to be sent as the answer. */
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
      // Not even the error can be sent, so the reason for that is sent.
      return { thrown: pack(why, this.functions, 'error').packet };
    }
  }

  // ---- Requests of this side

  /** Returns the answer's value, or throws its error. */
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
