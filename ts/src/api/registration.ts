// SPDX-License-Identifier: MIT

/** The context that something is registered in, as its registration sees it. @internal */
export interface Registrar {
  /** Called when the registration begins or ceases to keep the process alive. */
  changed(before: boolean, now: boolean): void;
  /** Called when the registration has ended. */
  forget(registration: Registration): void;
}

/**
 * Something open in a context. It keeps the process alive while it is active, unless unref() was called. @internal
 */
export class Registration {
  private refed = true;
  private ended = false;

  constructor(
    private readonly context: Registrar, readonly close: () => void, private isActive: boolean,
    /** Whether a promise that user code holds depends on it. */
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

  /** Ends the registration. Returns false if it had ended before. */
  end(): boolean {
    if (this.ended) return false;
    this.change(() => (this.ended = true));
    this.context.forget(this);
    return true;
  }
}
