// SPDX-License-Identifier: MIT

/** Time-outs of so many ms come when they are told to, until restore(). */
export function holdTimeouts(ms: number): { fire(): void; restore(): void } {
  const original = globalThis.setTimeout;
  let held: (() => void)[] = [];
  globalThis.setTimeout = ((work: () => void, delay?: number) => {
    if (delay === ms) held.push(work);
    return original(work, delay);
  }) as typeof setTimeout;
  return {
    fire() {
      // Those that they ask for anew wait for the next time.
      const due = held;
      held = [];
      for (const work of due) work();
    },
    restore: () => void (globalThis.setTimeout = original),
  };
}
