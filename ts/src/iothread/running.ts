// SPDX-License-Identifier: MIT
/** What is known of a call that this thread serves, if its signal was asked for or if its caller may cancel it. */
interface Served {
  controller?: AbortController;
  /** Set when the caller does not wait for the answer any more. */
  cancelled?: { reason: unknown };
}

/** The calls that this thread serves over one connection and has not answered yet. */
export class Running {
  private readonly calls = new Map<number, Served>();

  get size(): number {
    return this.calls.size;
  }

  private entry(id: number): Served {
    let served = this.calls.get(id);
    if (!served) this.calls.set(id, (served = {}));
    return served;
  }

  /** A call begins that its caller may cancel. */
  begin(id: number): void {
    this.entry(id);
  }

  signalOf(id: number): AbortSignal {
    const served = this.entry(id);
    if (!served.controller) {
      served.controller = new AbortController();
      if (served.cancelled) served.controller.abort(served.cancelled.reason);
    }
    return served.controller.signal;
  }

  /** The number of the call whose signal this is. */
  numberOf(signal: object): number | undefined {
    for (const [id, { controller }] of this.calls) if (controller?.signal === signal) return id;
    return undefined;
  }

  /** The caller has given up. A call that was answered meanwhile is not here any more. */
  cancel(id: number, reason: unknown): void {
    const served = this.calls.get(id);
    if (!served || served.cancelled) return;
    served.cancelled = { reason };
    served.controller?.abort(reason);
  }

  /** The call has ended. Returns whether its caller waits for the answer. */
  end(id: number): boolean {
    if (this.calls.size === 0) return true;
    const served = this.calls.get(id);
    this.calls.delete(id);
    return !served?.cancelled;
  }

  /** No answer can be sent any more. */
  close(reason: unknown): void {
    for (const id of [...this.calls.keys()]) this.cancel(id, reason);
    this.calls.clear();
  }
}
