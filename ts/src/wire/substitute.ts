// SPDX-License-Identifier: MIT

/** Sent before a message that its receiver may be unable to read: what it takes in its place. */
export interface Instead<T> {
  type: 'instead';
  /** Undefined if the announced message was not sent after all. */
  message: T | undefined;
}

/**
 * Receives the messages of a channel. A message that its receiver may be unable to read is announced (postDoubtful):
 * the message before it says what to take in its place. Both are posted together, so that no other message comes
 * between them. A message that cannot be read and was not announced does not belong to the package: the user's code
 * may use the same channel.
 */
export class Substitute {
  private instead: Instead<unknown> | undefined;

  constructor(private readonly deliver: (message: unknown) => void) {}

  receive(message: unknown): void {
    // Chromium delivers null for a message that it cannot read. The package never sends null.
    if (message === null && this.instead) return this.unreadable();
    const { type } = (message ?? {}) as { type?: unknown };
    this.instead = type === 'instead' ? (message as Instead<unknown>) : undefined;
    this.deliver(message);
  }

  unreadable(): void {
    const message = this.instead?.message;
    this.instead = undefined;
    if (message !== undefined) this.deliver(message);
  }
}
