// SPDX-License-Identifier: MIT
/** The control plane of an IOThread: comlink over the worker's own channel. */
import * as Comlink from 'comlink';
import type { Argument } from '../runtime/functions.js';
import type { Packet } from './packet.js';

/** What became of a call. */
export type Answer = { value: Packet } | { thrown: Packet };

/** What the two sides offer each other. */
export interface Calls {
  /** Calls the function that has this number there; packet: its arguments. */
  invoke(id: number, packet: Packet): Promise<Answer>;
  /** It will not be called any more. */
  release(id: number): void;
}

/** What every IOThread's worker offers beyond that. */
export interface ControlApi extends Calls {
  /** The monotonic clock of that thread, in ns. */
  clock(): number;
  /** Calls an exported C function there. */
  call(name: string, args: Argument[]): Promise<Answer>;
}

type Listener = (event: { data: unknown }) => void;

/** A comlink endpoint whose messages are passed on by the caller. */
export class ControlEndpoint {
  private readonly listeners = new Set<Listener>();
  private way: { send(data: unknown, transfer?: Transferable[]): void; cannotSend(error: unknown): Answer } | undefined;

  /** cannotSend: what a message is answered with that cannot be cloned. */
  constructor(send: (data: unknown, transfer?: Transferable[]) => void, cannotSend: (error: unknown) => Answer) {
    this.way = { send, cannotSend };
  }

  postMessage(data: unknown, transfer?: Transferable[]): void {
    const { way } = this;
    try {
      way?.send(data, transfer);
    } catch (error) {
      // comlink would forget why, and keep what waits for the answer.
      const { id, type } = data as { id: string; type: string };
      const answer = { id, type: 'RAW', value: way?.cannotSend(error) };
      if (type === 'RAW') way?.send(answer);
      else queueMicrotask(() => this.receive(answer));
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

export function expose<T extends Calls>(api: T, endpoint: ControlEndpoint): void {
  Comlink.expose(api, endpoint);
}

/** To be held as long as the endpoint is open: comlink ends what nobody holds. */
export function connect<T extends Calls>(endpoint: ControlEndpoint): Comlink.Remote<T> {
  return Comlink.wrap<T>(endpoint);
}
