// SPDX-License-Identifier: MIT
import type { CallOptions } from '../abort.js';
import { AioError, closedError, reportUncaught } from '../errors.js';
import { ThreadLeave } from '../runtime/death.js';
import { Encoder } from '../wire/encoder.js';
import { pack } from '../wire/packet.js';
import { postDoubtful } from '../wire/post-doubtful.js';
import { connections } from '../wire/release.js';
import { explain } from '../wire/scan.js';
import { withCause } from '../wire/take-apart.js';
import { unpack, type AnyFunction } from '../wire/unpack.js';
import { Arrivals, decoder } from './arrivals.js';
import { endEarly } from './end-early.js';
import { Flow } from './flow.js';
import { Functions, type Release } from './functions.js';
import { LiveTable } from './lives.js';
import { BLOCKING, Kind, PREFIX, unreadable, type Revoke, type RpcMessage } from './record.js';
import { Running } from './running.js';
import { now } from './serving.js';
import type { Connection, Side } from './side.js';

/** Functions that each IOThread offers by fixed numbers. */
export const Fixed = { clock: 1, call: 2, openExport: 3, closeExport: 4, whyExport: 5 } as const;
const fixedNames = Object.keys(Fixed);
/** Functions that are sent have greater numbers. */
const FIRST_FUNCTION = 16;

/** After so long the loop has another iteration, and a page's other tasks have a turn. */
const TURN_MS = 1;
/** After how many records the clock is read. */
const LOOK = 16;

/** So long, in ms, the answer of a blocking call waits for room in the ring, while its reader takes what is there. */
const ROOM_MS = 1000;

/** At most so many ms pass between two looks whether the ring has room again. */
const REPEAT_MS = 64;

/** Why push() has written nothing: only a message can carry the value, or the ring has no room. */
const Unsent = { unfit: 1, full: 2 } as const;
type Unsent = (typeof Unsent)[keyof typeof Unsent];

const encoder = new Encoder();
const never = (): boolean => false;

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { then?: unknown }).then === 'function';

/**
 * Calls between the owner and an IOThread, in both directions. A record goes through the ring in shared memory, if that can
 * carry it, or else as a message. All are numbered in the order in which they were sent, and are taken in that order.
 */
export class Rpc implements Connection {
  /** The functions of either side that were sent to the other. */
  readonly functions: Functions;
  /** The calls that this side serves. */
  readonly running = new Running();
  readonly lives: LiveTable;
  /** How many calls this side has sent and served. */
  readonly counts = { sent: 0, served: 0 };
  private closed = false;
  /** The number of the record that is sent next. */
  private sending = 0;
  readonly arrivals: Arrivals;

  /** fixed: the functions that this side offers by fixed numbers. */
  constructor(private readonly side: Side, private readonly fixed: Readonly<Record<number, AnyFunction>> = {}) {
    this.arrivals = new Arrivals(side.reader);
    this.functions = new Functions({
      tell: (message) => this.tell(message),
      call: (id, args, options) => this.call(id, args, options),
      callSync: (id, args, options) => {
        const { waits } = side;
        if (!waits) throw new AioError('ERR_AIO_WOULD_BLOCK', `a blocking call of IOThread '${side.name}' would block the thread that owns the runtime; await the call instead`);
        return waits.call(this, id, args, options);
      },
      released: () => new AioError('ERR_AIO_CLOSED', `the function was released and can no longer be called (IOThread '${side.name}')`),
      fromHandle: (handle) => side.fromHandle(handle),
      meet: (peer) => side.meet?.(peer),
    }, FIRST_FUNCTION);
    this.functions.live = this.lives = new LiveTable(this.functions, {
      abort: (id, reason) => this.tellReason(Kind.abort, 0, id, reason),
      flow: (flow, id, value) => void this.send(Kind.flow, flow, id, value, flow !== Flow.items ? 'value' : Array.isArray(value) ? 'items' : 'sequence'),
      ask: (start) => side.ask(start),
      settle: (id, how, value) => side.settle(id, how, value),
      assertOpen: () => this.assertOpen(),
      began: () => side.began?.(),
      settled: () => side.settled?.(),
    });
    connections.add(this);
    side.waits?.joined(this);
  }

  get name(): string {
    return this.side.name;
  }

  /** Ends the connection. Nothing is sent or taken any more. */
  close(reason: unknown = closedError(`IOThread '${this.side.name}'`)): void {
    if (this.closed) return;
    this.closed = true;
    connections.delete(this);
    this.side.waits?.left(this);
    this.functions.close();
    this.lives.close();
    this.running.close(reason);
    this.arrivals.early.clear();
  }

