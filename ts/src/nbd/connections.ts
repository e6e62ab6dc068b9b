// SPDX-License-Identifier: MIT
/** The connections of NBD clients, in the IOThread whose loop has the clients (core-c/block/nbd-client.c). */
import { errnoName, errnoNumber } from '../errno.js';
import { AioError, noMemory } from '../errors.js';
import type { HostSocket, WorkerHost } from '../hosts/host.js';
import type { Callbacks } from '../runtime/callbacks.js';
import type { ContextPointer, Pointer } from '../runtime/exports.js';
import { cString, type Instance } from '../runtime/instance.js';
import type { NbdExport, NbdTarget } from './target.js';

/** What C asks for: NbdCall in wasm/runtime/nbd.c. */
const Call = { connect: 0, secure: 1, receive: 2, send: 3, close: 4, opened: 5 } as const;
/** The words of an RtNbd. */
const WORDS = 6;
const CALL = 0;
const CONNECTION = 1;
const IOV = 2;
const NIOV = 3;
const RESULT = 4;
const WHY = 5;

/** A thread has at most so many clients: NBD_MAX_CLIENTS in core-c/block/nbd.h. */
const MAX_CLIENTS = 256;
/** So many bytes are sent at once. */
const MAX_SEND = 1 << 20;
const AGAIN = -errnoNumber('EAGAIN');

/** The thread whose connections these are. */
export interface NbdThread {
  readonly instance: Instance;
  readonly context: ContextPointer;
  readonly host: WorkerHost;
  readonly callbacks: Callbacks;
  /** Calls into the module. */
  run<T>(work: () => T): T;
  /** Something is due in the loop. */
  arrived(): void;
  /** A client needs JavaScript's event loop from now on, and does not any more. */
  began(): void;
  settled(): void;
}

/** One connection of a client. */
interface Connection {
  socket?: HostSocket;
  /** Bytes that have arrived and that C has not received yet. */
  chunk?: Uint8Array;
  full: boolean;
}

/** A client: the export of a server. */
class Client {
  readonly opened: Promise<void>;
  private pointer = 0 as Pointer<'RtNbd'>;
  private readonly callback: number;
  private readonly connections: (Connection | undefined)[] = [];
  private readonly closing = new Set<Promise<void>>();
  private settle!: { resolve(): void; reject(error: unknown): void };
  /** The host's error, which says more than C can. */
  private refused: unknown;

  constructor(private readonly thread: NbdThread, private readonly target: NbdTarget) {
    const { instance, context, callbacks } = thread;
    const { exports } = instance;
    if (!exports.rt_nbd_new) throw new AioError('ERR_AIO_UNSUPPORTED', `${target.url}: the module was built by a version without NBD: build it again`);
    this.opened = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.callback = callbacks.add(() => this.called(), 'connections of an NBD client');
    const name = cString(instance, target.name);
    try {
      this.pointer = thread.run(() => exports.rt_nbd_new?.(
        context, this.callback, name, target.connections, target.tls !== undefined, target.reconnectDelay, target.requestTimeout,
      )) ?? this.pointer;
    } finally {
      exports.rt_free(name);
      if (this.pointer === 0) callbacks.remove(this.callback);
    }
    if (this.pointer === 0) throw noMemory(target.url);
  }

  get export(): NbdExport {
    const { exports, memory } = this.thread.instance;
    return JSON.parse(memory.string(exports.rt_nbd_export(this.pointer))) as NbdExport;
  }

  /** Why a request has ended with this errno, if a connection was lost by it; else ''. */
  why(errno: string): string {
    const { exports, memory } = this.thread.instance;
    return exports.rt_nbd_why ? memory.string(exports.rt_nbd_why(this.pointer, -errnoNumber(errno))) : '';
  }

  /** Resolves when the connections are closed. Until then the thread has to run JavaScript's event loop. */
  async close(): Promise<void> {
    const { pointer, thread: { instance: { exports } } } = this;
    if (pointer !== 0) {
      this.thread.run(() => exports.rt_nbd_free(pointer));
      this.pointer = 0 as Pointer<'RtNbd'>;
      this.thread.callbacks.remove(this.callback);
      this.thread.arrived();
    }
    await Promise.all(this.closing);
  }

  /** C asks for something. The first call comes before the pointer is known, and asks for a connection. */
  private called(): void {
    const words = this.pointer === 0 ? undefined : this.thread.instance.memory.words(this.pointer as unknown as Pointer<'words'>, WORDS);
    const at = words?.[CONNECTION] ?? 0;
    const connection = this.connections[at];
    let result = 0;
    switch (words?.[CALL] ?? Call.connect) {
      case Call.connect:
        this.connect(at);
        break;
      case Call.secure:
        connection?.socket?.secure(this.target.tls ?? {});
        break;
      case Call.receive:
        result = this.receive(connection, words?.[IOV] ?? 0, words?.[NIOV] ?? 0);
        break;
      case Call.send:
        result = this.send(connection, words?.[IOV] ?? 0, words?.[NIOV] ?? 0);
        break;
      case Call.close:
        this.connections[at] = undefined;
        if (connection?.socket) {
          const closed = connection.socket.close().then(() => void this.closing.delete(closed));
          this.closing.add(closed);
        }
        break;
      default:
        this.wasOpened(-((words?.[RESULT] ?? 0) | 0), words?.[WHY] ?? 0);
    }
    if (words) words[RESULT] = result;
  }

