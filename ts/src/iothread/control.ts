// SPDX-License-Identifier: MIT
/** The control plane of an IOThread: comlink over the worker's own channel. */
import * as Comlink from 'comlink';
import type { Argument } from '../runtime/functions.js';
import type { Packed } from '../wire/packet.js';
import { explain } from '../wire/scan.js';
import type { Packet } from '../wire/unpack.js';

/** What became of a call. unread: it was not read, with functions of these numbers in it. */
export type Answer = { value: Packet } | { thrown: Packet } | { unread: number[] };

/** What the two sides offer each other. */
export interface Calls {
  /** Calls the function that has this number there; packet: its arguments. */
  invoke(id: number, packet: Packet): Promise<Answer>;
  /** A call that its receiver could not read, with functions of these numbers in it. */
  unread(sent: number[]): Promise<Answer>;
}

/** What every IOThread's worker offers beyond that. */
export interface ControlApi extends Calls {
  /** The monotonic clock of that thread, in ns. */
  clock(): number;
  /** Calls an exported C function there. */
  call(name: string, args: Argument[]): Promise<Answer>;
}

type Listener = (event: { data: unknown }) => void;

/** comlink's messages, as far as they are looked at here. */
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

/** What an endpoint's messages go through. */
export interface Way {
  /** instead: what the receiver takes if it cannot read the data. */
  send(data: unknown, transfer?: Transferable[], instead?: unknown): void;
  /** What a message is answered with that cannot be cloned; functions: the numbers of those in it. */
  cannotSend(error: unknown, functions: number[]): Answer;
}

/** By what comlink is given to send: more than is in it. */
const details = new WeakMap<object, Packed>();

/** Prepares a packet, or the answer that it is in, to be given to comlink. */
export function withDetails<T extends object>(value: T, packed: Packed): T {
  if (packed.doubtful || packed.sent.length > 0) details.set(value, packed);
  return packed.transfer.length > 0 ? Comlink.transfer(value, packed.transfer) : value;
}

/** A comlink endpoint whose messages are passed on by the caller. */
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
      // comlink would forget why, and keep what waits for the answer.
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
    // comlink reads `origin` of window messages only.
    for (const listener of this.listeners) listener({ data, origin: '' } as { data: unknown });
  }

  /**
   * comlink's last words, when it is collected, have nobody to hear them. Its registry holds
   * this endpoint until then, so that it must hold nothing that holds comlink's proxy.
   */
  close(): void {
    this.way = undefined;
    this.listeners.clear();
  }
}

export function expose(api: object, endpoint: ControlEndpoint): void {
  Comlink.expose(api, endpoint);
}

/** Whether it calls one of the object's own functions with plain arguments. comlink would also follow any path through
 * the prototypes, and assign to what it finds there. */
export function isCall(data: unknown, api: object): boolean {
  const { type, path, argumentList } = (data ?? {}) as Partial<Record<keyof Request, unknown>>;
  return type === 'APPLY' && Array.isArray(path) && path.length === 1 && Object.hasOwn(api, String(path[0])) &&
    Array.isArray(argumentList) && argumentList.every((argument: unknown) => (argument as Request['argumentList'][0] | null)?.type === 'RAW');
}

/** To be held as long as the endpoint is open: comlink ends what nobody holds. */
export function connect<T extends Calls>(endpoint: ControlEndpoint): Comlink.Remote<T> {
  return Comlink.wrap<T>(endpoint);
}