  // ---- Sending

  /** Calls the function of the other side with this number. */
  call(of: number, args: unknown[], options: CallOptions = {}): Promise<unknown> {
    this.assertOpen();
    this.counts.sent++;
    const { signal, timeout } = options;
    if (!signal && timeout === undefined) return this.side.ask((id) => void this.send(Kind.call, id, of, args, 'arguments'));
    signal?.throwIfAborted();
    let number = 0;
    let call: Revoke | undefined;
    const answered = this.side.ask((id) => {
      number = id;
      call = this.send(Kind.revocable, id, of, args, 'arguments');
    });
    endEarly(answered, options, `IOThread '${this.side.name}'`, (reason) => this.cancel(number, reason, call));
    return answered;
  }

  assertOpen(): void {
    this.side.assertOpen();
    if (this.closed) throw closedError(`IOThread '${this.side.name}'`);
  }

  sendBlocking(id: number, of: number, args: unknown[], wait: () => boolean): Revoke | undefined {
    return this.send(Kind.revocable, id, of, args, 'arguments', wait);
  }

  cancel(id: number, reason: unknown, call: Revoke | undefined): void {
    this.side.settle(id, 'reject', reason);
    // The memory of the ring may be free.
    if (this.closed) return;
    if (call?.revoke()) return this.functions.unsent(call.functions);
    this.tellReason(Kind.cancel, id, 0, reason);
  }

  private tellReason(kind: number, id: number, of: number, reason: unknown): void {
    const { waits, writer, writer: { place } } = this.side;
    const wait = waits && this.whileAwaited();
    let sent = reason;
    try {
      this.send(kind, id, of, sent, 'reason', wait);
    } catch {
      sent = new DOMException('aborted with a reason that cannot be sent to another thread', 'AbortError');
      this.send(kind, id, of, sent, 'reason', wait);
    }
    if (writer.place === place) this.repeat(kind, id, of, sent, 1);
  }

  /**
   * Sends a reason that went as a message by the ring, too, as soon as that has room: while the other thread is in a blocking
   * call, it gets no messages. What comes second is ignored there.
   */
  private repeat(kind: number, id: number, of: number, reason: unknown, ms: number): void {
    if (this.closed) return;
    let found: number[] | Unsent = Unsent.unfit;
    try {
      found = this.push(kind, id, of, reason);
    } catch {
      // It has a getter that throws.
    }
    if (found === Unsent.unfit) found = this.push(kind, id, of, new DOMException('aborted with a reason that only a message can carry', 'AbortError'));
    if (found !== Unsent.full) return;
    const timer = setTimeout(() => this.repeat(kind, id, of, reason, Math.min(2 * ms, REPEAT_MS)), ms);
    // The owner's does not keep the process alive. Another thread's loop leaves WebAssembly for it.
    if (!this.side.waits) (timer as { unref?(): void }).unref?.();
  }

  private tell(release: Release): void {
    try {
      this.side.assertOpen();
      this.send(Kind.release, 0, 0, release, 'release');
    } catch {
      // The other side is ending, and releases everything that it holds.
    }
  }

  private answer(id: number, result: unknown): void {
    if (!this.running.end(id)) return;
    try {
      this.send(Kind.value, id, 0, result, 'result', this.roomFor(id));
    } catch (error) {
      this.refuse(id, error);
    }
  }

  private refuse(id: number, error: unknown): void {
    // After a failure there is no answer: the caller is told of it as everybody else is.
    if (!this.running.end(id) || error instanceof ThreadLeave) return;
    try {
      this.send(Kind.thrown, id, 0, error, 'error', this.roomFor(id));
    } catch (why) {
      // A part of the error cannot be sent: the reason is sent as its cause, or alone.
      this.send(Kind.thrown, id, 0, withCause(error, why), 'error', this.roomFor(id));
    }
  }

  /** How an answer waits for room in the ring: that of a blocking call, whose caller makes room as soon as it wakes up. */
  private roomFor(id: number): (() => boolean) | undefined {
    return id < BLOCKING ? undefined : this.whileAwaited();
  }

  private whileAwaited(): () => boolean {
    const end = performance.now() + ROOM_MS;
    return () => this.side.writer.isAwaited && performance.now() < end;
  }

