// What a program has made while it runs, the promises it got, and what is wrong so far.
import { judge, isOwn } from './judge.mjs';

/** The content of the file that all programs read. */
export const DISK_SIZE = 256 * 1024;
export const diskByte = (offset) => (offset * 31 + (offset >> 8) * 17 + (offset >> 16)) & 255;

/** A runtime, and what may befall it by what its program has done so far. */
class RuntimeRecord {
  /** Codes that its calls may reject with from now on, beside those of the call itself. */
  may = new Set();
  /** What close() and `closed` of it and its IOThreads may be rejected with: a time-out that one close() was given
   * is heard by all that wait for the same end. */
  ends = [];
  runtime = undefined;
  /** What it rejects with since it has failed. */
  death = undefined;
  closing = false;
  contexts = 0;

  constructor(options) {
    this.options = options;
    if (options.maximumMemory !== undefined) this.may.add('ERR_AIO_NO_MEMORY');
    if (options.maxThreads !== undefined) this.may.add('ERR_AIO_THREAD_LIMIT');
    // Of a pool that gets no thread.
    if (this.may.size > 0) this.may.add('ERR_AIO_IO EAGAIN');
  }

  get alive() {
    return this.runtime !== undefined && !this.death && !this.closing;
  }
}

export class World {
  runtimes = [];
  problems = [];
  /** What its own code throws, and the reasons of its signals. */
  own = new Set();
  /** Errors that call-backs of this thread threw, until the uncaught handler has got them. */
  owed = new Map();
  #objects = new Map();
  #signals = new Map();
  #open = new Map();
  #last = 0;
  #whenIdle;
  #starts = [];

  constructor(program, env) {
    this.program = program;
    this.env = env;
  }

  problem(kind, text) {
    this.problems.push({ kind, text });
  }

  number() {
    return ++this.#last;
  }

  addRuntime(options) {
    const record = new RuntimeRecord(options);
    // The origin's private file system opens a file once at a time: a program that opens it twice is told so.
    if (this.env.filesAreOwned) record.may.add('ERR_AIO_IO EBUSY');
    this.runtimes.push(record);
    return record;
  }

  /** A runtime that was made, whatever has become of it. */
  runtimeOf(n) {
    const made = this.runtimes.filter(({ runtime }) => runtime);
    return made.length > 0 ? made[n % made.length] : undefined;
  }

  add(kind, record) {
    if (!this.#objects.has(kind)) this.#objects.set(kind, []);
    this.#objects.get(kind).push(record);
    return record;
  }

  all(kind) {
    return this.#objects.get(kind) ?? [];
  }

  get(kind, n) {
    const all = this.all(kind);
    return all.length > 0 ? all[n % all.length] : undefined;
  }

  /** The signal of that number; undefined: none. */
  controller(n) {
    if (n === undefined) return undefined;
    if (!this.#signals.has(n)) this.#signals.set(n, new AbortController());
    return this.#signals.get(n);
  }

  signalOption(n) {
    const controller = this.controller(n);
    return controller ? { signal: controller.signal } : {};
  }

  abort(n) {
    const reason = n % 2 === 0 ? this.error('aborted') : undefined;
    const controller = this.controller(n);
    controller.abort(reason);
    this.own.add(controller.signal.reason);
  }

  get signals() {
    return [...this.#signals.values()].map(({ signal }) => signal);
  }

  /** An error of the program's own. */
  error(what, Type = Error) {
    const error = new Type(`chaos ${what} ${this.number()} of ${this.program.seed}`);
    this.own.add(error);
    return error;
  }

  /**
   * Runs work, and waits for its promise, which settles sooner or later; what it throws or
   * rejects with is judged. allow: codes that are right here; of: the record of its runtime.
   * Resolves when it has settled, with its value.
   */
  track(label, of, work, { allow = [], check } = {}) {
    const id = this.number();
    this.#open.set(id, label);
    return (async () => {
      try {
        const value = await work();
        check?.(value);
        return value;
      } catch (error) {
        this.judge(label, of, error, allow);
      } finally {
        this.#open.delete(id);
        if (this.#open.size === 0) this.#whenIdle?.();
      }
    })();
  }

  /** The same for a call that does not wait. */
  attempt(label, of, work, allow = []) {
    try {
      return work();
    } catch (error) {
      this.judge(label, of, error, allow);
    }
  }

  judge(label, of, error, allow) {
    if (error?.code === 'ERR_AIO_PANIC' && of && !of.death) of.death = error;
    const why = judge(error, of, allow, this.own);
    if (why) this.problem('error', `${label}: ${why}`);
  }

  /** What an uncaught handler of the owner's got. */
  uncaught(error) {
    if (this.owed.delete(error) || isOwn(error, this.own)) return;
    const codes = new Set(this.runtimes.flatMap(({ may }) => [...may]));
    if (['ERR_AIO_THREAD_LOST', 'ERR_AIO_PANIC'].includes(error?.code) && codes.has(error.code)) return;
    this.problem('uncaught', `uncaught: ${error?.stack ?? String(error)}`);
  }

  /** What comes of that promise has to be closed. */
  starts(promise) {
    this.#starts.push(promise);
    return promise;
  }

  /** Resolves when nothing more is being made. */
  get started() {
    return Promise.all(this.#starts);
  }

  /** Resolves when all promises have settled. */
  get idle() {
    return this.#open.size === 0 ? Promise.resolve() : new Promise((resolve) => (this.#whenIdle = resolve));
  }

  /** The labels of what has not settled. */
  get unsettled() {
    return [...this.#open.values()];
  }
}
