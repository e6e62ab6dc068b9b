// SPDX-License-Identifier: MIT
/** Connections between IOThreads, as their owner makes and ends them. The IOThreads' side: peers.ts. */
import { AioError, closedError } from '../errors.js';
import type { Core } from '../runtime/core.js';
import type { Slot } from '../wire/handle.js';
import { pack } from '../wire/packet.js';
import { dataOnly, type Correspondent, type Packet } from '../wire/unpack.js';
import { Rings, type Which } from './rings.js';
import type { Rpc } from './rpc.js';

/** What the owner tells an IOThread of a connection to another one. */
export type Control =
  | {
    type: 'meet';
    /** The other thread. */
    name: string;
    loop: Slot;
    /** The address of the rings, by which both know the connection; and the one that leads here. */
    rings: number;
    reads: Which;
    /** Carries what the rings cannot. */
    port: MessagePort;
  }
  /** The object that the other thread serves was passed here. */
  | { type: 'api'; rings: number; api: Packet }
  /** The other thread has ended. */
  | { type: 'part'; rings: number; error: Packet };

/** An IOThread with code. */
export interface LinkEnd {
  readonly name: string;
  readonly rpc: Rpc;
  readonly loop: Slot | undefined;
  /** The object that it serves. */
  readonly api: object | undefined;
  readonly idle: Promise<void>;
  readonly links: Links;
}

/** The numbers of the functions of an object that another thread serves, as this thread sends them on. */
function passedOn(api: object, { functions }: Rpc): Packet {
  const by: Correspondent = {
    ...dataOnly,
    hold(work) {
      const id = functions.numberOf(work);
      if (id === undefined) throw new AioError('ERR_AIO_CLOSED', 'a function in the object of the IOThread does not come from there, or was released');
      return id;
    },
  };
  return pack(api, by, 'the object of the IOThread').packet;
}

interface Link {
  readonly rings: Rings;
  /** The object of the other one was passed to this one. */
  passed: boolean;
}

/** The connections of one IOThread to others. */
export class Links {
  /** By the other IOThread. */
  private readonly all = new Map<LinkEnd, Link>();
  /** What to call when this IOThread does not use the rings at an address any more. */
  private readonly using = new Map<number, () => void>();

  constructor(private readonly core: Core, private readonly self: LinkEnd) {}

  /** Connects this IOThread with another one, whose object is about to be sent here. @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_CLOSED */
  meet(served: LinkEnd): void {
    const caller = this.self;
    const known = this.all.get(served);
    if (served === caller || known?.passed) return;
    if (!served.loop || !served.api || !caller.loop) throw closedError(`IOThread '${served.name}'`);
    // This comes first: what cannot be sent changes nothing.
    const api = passedOn({ ...served.api }, served.rpc);
    const link = known ?? this.connect(caller.loop, served, served.loop);
    link.passed = true;
    caller.rpc.control({ type: 'api', rings: link.rings.address, api } satisfies Control);
  }

  private connect(loop: Slot, served: LinkEnd, servedLoop: Slot): Link {
    const caller = this.self;
    const rings = new Rings(this.core, `the calls between IOThreads '${caller.name}' and '${served.name}'`);
    const { port1, port2 } = new MessageChannel();
    void Promise.all([this.uses(rings, served), served.links.uses(rings, caller)]).then(() => rings.free(this.core));
    const both = { type: 'meet' as const, rings: rings.address };
    // The served thread is told first, so that it knows the connection at the latest when it is called.
    served.rpc.control({ ...both, name: caller.name, loop, reads: 'in', port: port1 } satisfies Control, [port1]);
    caller.rpc.control({ ...both, name: served.name, loop: servedLoop, reads: 'out', port: port2 } satisfies Control, [port2]);
    return this.all.get(served) as Link;
  }

  /** Resolves when this IOThread does not use the rings any more. */
  private uses(rings: Rings, other: LinkEnd): Promise<void> {
    this.all.set(other, { rings, passed: false });
    return new Promise((resolve) => {
      this.using.set(rings.address, resolve);
      void this.self.idle.then(resolve);
    });
  }

  /** This IOThread does not use the rings at this address any more. */
  parted(rings: number): void {
    this.using.get(rings)?.();
    this.using.delete(rings);
  }

  /** This IOThread has ended: those that are connected with it are told. */
  end(error: AioError): void {
    const { packet } = pack(error, dataOnly);
    for (const [other, { rings, rings: { address } }] of this.all) {
      // The other one may be waiting for an answer.
      for (const which of ['in', 'out'] as const) rings.writer(which).end(error.code === 'ERR_AIO_CLOSED' ? 1 : 2);
      other.rpc.control({ type: 'part', rings: address, error: packet } satisfies Control);
      other.links.all.delete(this.self);
    }
    this.all.clear();
  }
}