  /**
   * Sends a record. Returns how to take it back, if its kind is revocable. wait(): waits for room in the ring, or returns false to
   * send a message instead.
   */
  private send(kind: number, id: number, of: number, value: unknown, root: string, wait = never): Revoke | undefined {
    if (this.closed) return undefined;
    if (this.side.trace.isOn) this.traceSent(kind, id);
    const functions = this.push(kind, id, of, value, wait);
    if (functions === Unsent.unfit && id >= BLOCKING) {
      throw new AioError('ERR_AIO_INVALID_ARG', `the ${root} of a blocking call must be plain data of at most 16 KiB: functions and handles, but nothing that only structured clone can copy; await the call instead`);
    }
    if (functions === Unsent.unfit || functions === Unsent.full) return this.sendMessage(kind, id, of, value, root);
    if (kind !== Kind.revocable) return undefined;
    const { writer, writer: { place } } = this.side;
    return { functions, revoke: () => writer.revoke(place) };
  }

  private traceSent(kind: number, id: number): void {
    const { trace, writer: { key } } = this.side;
    if (kind === Kind.call || kind === Kind.revocable) trace.sent(key, id);
    else if (kind === Kind.value || kind === Kind.thrown) trace.answered(key, id);
  }

  returned(id: number): void {
    const { trace, writer: { key } } = this.side;
    if (trace.isOn) trace.returned(key, id);
  }

  /** Writes a record to the ring. Returns the numbers of the functions in it, or why it is not there. */
  private push(kind: number, id: number, of: number, value: unknown, wait = never): number[] | Unsent {
    // A getter of a value that is being encoded may send something: that takes another encoder.
    const own = encoder.inUse ? new Encoder() : encoder;
    const length = own.encode(value, this.functions, PREFIX);
    if (length < 0) return Unsent.unfit;
    const { words } = own;
    words[0] = kind;
    words[1] = id;
    words[2] = of;
    const { writer } = this.side;
    let pushed = false;
    try {
      do pushed = writer.push(this.sending, words, own.bytes, length);
      while (!pushed && wait());
    } finally {
      if (!pushed) own.takeBack();
    }
    if (!pushed) return Unsent.full;
    this.sending = (this.sending + 1) | 0;
    this.side.wake();
    return own.isSent();
  }

  private sendMessage(kind: number, id: number, of: number, value: unknown, root: string, copied = false): Revoke | undefined {
    // The other side would wait for its number for ever.
    if (this.side.isSealed?.()) return undefined;
    const packed = pack(value, this.functions, root, copied);
    const { packet, sent, transfer } = packed;
    const claim = kind === Kind.revocable ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
    const message: RpcMessage = { type: 'rpc', key: this.side.writer.key, number: this.sending, kind, id, of, packet, claim };
    const instead = { ...message, kind: Kind.unread, packet: { value: [kind, sent] } };
    try {
      postDoubtful((message, list) => this.side.post(message, list), message, packed.doubtful ? instead : undefined, transfer);
    } catch (error) {
      this.functions.unsent(sent);
      const why = explain(error, packet.value, root);
      if (packet.holes || copied) throw why;
      try {
        // It may be a Proxy of plain data, which the ring takes as what it looks like.
        return this.sendMessage(kind, id, of, value, root, true);
      } catch {
        throw why;
      }
    }
    this.sending = (this.sending + 1) | 0;
    return claim && { functions: sent, revoke: () => Atomics.exchange(claim, 0, 1) === 0 };
  }

  /** Sends plain data for the other side itself, which takes it after all that was sent before. */
  control(value: unknown, transfer: Transferable[] = []): void {
    if (this.closed || this.side.isSealed?.()) return;
    this.side.post({ type: 'rpc', key: this.side.writer.key, number: this.sending, kind: Kind.control, id: 0, of: 0, packet: { value } }, transfer);
    this.sending = (this.sending + 1) | 0;
  }

  // ---- Receiving

  receive(message: RpcMessage): void {
    if (this.closed || message.key !== this.side.reader.key) return;
    this.arrivals.add(message);
    this.side.arrived();
  }

  /** Called before an iteration of this side's loop: records that are sent later are taken after the next one. */
  mark(): void {
    this.side.reader.mark();
  }

  /** Takes all that the other side has sent before it ended. */
  drain(): void {
    do this.mark();
    while (this.take());
  }

