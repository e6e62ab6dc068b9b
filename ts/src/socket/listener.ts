// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { isFunction } from '../check.js';
import { closedError, unlessClosed, type AioError } from '../errors.js';
import { showAs } from '../face.js';
import type { AioContext } from '../api/context.js';
import type { Registration } from '../api/registration.js';
import type { Watch } from '../api/watch.js';
import type { Callback } from '../runtime/callbacks.js';
import { Readiness } from './readiness.js';
import { AioSocket } from './socket.js';
import { textOf, type SocketAddress, type Transport, type TransportEvents, type TransportServer } from './transport.js';

/**
 * Listens for connections, which `listen()` begins. Those that have come wait here until they are taken, by a call-back of the loop, a promise or
 * an async iteration. It belongs to the thread and the context that `listen()` was given; closing the context closes it.
 */
export class AioListener {
  readonly #context: AioContext;
  /** The listener's name, for messages: its address, unless `listen()` was given another one. */
  readonly name: string;
  readonly #backlog: number;
  readonly #capacity: number | undefined;
  readonly #registration: Registration;
  readonly #connections: Readiness;
  readonly #waiting: AioSocket[] = [];
  #server: TransportServer | undefined;
  #isClosed = false;

  private constructor(context: AioContext, name: string, backlog: number, capacity: number | undefined) {
    this.#context = context;
    this.name = name;
    this.#backlog = backlog;
    this.#capacity = capacity;
    this.#connections = new Readiness(context, `handler of listener '${name}'`, () => this.#waiting.length > 0);
    this.#registration = context.register(() => this.close(), false);
  }

  /** Makes a listener; begin() listens. @internal */
  static async make(
    { context, name, backlog, capacity }: { context: AioContext; name: string; backlog: number; capacity: number | undefined },
    begin: (taken: (peer: SocketAddress, carry: (events: TransportEvents) => Transport) => void) => Promise<TransportServer>,
  ): Promise<AioListener> {
    const listener = new AioListener(context, name, backlog, capacity);
    try {
      const server = await begin((peer, carry) => listener.#arrived(peer, carry));
      listener.#server = server;
      if (!listener.#isClosed) return listener;
      server.close();
    } catch (error) {
      listener.close();
      throw error;
    }
    throw listener.#closed();
  }

  #closed(): AioError {
    return this.#context.thread.over ?? closedError(`listener '${this.name}'`);
  }

  #arrived(peer: SocketAddress, carry: (events: TransportEvents) => Transport): void {
    if (this.#isClosed || this.#waiting.length >= this.#backlog) return;
    this.#waiting.push(AioSocket.make({ context: this.#context, name: textOf(peer), peer, capacity: this.#capacity }, carry));
    this.#connections.tell();
  }

  /**
   * Where it listens: the port is the real one if `listen()` was given 0.
   * @throws AioError ERR_AIO_CLOSED
   */
  get address(): SocketAddress {
    this.#assertOpen();
    return (this.#server as TransportServer).address;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw this.#closed();
  }

  /**
   * Returns the connection that has waited longest; undefined if there is none. Never blocks.
   * @throws AioError ERR_AIO_CLOSED
   */
  take(): AioSocket | undefined {
    this.#assertOpen();
    return this.#waiting.shift();
  }

  /**
   * Resolves with the connection that has waited longest, or with the next one.
   * @throws AioError ERR_AIO_CLOSED: it was closed, before the call or during it; the signal's reason
   */
  async accept(options: WaitOptions = {}): Promise<AioSocket> {
    const signal = signalOf(options);
    signal?.throwIfAborted();
    for (;;) {
      const socket = this.take();
      if (socket) return socket;
      await this.#connections.wait(signal);
    }
  }

  /**
   * Yields each connection as it comes. Ends when the listener is closed; an aborted signal makes it throw the signal's reason. To leave the loop does
   * not close the listener.
   */
  values(options: WaitOptions = {}): AsyncGenerator<AioSocket, void, void> {
    return this.#each({ signal: signalOf(options) });
  }

  /** Yields as {@link values} does. */
  [Symbol.asyncIterator](): AsyncGenerator<AioSocket, void, void> {
    return this.values();
  }

  async *#each(options: WaitOptions): AsyncGenerator<AioSocket, void, void> {
    for (;;) {
      let socket: AioSocket;
      try {
        socket = await this.accept(options);
      } catch (error) {
        return unlessClosed(error);
      }
      yield socket;
    }
  }

  /**
   * Runs the call-back in the context's loop again and again while connections wait to be taken (`aio_set_fd_handler` with `io_read`). A
   * listener has one such call-back at a time.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG, ERR_AIO_NO_MEMORY
   */
  onConnection(run: Callback): Watch {
    isFunction('run', run);
    this.#assertOpen();
    return this.#connections.watch(run);
  }

  /**
   * Listens for connections no longer. Connections that were not taken are closed; those that were stay open. Whoever waits for a connection gets
   * ERR_AIO_CLOSED. Closing it twice does nothing.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#registration.end();
    this.#server?.close();
    for (const socket of this.#waiting.splice(0)) void socket.close();
    this.#connections.fail(this.#closed());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('AioListener', AioListener, ['name', 'address']);
