// SPDX-License-Identifier: MIT

/** Prints sentences, but no more than LINES in WINDOW_MS; the others are counted. So no peer can fill a disk with them. */
const LINES = 10;
const WINDOW_MS = 10_000;

export class FaultLog {
  #printed = 0;
  #left = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly print: (text: string) => void) {}

  readonly add = (text: string): void => {
    this.#timer ??= setTimeout(() => this.end(), WINDOW_MS).unref();
    if (this.#printed < LINES) {
      this.#printed++;
      // Part of it may come from a peer.
      this.print(text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?'));
    } else {
      this.#left++;
    }
  };

  /** Prints how many sentences were left out, if any. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#left > 0) this.print(`${this.#left} more such lines were left out`);
    this.#printed = this.#left = 0;
  }
}
