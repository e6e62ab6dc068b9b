// SPDX-License-Identifier: MIT
/** What a program prints. */

/** As many characters are kept, so that a program may print for hours. */
const MOST = 100_000;
/** More than this is not accepted before it is shown. */
const MOST_WAITING = 16_384;
/** How often the screen shows what has come, in ms. */
const EACH_MS = 16;
/** A sequence of a terminal: one that is complete, or the beginning of one at the end of a text. */
const SEQUENCE = /\x1b(?:\[[0-9;?]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^[\]])/g;
const BEGUN = /\x1b(?:\[[0-9;?]*|\][^\x07]*)?$/;

export class Screen {
  #waiting: [string, string][] = [];
  #waitingLength = 0;
  #shown: Promise<void> | undefined;
  #length = 0;
  /** By kind: the beginning of a sequence of which the rest has not come yet. */
  #begun = new Map<string, string>();

  constructor(private readonly pane: HTMLElement) {}

  clear(): void {
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#begun.clear();
    this.#length = 0;
    this.pane.replaceChildren();
  }

  /**
   * Shows text at the end. If much is waiting, this resolves when it is shown: who waits for that prints no faster than the screen
   * shows it. kind: the class of the text.
   */
  async write(text: string, kind = ''): Promise<void> {
    const all = ((this.#begun.get(kind) ?? '') + text).replace(SEQUENCE, '');
    const begun = BEGUN.exec(all)?.[0] ?? '';
    this.#begun.set(kind, begun);
    const shown = all.slice(0, all.length - begun.length);
    this.#waiting.push([shown, kind]);
    this.#waitingLength += shown.length;
    this.#shown ??= new Promise((resolve) => setTimeout(() => {
      this.#shown = undefined;
      this.#show();
      resolve();
    }, EACH_MS));
    if (this.#waitingLength > MOST_WAITING) await this.#shown;
  }

  /** Resolves when all is shown that was written. */
  async shown(): Promise<void> {
    await this.#shown;
  }

  #show(): void {
    const { pane } = this;
    // Whoever has scrolled back stays there.
    const follows = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 4;
    this.#waitingLength = 0;
    for (const [text, kind] of this.#waiting.splice(0)) {
      if (text === '') continue;
      let last = pane.lastElementChild as HTMLElement | null;
      if (last?.className !== kind) {
        last = document.createElement('span');
        last.className = kind;
        pane.append(last);
      }
      last.append(text);
      this.#length += text.length;
    }
    this.#cut();
    if (follows) pane.scrollTop = pane.scrollHeight;
  }

  /** Takes what is too much from the beginning. */
  #cut(): void {
    while (this.#length > MOST) {
      const span = this.pane.firstElementChild!;
      const first = span.firstChild as Text;
      const more = Math.min(this.#length - MOST, first.length);
      this.#length -= more;
      first.deleteData(0, more);
      if (first.length === 0) first.remove();
      if (!span.firstChild) span.remove();
    }
  }
}
