// SPDX-License-Identifier: MIT

/** Sent ahead of a message that its receiver may be unable to read: what it takes in its place. */
export interface Instead<T> {
  type: 'instead';
  /** Undefined if the announced message was not sent after all. */
  message: T | undefined;
}

/**
 * Receives the messages of a channel. One that its receiver may be unable to read is announced
 * (postDoubtful): the message sent ahead of it says what is to be taken in its place. Both are
 * posted together, so nothing comes between them. What cannot be read and was not announced is
 * none of ours: the user's code may use the same channel.
 */
export class Substitute {
  private instead: Instead<unknown> | undefined;

  constructor(private readonly deliver: (message: unknown) => void) {}

  receive(message: unknown): void {
    // Chromium gives null for what it cannot read, which we never send.
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
