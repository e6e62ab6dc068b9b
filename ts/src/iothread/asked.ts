// SPDX-License-Identifier: MIT

interface Waiting {
  /** The connection over which the call was made. */
  over: unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The calls that an IOThread has made to other threads and that were not answered yet. */
export class Asked {
  private readonly all = new Map<number, Waiting>();
  private last = 0;

  get size(): number {
    return this.all.size;
  }

  /** Makes a promise that settle() settles, by the number that start() gets. */
  ask(start: (id: number) => void, over?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = (this.last = (this.last + 1) >>> 0);
      this.all.set(id, { over, resolve, reject });
      try {
        start(id);
      } catch (error) {
        this.all.delete(id);
        reject(error as Error);
      }
    });
  }

  settle(id: number, how: 'resolve' | 'reject', value: unknown): void {
    this.all.get(id)?.[how](value);
    this.all.delete(id);
  }

  /** A connection has ended: no answers will arrive over it. */
  reject(over: unknown, error: unknown): void {
    for (const [id, waiting] of [...this.all]) if (waiting.over === over) this.settle(id, 'reject', error);
  }
}
