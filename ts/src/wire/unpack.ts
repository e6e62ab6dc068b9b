// SPDX-License-Identifier: MIT
/** Unpacks values that came from another thread: see packet.ts. */
import { AioError } from '../errors.js';
import { define } from './define.js';
import { complete, putTogether, type ErrorParts } from './error.js';
import type { Handle } from './handle.js';
import type { LiveParts, LiveValues } from './live.js';

/** A function with any parameters and any result. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function at all
export type AnyFunction = (...args: any[]) => unknown;

/**
 * What the receiver makes anew: an error, a live value, or a Map or Set that contains something other than plain data. items: its
 * members; for a Map, keys and values in turn.
 */
export type Parts = ErrorParts | { base: 'Map' | 'Set'; items: unknown[] } | LiveParts;

export type Filling =
  /** A function of the sender. */
  | { readonly as: 'function'; readonly id: number }
  /** A function of the receiver, which comes back to it. */
  | { readonly as: 'own'; readonly id: number }
  | { readonly as: 'handle'; readonly handle: Handle }
  /** One of the objects in Packet.made. */
  | { readonly as: 'made'; readonly of: Parts };

/**
 * A property that is missing in an object of the packet, and what belongs there. Structured clone keeps the object's
 * identity.
 */
export type Hole = Filling & { readonly in: object; readonly key: string };

export interface Packet {
  value: unknown;
  holes?: Hole[];
  made?: Parts[];
}

/** One end of a connection, as packing and unpacking need it. */
export interface Correspondent {
  /** The number under which the other side can call the function. Counts that it is sent once more. */
  hold(work: AnyFunction, self: unknown): number;
  /** The functions with these numbers were not sent after all. */
  unsent(ids: number[]): void;
  /** The other side's number of a function that belongs to it; undefined for all other functions. */
  numberOf(work: AnyFunction): number | undefined;
  /** The function of the other side with this number. */
  stub(id: number): AnyFunction;
  /** The function of this side with this number. */
  own(id: number): AnyFunction;
  fromHandle(handle: Handle): unknown;
  /** Connects live values; undefined where nothing can follow the value. */
  readonly live?: LiveValues | undefined;
  /** Connects the other side with another IOThread, whose object is about to be sent there. Absent where that is not possible. */
  meet?(peer: object): void;
}

/** For errors that are sent where no call can follow. */
export const dataOnly: Correspondent = {
  hold: () => 0,
  unsent() {},
  numberOf: () => undefined,
  stub: () => () => undefined,
  own: () => () => undefined,
  fromHandle: ({ name }) => {
    throw new AioError('ERR_AIO_UNSUPPORTED', `'${name}' cannot be used here`);
  },
};

function begin(parts: Parts, live: LiveValues | undefined): object {
  if ('live' in parts) return (live as LiveValues).receive(parts);
  if ('items' in parts) return parts.base === 'Map' ? new Map() : new Set();
  return putTogether(parts);
}

function finish(object: object, parts: Parts, live: LiveValues | undefined): void {
  if ('items' in parts) {
    for (let n = 0; n < parts.items.length; n++) {
      if (parts.base === 'Set') (object as Set<unknown>).add(parts.items[n]);
      else (object as Map<unknown, unknown>).set(parts.items[n], parts.items[++n]);
    }
  } else {
    if (!('live' in parts)) complete(object as Error, parts);
    live?.complete(object, parts);
  }
}

export function unpack(packet: Packet, by: Correspondent): unknown {
  const { holes = [], made = [] } = packet;
  const objects = new Map(made.map((parts) => [parts, begin(parts, by.live)]));
  const refused: unknown[] = [];
  const fill = (hole: Hole): unknown => {
    switch (hole.as) {
      case 'function': return by.stub(hole.id);
      case 'own': return by.own(hole.id);
      case 'handle': return by.fromHandle(hole.handle);
      case 'made': return objects.get(hole.of);
    }
  };
  // All holes are filled, even if one is refused, because the sender counts each function that it has sent.
  for (const hole of holes) {
    try {
      define(hole.in, hole.key, fill(hole));
    } catch (error) {
      refused.push(error);
    }
  }
  if (refused.length > 0) throw refused[0];
  for (const [parts, object] of objects) finish(object, parts, by.live);
  return packet.value;
}
