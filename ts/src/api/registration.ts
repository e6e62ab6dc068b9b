// SPDX-License-Identifier: MIT

/** The context that something is registered in. @internal */
export interface Registrar {
  /** Something keeps the process alive from now on, or does not any more. */
  changed(before: boolean, now: boolean): void;
  /** It has ended. */
  forget(registration: Registration): void;
}

/**
 * Something of a context that is open, and whether it keeps the process alive: while it
 * is active, unless somebody said unref(). @internal
 */
export class Registration {
  private refed = true;
  private ended = false;

  constructor(
    private readonly context: Registrar, readonly close: () => void, private isActive: boolean,
    /** A promise that somebody has depends on it. */
    readonly isWait: boolean,
  ) {
    context.changed(false, isActive);
  }

  private get counts(): boolean {
    return this.refed && this.isActive && !this.ended;
  }

  private change(work: () => void): void {
    const before = this.counts;
    work();
    this.context.changed(before, this.counts);
  }

  set active(on: boolean) {
    this.change(() => (this.isActive = on));
  }

  get active(): boolean {
    return this.isActive;
  }

  ref(): void {
    this.change(() => (this.refed = true));
  }

  unref(): void {
    this.change(() => (this.refed = false));
  }

  /** False: it has ended already. */
  end(): boolean {
    if (this.ended) return false;
    this.change(() => (this.ended = true));
    this.context.forget(this);
    return true;
  }
}
