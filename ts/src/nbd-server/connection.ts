// SPDX-License-Identifier: MIT
import type { Duplex } from 'node:stream';
import { Account, type Budget } from './budget.js';
import { blockLengthOf, carryOut, payloadOf, refusalOf, Refusal, type Target } from './commands.js';
import type { Block, ServedFile } from './file.js';
import { Incoming, type Message } from './incoming.js';
import { Negotiation, type Answer, type Export } from './negotiation.js';
import { CMD_DISC, CMD_WRITE, Fault, type Request } from './protocol.js';
import { greeting } from './replies.js';

/** What all connections share, and whom they tell. */
export interface Shared {
  readonly exported: Export;
  readonly budget: Budget;
  /** Begins TLS on the socket of a connection; absent if the server has no certificate. */
  readonly startTls?: ((socket: Duplex) => Promise<Duplex>) | undefined;
  /** Something is wrong with a connection, or a request has failed. */
  report(why: string): void;
  /** No request can succeed any more. */
  fail(error: unknown): void;
}

/** So long, in ms, a peer may take to close its side after the server has closed its own. */
const LINGER_MS = 1000;
/** The most time, in ms, for the whole handshake. */
const HANDSHAKE_MS = 10_000;

/** A request, and the memory for its data or that of its reply. */
interface Admitted {
  readonly request: Request;
  readonly block: Block | undefined;
  readonly refusal: Refusal | undefined;
}

/** One client. Requests are carried out at once, and replies are sent in the order in which they end. */
export class Connection implements Target {
  #socket: Duplex;
  #incoming = new Incoming();
  #negotiation: Negotiation;
  readonly #account: Account;
  #isNegotiated = false;
  /** The request that waits for memory. */
  #waiting: Request | undefined;
  /** A write whose data has not arrived. */
  #write: Admitted | undefined;
  #inFlight = 0;
  /** Replies that the peer has not taken. */
  #unsent = 0;
  #isCorked = false;
  /** No more requests are taken. */
  #isEnding = false;
  /** The peer sends nothing any more. */
  #hasPeerEnded = false;
  #isTls = false;
  /** When the handshake, the message that arrives, and the reply that is sent have begun; undefined if there is none. */
  #since: { message: number | undefined; reply: number | undefined } = { message: performance.now(), reply: undefined };
  /** Resolves when the socket is closed and no request is in flight. */
  readonly closed: Promise<void>;
  #resolveClosed!: () => void;

  constructor(socket: Duplex, private readonly shared: Shared, readonly file: ServedFile, private readonly name: string) {
    this.#socket = socket;
    this.#account = new Account(shared.budget);
    this.#negotiation = new Negotiation(shared.exported, shared.startTls ? 'needed' : 'none');
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#listen(socket);
    socket.write(greeting());
  }

  get exported(): Export {
    return this.shared.exported;
  }

  get isStructured(): boolean {
    return this.#negotiation.isStructured;
  }

  get hasAllocation(): boolean {
    return this.#negotiation.hasAllocation;
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  #listen(socket: Duplex): void {
    socket.on('data', (chunk: Buffer) => this.#arrived(chunk)).on('end', () => {
      this.#hasPeerEnded = true;
      this.#takeMessages();
    });
    // The socket is closed after an error. Only a WebSocket knows of faults.
    socket.on('error', (error) => {
      if (error instanceof Fault) this.#fault(error);
    }).on('close', () => {
      if (socket !== this.#socket) return;
      this.#reportHalf();
      this.#abandon();
      this.file.forget(this);
      this.#closeIfIdle();
    });
  }

  #arrived(chunk: Buffer): void {
    // What arrives after the last request is not looked at.
    if (this.#isEnding) return;
    this.#incoming.push(chunk);
    this.#takeMessages();
  }

  /** If the peer was in the middle of a message when it closed its side, somebody may want to know. */
  #reportHalf(): void {
    if (!this.#waiting && this.#incoming.isWithinMessage) this.#report('closed the connection in the middle of a message');
  }

