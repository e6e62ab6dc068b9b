// SPDX-License-Identifier: MIT

/** The most bytes of requests and replies that one connection may have in memory, and the most of all connections. */
export const CONNECTION_BYTES = 64 * 1024 ** 2;
export const ALL_BYTES = 256 * 1024 ** 2;
/** The most requests of a connection that are in flight. */
export const CONNECTION_REQUESTS = 256;
/** A connection that has nothing in memory may always have a request of so many bytes, whatever the others hold. */
export const ALWAYS_BYTES = 1024 ** 2;

interface Waiting {
  bytes: number;
  granted: () => void;
}

/** The memory of the requests of all connections. Whoever finds none waits, first come, first served. */
export class Budget {
  #used = 0;
  readonly #waiting = new Map<Account, Waiting>();

  /** @internal */
  take(account: Account, waiting: Waiting): boolean {
    if (this.#waiting.size > 0 || this.#used + waiting.bytes > ALL_BYTES) {
      this.#waiting.set(account, waiting);
      return false;
    }
    this.#used += waiting.bytes;
    return true;
  }

  /** @internal */
  takeAlways(bytes: number): void {
    this.#used += bytes;
  }

  /** @internal */
  leave(account: Account): void {
    this.#waiting.delete(account);
    this.#grant();
  }

  /** @internal */
  give(bytes: number): void {
    this.#used -= bytes;
    this.#grant();
  }

  #grant(): void {
    for (const [account, { bytes, granted }] of this.#waiting) {
      if (this.#used + bytes > ALL_BYTES) return;
      this.#waiting.delete(account);
      this.#used += bytes;
      granted();
    }
  }
}

/** What one connection has of the budget. At most one request of it waits. */
export class Account {
  #used = 0;
  #requests = 0;
  /** The request that waits for others of the same connection to end. */
  #waiting: Waiting | undefined;

  constructor(private readonly budget: Budget) {}

  /** The number of requests that have taken memory and not given it back. */
  get requests(): number {
    return this.#requests;
  }

  /** Takes memory for one request and returns true; or returns false, and calls granted() once it has taken it. */
  take(bytes: number, granted: () => void): boolean {
    if (this.#requests === CONNECTION_REQUESTS || (this.#used + bytes > CONNECTION_BYTES && this.#used > 0)) {
      this.#waiting = { bytes, granted };
      return false;
    }
    const count = (): void => {
      this.#used += bytes;
      this.#requests++;
    };
    if (bytes === 0 || (this.#used === 0 && bytes <= ALWAYS_BYTES)) {
      this.budget.takeAlways(bytes);
    } else if (!this.budget.take(this, { bytes, granted: () => (count(), granted()) })) {
      return false;
    }
    count();
    return true;
  }

  /** Gives back what one request has taken. */
  give(bytes: number): void {
    this.#used -= bytes;
    this.#requests--;
    this.budget.give(bytes);
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = undefined;
    if (this.take(waiting.bytes, waiting.granted)) waiting.granted();
  }

  /** What waits is not granted any more. */
  stop(): void {
    this.#waiting = undefined;
    this.budget.leave(this);
  }
}