  /**
   * Takes what was there before the iteration that has just ended, but for a limited time only. Returns whether there is
   * more to take.
   */
  take(): boolean {
    const { arrivals, side: { reader: { due } } } = this;
    let end = 0;
    arrivals.interrupted = false;
    for (let n = 1; !this.closed; n++) {
      const next = arrivals.take(due);
      if (!next) break;
      if (next === 'record') this.handleRecord();
      else this.takeMessage(next);
      // What came in the meantime is not due yet.
      if (arrivals.interrupted) break;
      if (n % LOOK === 0) {
        const now = performance.now();
        if (end > 0 && now > end) break;
        end ||= now + TURN_MS;
      }
    }
    return !this.closed && arrivals.more;
  }

  resume(): void {
    const { arrivals, side, side: { reader } } = this;
    reader.unmark();
    arrivals.interrupted = true;
    // This also tells the loop in WebAssembly. A turn of it may be under way.
    if (arrivals.more) void Promise.resolve().then(() => side.arrived());
  }

  abortOf(signal: object): { kind: number; number: number } | undefined {
    const ofSignal = this.lives.signals.numberOf(signal);
    const ofCall = ofSignal ?? this.running.numberOf(signal);
    return ofCall === undefined ? undefined : { kind: ofSignal === undefined ? Kind.cancel : Kind.abort, number: ofCall };
  }

  /** Handles the record that the decoder has. */
  private handleRecord(): void {
    const { words } = decoder;
    this.handle(words[0] as number, (words[1] as number) >>> 0, (words[2] as number) >>> 0, () => decoder.decode(PREFIX, this.functions));
  }

  private takeMessage({ kind, id, of, packet, claim }: RpcMessage): void {
    if (claim && Atomics.exchange(claim, 0, 1) !== 0) return;
    if (kind !== Kind.unread) return this.handle(kind, id, of, () => unpack(packet, this.functions));
    const [was, numbers] = packet.value as [number, number[]];
    this.functions.notReceived(numbers);
    const what = was === Kind.call || was === Kind.revocable ? 'the arguments of this call' : was === Kind.value ? 'the result of this call' : was === Kind.flow ? 'an item of this sequence' : 'the error';
    this.notRead(was, id, of, unreadable(what));
  }

  handle(kind: number, id: number, of: number, read: () => unknown): void {
    if (kind === Kind.revoked) return;
    if (kind === Kind.revocable) this.running.begin(id);
    if (kind === Kind.call || kind === Kind.revocable) return this.serve(id, of, read);
    if (kind === Kind.value || kind === Kind.thrown) this.returned(id);
    let value: unknown;
    try {
      value = read();
    } catch (error) {
      return this.notRead(kind, id, of, error);
    }
    switch (kind) {
      case Kind.value: return this.side.settle(id, 'resolve', value);
      case Kind.thrown: return this.side.settle(id, 'reject', value);
      case Kind.release: return this.functions.receive(value as Release);
      case Kind.cancel: return this.running.cancel(id, value);
      case Kind.abort: return this.lives.signals.abort(of, value);
      case Kind.flow: return this.lives.take(id, of, value);
      case Kind.control: return this.side.control?.(value);
    }
  }

  /** The value of a record cannot be had, because of this error. */
  private notRead(kind: number, id: number, of: number, error: unknown): void {
    switch (kind) {
      case Kind.call: case Kind.revocable: return this.refuse(id, error);
      case Kind.value: case Kind.thrown: return this.side.settle(id, 'reject', error);
      case Kind.cancel: return this.running.cancel(id, error);
      case Kind.abort: return this.lives.signals.abort(of, error);
      case Kind.flow: return this.lives.notRead(id, of, error);
    }
  }

  private serve(id: number, of: number, read: () => unknown): void {
    let result: unknown;
    this.counts.served++;
    const { by, id: outer } = now;
    now.by = this.running;
    now.id = id;
    const { trace, writer: { key } } = this.side;
    let traced = false;
    try {
      const args = read() as unknown[];
      const fixed = this.fixed[of];
      const held = fixed ? undefined : this.functions.find(of);
      if (trace.isOn) {
        trace.begin(key, id, held ? held.work.name : of === Fixed.call ? String(args[0]) : fixedNames[of - 1] ?? '');
        traced = true;
      }
      result = held ? held.work.apply(held.self, args) : fixed?.(...args);
      if (isPromise(result)) {
        this.side.began?.();
        Promise.resolve(result).then((value) => this.answer(id, value), (error: unknown) => this.refuse(id, error)).catch(reportUncaught)
          .then(() => this.side.settled?.(), () => {});
        return;
      }
    } catch (error) {
      return this.refuse(id, error);
    } finally {
      now.by = by;
      now.id = outer;
      if (traced) trace.end(key, id);
    }
    this.answer(id, result);
  }
}
