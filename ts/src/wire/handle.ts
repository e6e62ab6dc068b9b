// SPDX-License-Identifier: MIT

/**
 * An entry of the runtime's table of objects that threads share, and the generation that tells its successive uses
 * apart.
 */
export interface Slot {
  number: number;
  generation: number;
}

/** What a handle can stand for. */
export type HandleKind = 'bottom half' | 'notifier' | 'pipe';

/**
 * Stands for a bottom half, a notifier or a pipe in a message. It is plain data that can be posted to any thread of
 * the same runtime; {@link AioContext.fromHandle} makes an object of it there. A `Handle<'pipe'>` stands for a pipe, and
 * so on; a `Handle` for any of them.
 */
export interface Handle<Kind extends HandleKind = HandleKind> {
  /** The kind of object that the handle stands for. */
  readonly aio: Kind;
  /** The name of the object that the handle stands for. */
  readonly name: string;
  /** @internal */
  readonly slots: readonly Slot[];
  /** The version of the package that made it. @internal */
  readonly version: string;
}
