// SPDX-License-Identifier: MIT

/** A slot in the runtime's table of what threads share, and whose turn it is there. */
export interface Slot {
  number: number;
  generation: number;
}

/**
 * What stands for a bottom half, a notifier or a pipe in a message: plain data that can
 * be posted to other threads of the same runtime. AioContext.fromHandle makes an object
 * of it there.
 */
export interface Handle {
  readonly aio: 'bottom half' | 'notifier' | 'pipe';
  readonly name: string;
  /** @internal */
  readonly slots: readonly Slot[];
  /** Of the package. @internal */
  readonly version: string;
}
