// What a program has made while it runs, the promises it got, and what is wrong so far.
import { isLostWithLock, isOwn, judge } from './judge.mjs';

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

/**
 * Who has a file of a page's file system open, or may have: each is opened once at a time there. So an open
 * is refused (EBUSY) while another one has the file, and never else.
 */
class Holders {
  #all = new Set();

  /** What opens or has it; busy: another one had it, too, before this was opened. */
  add(rt) {
    const own = { rt, busy: this.#all.size > 0, file: undefined };
    // They may be asked for before, and come after it.
    for (const other of this.#all) other.busy ||= !other.file;
    this.#all.add(own);
    return own;
  }

  /** It is closed for certain. */
  remove(own) {
    this.#all.delete(own);
  }

  /** Whether another one has had it open all the time, for certain. */
  hasOther(own) {
    return [...this.#all].some((other) => other !== own && other.file && isInOrder(other));
  }
}

/** Whether nothing that may have closed it, or has begun to, has befallen a file. */
const isInOrder = ({ rt, file }) => rt.alive && !rt.killed && !file.closed && !file.io.closed && !file.io.mayEnd;

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
  /** By path; in a page alone. */
  #holders = new Map();

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

  /** Opens a file of an IOThread, for as long as it has a record: { rt, io, object, closed }. */
  async openFile(io, path, options, allow) {
    if (!this.env.filesAreOwned) return { rt: io.rt, io, object: await io.object.open(path, options), closed: false };
    if (!this.#holders.has(path)) this.#holders.set(path, new Holders());
    const holders = this.#holders.get(path);
    const own = holders.add(io.rt);
    try {
      const wasHeld = holders.hasOther(own);
      const object = await io.object.open(path, options);
      if (wasHeld && holders.hasOther(own)) this.problem('content', `${path} was opened although it is open`);
      own.file = { rt: io.rt, io, object, closed: false, released: () => holders.remove(own) };
      return own.file;
    } catch (error) {
      if (own.busy) allow.push('ERR_AIO_IO EBUSY');
      // Whatever else it was rejected with, the worker that opens it may go on.
      if (error?.code === 'ERR_AIO_IO' || error?.code === 'ERR_AIO_UNSUPPORTED') holders.remove(own);
      throw error;
    }
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
    if (isLostWithLock(error) && this.runtimes.some(({ killed }) => killed)) return;
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