  private wasOpened(errnum: number, why: number): void {
    if (errnum === 0) return this.settle.resolve();
    const errno = errnoName(errnum);
    this.settle.reject(this.refused ?? new AioError('ERR_AIO_IO', `${this.target.url}: ${this.thread.instance.memory.string(why)}`, { errno }));
  }

  private connect(at: number): void {
    const connection: Connection = { full: false };
    const { instance, instance: { exports } } = this.thread;
    this.connections[at] = connection;
    // Tells C something about the connection, if it still is one.
    const tell = (work: () => void): void => {
      if (this.connections[at] !== connection || this.pointer === 0) return;
      this.thread.run(work);
      this.thread.arrived();
    };
    const ended = (errno: string, why: string): void => tell(() => {
      this.connections[at] = undefined;
      const text = cString(instance, why);
      exports.rt_nbd_lost(this.pointer, at, errnoNumber(errno), text);
      exports.rt_free(text);
    });
    try {
      connection.socket = this.thread.host.connect(this.target.socket, {
        connected: () => tell(() => exports.rt_nbd_connected(this.pointer, at)),
        data: (bytes) => tell(() => {
          connection.chunk = bytes;
          // C takes a bounded number of pieces each time.
          for (let left = Infinity; connection.chunk && connection.chunk.length < left && this.connections[at] === connection; ) {
            left = connection.chunk.length;
            exports.rt_nbd_readable(this.pointer, at);
          }
        }),
        drained: () => tell(() => {
          if (!connection.full) return;
          connection.full = false;
          exports.rt_nbd_writable(this.pointer, at);
        }),
        ended,
      });
    } catch (error) {
      this.refused = error;
      queueMicrotask(() => ended('ENOTSUP', 'there is no such connection here'));
    }
  }

  private receive(connection: Connection | undefined, iov: number, count: number): number {
    let { chunk } = connection ?? {};
    if (!connection || !chunk) return AGAIN;
    const { memory } = this.thread.instance;
    const { bytes } = memory;
    let done = 0;
    for (const { start, length } of memory.ranges(iov as Pointer<'words'>, count)) {
      const here: Uint8Array = chunk.length > length ? chunk.subarray(0, length) : chunk;
      bytes.set(here, start);
      chunk = chunk.subarray(here.length);
      done += here.length;
      if (chunk.length === 0) break;
    }
    connection.chunk = chunk.length > 0 ? chunk : undefined;
    return done;
  }

  /** The bytes are copied: the host's connection keeps them until they are gone. */
  private send(connection: Connection | undefined, iov: number, count: number): number {
    if (!connection?.socket || connection.full) return AGAIN;
    const { memory } = this.thread.instance;
    const ranges = memory.ranges(iov as Pointer<'words'>, count);
    const { bytes } = memory;
    const copy = new Uint8Array(Math.min(MAX_SEND, ranges.reduce((sum, { length }) => sum + length, 0)));
    let done = 0;
    for (const { start, length } of ranges) {
      const here = Math.min(length, copy.length - done);
      copy.set(bytes.subarray(start, start + here), done);
      done += here;
    }
    connection.full = !connection.socket.send(copy);
    return done;
  }
}

/** The NBD clients of an IOThread. */
export class NbdClients {
  private readonly clients = new Map<number, Client>();
  private readonly opening = new Set<Client>();

  constructor(private readonly thread: NbdThread) {}

  /** Connects to a server, and resolves when the export can be used. */
  async open(target: NbdTarget): Promise<NbdExport> {
    if (this.clients.size + this.opening.size >= MAX_CLIENTS) {
      throw new AioError('ERR_AIO_IO', `${target.url}: this IOThread has ${MAX_CLIENTS} exports open: close one, or open it in another IOThread`, { errno: 'EMFILE' });
    }
    const client = new Client(this.thread, target);
    this.opening.add(client);
    this.thread.began();
    let made: NbdExport | undefined;
    try {
      await client.opened;
      made = client.export;
      this.clients.set(made.handle, client);
      return made;
    } finally {
      this.opening.delete(client);
      if (!made) await this.end(client);
    }
  }

  why(handle: number, errno: string): string | undefined {
    return this.clients.get(handle)?.why(errno);
  }

  async close(handle: number): Promise<void> {
    const client = this.clients.get(handle);
    if (!client) return;
    this.clients.delete(handle);
    await this.end(client);
  }

  private async end(client: Client): Promise<void> {
    await client.close();
    this.thread.settled();
  }

  /** The thread leaves its role. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.opening, ...this.clients.values()].map((client) => client.close()));
  }
}