  #takeMessages(): void {
    const { file } = this;
    file.plug();
    try {
      while (!this.#isEnding && !this.#waiting && !this.#isTls) {
        const message = this.#incoming.next();
        if (!message) break;
        this.#take(message);
        if (this.#isNegotiated) this.#since.message = undefined;
      }
    } catch (error) {
      this.#fault(error);
      return;
    } finally {
      file.unplug();
    }
    if (this.#hasPeerEnded && !this.#waiting && !this.#isEnding) {
      this.#reportHalf();
      this.end();
    }
    if (!this.#isNegotiated) return;
    if (this.#waiting || !this.#incoming.isWithinMessage) this.#since.message = undefined;
    else this.#since.message ??= performance.now();
  }

  #take(message: Message): void {
    switch (message.kind) {
      case 'flags':
        this.#negotiation.clientFlags(message.flags);
        break;
      case 'option':
        this.#answer(this.#negotiation.answer(message.option, message.data));
        break;
      case 'request':
        this.#admit(message.request);
        break;
      case 'data':
        if (this.#write) this.#begin(this.#write);
        this.#write = undefined;
        break;
    }
  }

  #answer({ replies, then }: Answer): void {
    // A client that sends options and reads no replies ends in time, since the handshake has a limit.
    for (const reply of replies) this.#socket.write(reply);
    if (then === 'end') {
      this.end();
    } else if (then === 'transmission') {
      this.#incoming.beginTransmission();
      this.#isNegotiated = true;
    } else if (then === 'tls') {
      // What was sent before TLS must not be taken for a part of it.
      if (this.#incoming.isWithinMessage) throw new Fault('it has sent more before TLS has begun');
      void this.#startTls();
    }
  }

  async #startTls(): Promise<void> {
    const plain = this.#socket;
    this.#isTls = true;
    plain.removeAllListeners('data').removeAllListeners('end');
    try {
      const socket = await this.shared.startTls?.(plain);
      if (!socket || plain.destroyed) return;
      this.#socket = socket;
      this.#negotiation = this.#negotiation.afterTls();
      this.#isTls = false;
      this.#listen(socket);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** Begins a request, or waits for the data of a write, once there is memory for it. */
  #admit(request: Request): void {
    if (request.type === CMD_DISC) return this.end();
    const goOn = (): void => {
      this.#waiting = undefined;
      this.#socket.resume();
      this.#takeMessages();
    };
    const isTaken = this.#account.take(payloadOf(request), () => {
      if (this.#allocate(request, goOn)) goOn();
    });
    if (isTaken && this.#allocate(request, goOn)) return;
    this.#waiting = request;
    this.#socket.pause();
  }

  /** Returns false if the request waits for memory; goOn() is called when it has begun. */
  #allocate(request: Request, goOn: () => void): boolean {
    const refusal = refusalOf(request, this);
    const length = refusal ? 0 : blockLengthOf(request, this.isStructured);
    const block = length === 0 ? undefined : this.file.allocate(length, (granted) => {
      if (this.#waiting !== request) return this.#free({ request, block: granted, refusal });
      this.#admitted({ request, block: granted, refusal: granted ? undefined : new Refusal('ENOMEM', `there is no memory for ${length} bytes`) });
      goOn();
    });
    if (length > 0 && !block) return false;
    this.#admitted({ request, block, refusal });
    return true;
  }

  #admitted(admitted: Admitted): void {
    const { request, block } = admitted;
    if (request.type === CMD_WRITE && request.length > 0) {
      this.#incoming.receive(block?.bytes);
      this.#write = admitted;
    } else {
      this.#begin(admitted);
    }
  }

  #begin(admitted: Admitted): void {
    const { request, block, refusal } = admitted;
    if (refusal) return this.#send(refusal.replyTo(request, this.isStructured), admitted);
    this.#inFlight++;
    carryOut(request, block, this, {
      reply: (bytes) => {
        this.#inFlight--;
        this.#send(bytes, admitted);
        this.#closeIfIdle();
      },
      report: this.#report,
      failed: (error) => {
        this.#inFlight--;
        this.#free(admitted);
        this.shared.fail(error);
        this.#closeIfIdle();
      },
    });
  }

  #free({ request, block }: Admitted): void {
    block?.free();
    this.#account.give(payloadOf(request));
  }

  /** Sends a reply; its memory is given back when the peer has taken it. */
  #send(reply: Buffer, admitted: Admitted): void {
    if (this.#socket.destroyed) return this.#free(admitted);
    // Replies of requests that have ended together go together.
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#unsent++;
    this.#since.reply ??= performance.now();
    let isTaken = false;
    this.#socket.write(reply, () => {
      // A stream that has failed may say so twice.
      if (isTaken) return;
      isTaken = true;
      this.#unsent--;
      this.#since.reply = this.#unsent > 0 ? performance.now() : undefined;
      this.#free(admitted);
      this.#closeIfIdle();
    });
  }

  /** The connection is closed, because its peer has done something wrong. */
  #fault(error: unknown): void {
    const why = error instanceof Fault ? error.message : String(error);
    this.#report(`${why}: the connection was closed`);
    this.destroy();
  }

  readonly #report = (why: string): void => this.shared.report(`${this.name}: ${why}`);

  /** Forgets what has not arrived completely. */
  #abandon(): void {
    this.#isEnding = true;
    this.#account.stop();
    if (this.#write) this.#free(this.#write);
    this.#write = undefined;
    this.#waiting = undefined;
    this.#incoming = new Incoming();
  }

  /** Takes no more requests, and closes the connection when all of those in flight are answered. */
  end(): void {
    if (this.#isEnding) return;
    this.#abandon();
    this.#closeIfIdle();
  }

  /** Closes the connection at once. Requests that are in flight end without a reply. */
  destroy(): void {
    this.#abandon();
    this.#socket.destroy();
  }

  #closeIfIdle(): void {
    if (!this.#isEnding || this.#inFlight > 0) return;
    if (this.#socket.destroyed) return this.#resolveClosed();
    if (this.#unsent > 0 || this.#socket.writableEnded) return;
    // To destroy it at once might take the last replies with it. What the peer still sends is read, and dropped.
    this.#socket.end();
    this.#socket.resume();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(linger));
  }

  /** Closes the connection if the peer takes too long: timeout ms for one request to arrive, or for one reply to be taken. */
  checkTime(now: number, timeout: number): void {
    const { message, reply } = this.#since;
    const isLate = (since: number | undefined, limit: number): boolean => since !== undefined && now - since > limit;
    if (this.#socket.destroyed) return;
    if (isLate(reply, timeout)) this.#fault(new Fault('it does not read its replies'));
    else if (this.#isEnding) return;
    else if (this.#isNegotiated && isLate(message, timeout)) this.#fault(new Fault('a request does not arrive completely'));
    else if (!this.#isNegotiated && isLate(message, Math.min(timeout, HANDSHAKE_MS))) this.#fault(new Fault('the handshake takes too long'));
  }
}
