// SPDX-License-Identifier: MIT
/** The control plane of an IOThread: comlink over the worker's message channel. */
import * as Comlink from 'comlink';
import type { Argument } from '../runtime/functions.js';
import type { Packed } from '../wire/packet.js';
import { explain } from '../wire/scan.js';
import type { Packet } from '../wire/unpack.js';

/**
 * The result of a call. unread: its receiver could not read the message, which had functions with these numbers in
 * it.
 */
export type Answer = { value: Packet } | { thrown: Packet } | { unread: number[] };

/** The functions that each side of a connection offers to the other. */
export interface Calls {
  /** Calls the other side's function with this number. packet: its arguments. */
  invoke(id: number, packet: Packet): Promise<Answer>;
  /**
   * Called in place of a call that its receiver could not read. sent: the numbers of the functions in its arguments.
   */
  unread(sent: number[]): Promise<Answer>;
}

/** The further functions that the worker of each IOThread offers. */
export interface ControlApi extends Calls {
  /** The monotonic clock as that thread reads it, in ns. */
  clock(): number;
  /** Calls an exported C function in that thread. */
  call(name: string, args: Argument[]): Promise<Answer>;
}

type Listener = (event: { data: unknown }) => void;

/** comlink's messages, with the members that this file uses. */
interface Request {
  id: string;
  type: 'APPLY';
  path: string[];
  argumentList: { type: 'RAW'; value: unknown }[];
}
interface Response {
  id: string;
  type: 'RAW';
  value: Answer | undefined;
}

/** How an endpoint's messages are sent. */
export interface Way {
  /** Sends data. instead: what the receiver takes if it cannot read the data. */
  send(data: unknown, transfer?: Transferable[], instead?: unknown): void;
  /** The answer to a message that cannot be cloned. functions: the numbers of the functions in it. */
  cannotSend(error: unknown, functions: number[]): Answer;
}

/** What belongs to a packet that comlink is given to send, by that packet or by the answer that contains it. */
const details = new WeakMap<object, Packed>();

/** Prepares a packet, or the answer that contains it, to be given to comlink. */
export function withDetails<T extends object>(value: T, packed: Packed): T {
  if (packed.doubtful || packed.sent.length > 0) details.set(value, packed);
  return packed.transfer.length > 0 ? Comlink.transfer(value, packed.transfer) : value;
}

/** A comlink endpoint whose messages the caller passes on. */
export class ControlEndpoint {
  private readonly listeners = new Set<Listener>();

  constructor(private way: Way | undefined) {}

  postMessage(data: Request | Response, transfer?: Transferable[]): void {
    const { way } = this;
    const { id } = data;
    const isRequest = data.type === 'APPLY';
    const value = isRequest ? data.argumentList[1]?.value : data.value;
    const { doubtful = false, sent = [] } = details.get(value as object) ?? {};
    const answer = (value: Answer | undefined): Response => ({ id, type: 'RAW', value });
    try {
      const instead = (): unknown => (isRequest ? { ...data, path: ['unread'], argumentList: [{ type: 'RAW', value: sent }] } : answer({ unread: sent }));
      way?.send(data, transfer, doubtful ? instead() : undefined);
    } catch (error) {
      // comlink would lose the reason, and would keep waiting for the answer.
      const [name, packet] = isRequest ? ['arguments', value as Packet] : Object.entries(data.value ?? {})[0] ?? [];
      const refused = answer(way?.cannotSend(explain(error, packet?.value, name === 'value' ? 'result' : String(name)), sent));
      if (isRequest) queueMicrotask(() => this.receive(refused));
      else way?.send(refused);
    }
  }

  addEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners.add(listener as unknown as Listener);
  }

  removeEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners.delete(listener as unknown as Listener);
  }

  receive(data: unknown): void {
    // comlink reads `origin` only of messages from windows.
    for (const listener of this.listeners) listener({ data, origin: '' } as { data: unknown });
  }

  /**
   * Disconnects the endpoint. The message that comlink sends when its proxy is garbage-collected is then dropped. Until that
   * happens comlink's FinalizationRegistry keeps this endpoint alive, so it must not refer to anything that keeps the proxy
   * alive.
   */
  close(): void {
    this.way = undefined;
    this.listeners.clear();
  }
}

export function expose(api: object, endpoint: ControlEndpoint): void {
  Comlink.expose(api, endpoint);
}

/**
 * Whether a message calls one of the object's own functions with plain arguments. comlink itself would follow any
 * path, also through prototypes, and assign to what it finds there.
 */
export function isCall(data: unknown, api: object): boolean {
  const { type, path, argumentList } = (data ?? {}) as Partial<Record<keyof Request, unknown>>;
  return type === 'APPLY' && Array.isArray(path) && path.length === 1 && Object.hasOwn(api, String(path[0])) &&
    Array.isArray(argumentList) && argumentList.every((argument: unknown) => (argument as Request['argumentList'][0] | null)?.type === 'RAW');
}

/**
 * Returns comlink's proxy of the other side. Keep it as long as the endpoint is open: comlink closes a connection
 * whose proxy was garbage-collected.
 */
export function connect<T extends Calls>(endpoint: ControlEndpoint): Comlink.Remote<T> {
  return Comlink.wrap<T>(endpoint);
}
