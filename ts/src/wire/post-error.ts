// SPDX-License-Identifier: MIT
import { messageOf } from '../errors.js';
import { pack } from './packet.js';
import { postDoubtful } from './post-doubtful.js';
import type { Instead } from './substitute.js';
import { dataOnly, type Packet } from './unpack.js';

/** The part of an error that can always be sent: its message, name and stack. */
function bare(error: unknown): Packet {
  try {
    const text = messageOf(error);
    if (!(error instanceof Error)) return { value: text };
    const { name, stack } = error;
    return pack(Object.assign(new Error(text), { name, stack }), dataOnly).packet;
  } catch {
    return { value: 'an error that cannot be read' };
  }
}

/**
 * Posts an error that is not the result of a call. Whatever the error contains, its receiver gets at least the
 * message.
 */
export function postError<T>(post: (message: T | Instead<T>) => void, error: unknown, message: (packet: Packet) => T): void {
  try {
    const { packet, doubtful } = pack(error, dataOnly);
    postDoubtful(post, message(packet), doubtful ? message(bare(error)) : undefined);
  } catch {
    post(message(bare(error)));
  }
}
