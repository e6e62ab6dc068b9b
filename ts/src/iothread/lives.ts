// SPDX-License-Identifier: MIT
import type { ErrorParts } from '../wire/error.js';
import { isSignal, isStream, Live, type LiveParts } from '../wire/live.js';
import { setClass } from '../wire/registered.js';
import { Flow } from './flow.js';
import type { Functions, Lives } from './functions.js';
import { Incoming, makeStream, RemoteSequence, type Inlet } from './incoming.js';
import { isOfBytes, Outgoing, type Outlet } from './outgoing.js';
import { Signals } from './signals.js';

/** What live values need of their connection. */
export interface LiveWay extends Pick<Inlet, 'ask' | 'settle' | 'assertOpen'>, Pick<Outlet, 'began' | 'settled'> {
  /** Tells the other side that the signal with this number was aborted. */
  abort(id: number, reason: unknown): void;
  /** Tells the other side about the sequence with this number. Throws if the value cannot be sent. */
  flow(flow: number, id: number, value: unknown): void;
}

/** The live values that were sent over one connection: signals, and sequences (async iterables, generators, streams). */
export class LiveTable implements Lives {
  readonly signals: Signals;
  private readonly outgoing = new Map<number, Outgoing>();
  /** The sequences that this side consumes; each is held while something has to arrive for it. */
  private readonly incoming = new Map<number, Incoming>();
  private readonly collected = new FinalizationRegistry<number>((id) => {
    // Nobody can consume the rest of it.
    if (this.incoming.delete(id)) this.functions.giveBackNumber(id, 1);
  });

  constructor(private readonly functions: Functions, private readonly way: LiveWay) {
    this.signals = new Signals(functions, (id, reason) => way.abort(id, reason));
  }

  get sequences(): { outgoing: number; incoming: number } {
    return { outgoing: this.outgoing.size, incoming: this.incoming.size };
  }

  send(value: object): LiveParts {
    if (isSignal(value)) return this.signals.send(value);
    const live = !isStream(value) ? Live.iterable : isOfBytes(value) ? Live.bytes : Live.stream;
    const { functions, way } = this;
    const over = (): void => {
      this.outgoing.delete(id);
      functions.forgetKept(id);
    };
    const outgoing = new Outgoing(value, { ...way, over, send: (flow, of) => way.flow(flow, id, of) });
    const id = functions.keep((unsent) => {
      this.outgoing.delete(id);
      outgoing.abandon(unsent);
    });
    this.outgoing.set(id, outgoing);
    return { live, id };
  }

  receive(parts: LiveParts): object {
    const { live, id } = parts;
    if (live === Live.signal || live === Live.aborted) return this.signals.receive(parts);
    const { way } = this;
    const over = (): void => {
      this.incoming.delete(id);
      this.collected.unregister(incoming);
    };
    const incoming = new Incoming({ ...way, over, send: (flow, value) => way.flow(flow, id, value) });
    this.incoming.set(id, incoming);
    const object = live === Live.iterable ? new RemoteSequence(incoming) : makeStream(incoming, live === Live.bytes);
    this.collected.register(object, id, incoming);
    return object;
  }

  complete(object: object, parts: LiveParts | ErrorParts): void {
    if ('live' in parts) this.signals.complete(object, parts);
    else if (parts.registered !== undefined) setClass(object, parts.registered);
  }

  /** Takes what the other side has sent about a sequence. */
  take(flow: number, id: number, value: unknown): void {
    if (flow >= Flow.items) return this.incoming.get(id)?.take(flow, value);
    const outgoing = this.outgoing.get(id);
    if (flow === Flow.pull) outgoing?.pull(value as number);
    else void outgoing?.stop(flow, value);
  }

  /** What the other side has sent about a sequence cannot be read. */
  notRead(flow: number, id: number, error: unknown): void {
    if (flow < Flow.items) return this.take(flow, id, error);
    const incoming = this.incoming.get(id);
    incoming?.take(Flow.failed, error);
    if (incoming && flow === Flow.items) this.functions.giveBackNumber(id, 1);
  }

  withdrawn(id: number): void {
    this.signals.withdrawn(id);
  }

  release(what: object): void {
    this.signals.release(what);
  }

  close(): void {
    this.signals.close();
    this.incoming.clear();
  }
}
