// SPDX-License-Identifier: MIT
/** What a queue keeps of an entry; the rest is its owner's. */
export interface Queued {
  readonly priority: number;
  /** Its place in the order; smaller is earlier. The queue sets it. */
  key: number;
}

/** A step of priority is worth so many places in the queue. */
export const PLACES = 64;

/**
 * A queue with priorities in which nobody starves. An entry's key is its number in the order of arrival, minus PLACES for each
 * step of its priority. So it overtakes only those that came at most so many entries earlier, and whoever waits for long
 * enough is before all that come later, whatever their priority.
 */
export class TaskQueue<T extends Queued> {
  /** A heap: no entry is before that at half its index. */
  private readonly heap: T[] = [];
  private arrived = 0;

  get length(): number {
    return this.heap.length;
  }

  push(entry: T): void {
    // No two keys are equal: of two that would be, the one that came earlier is first.
    entry.key = this.arrived++ - PLACES * entry.priority + entry.priority / 4096;
    this.insert(entry);
  }

  /** Returns an entry to its former place. */
  putBack(entry: T): void {
    this.insert(entry);
  }

  private insert(entry: T): void {
    const { heap } = this;
    let at = heap.length;
    for (; at > 0; ) {
      const up = (at - 1) >> 1;
      const above = heap[up] as T;
      if (above.key <= entry.key) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = entry;
  }

  /** The next entry, which stays in the queue. */
  get first(): T | undefined {
    return this.heap[0];
  }

  shift(): T | undefined {
    const [first] = this.heap;
    if (first) this.removeAt(0);
    return first;
  }

  /** Returns false if the entry is not here. */
  remove(entry: T): boolean {
    const at = this.heap.indexOf(entry);
    if (at >= 0) this.removeAt(at);
    return at >= 0;
  }

  private removeAt(place: number): void {
    const { heap } = this;
    const last = heap.pop() as T;
    const { length } = heap;
    if (place === length) return;
    let at = place;
    // Down, as long as one below is earlier; or up, if the last entry is earlier than what is above the gap.
    for (let down = 2 * at + 1; down < length; down = 2 * at + 1) {
      if (down + 1 < length && (heap[down + 1] as T).key < (heap[down] as T).key) down++;
      if ((heap[down] as T).key >= last.key) break;
      heap[at] = heap[down] as T;
      at = down;
    }
    for (; at > 0; ) {
      const up = (at - 1) >> 1;
      if ((heap[up] as T).key <= last.key) break;
      heap[at] = heap[up] as T;
      at = up;
    }
    heap[at] = last;
  }

  /** Removes and returns all entries. */
  clear(): T[] {
    return this.heap.splice(0).sort((a, b) => a.key - b.key);
  }
}
