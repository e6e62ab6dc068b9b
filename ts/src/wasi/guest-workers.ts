// SPDX-License-Identifier: MIT
import { messageOf } from '../errors.js';
import type { HostWorker, MadeWorker, OwnerHost } from '../hosts/host.js';
import { TERMINATE_MS, within } from '../runtime/within.js';
import type { FromGuest, GuestInit, GuestMessage } from './guest-worker.js';

/** What the owner is told about the threads of a guest. */
export interface GuestEvents {
  /** The guest has ended, in one of its threads. */
  exited(code: number): void;
  /** A thread has trapped, or its worker is lost. */
  died(message: string): void;
  /** The module cannot be instantiated. */
  refused(message: string): void;
  /** A thread wants another one to be started. */
  spawn(tid: number, argument: number): void;
  /** A thread has returned from wasi_thread_start. */
  threadEnded(): void;
}

/** The workers in which a guest runs that aiocc has not built. A worker whose thread has ended runs the next one. */
export class GuestWorkers {
  private readonly all = new Set<HostWorker>();
  /** The worker of the first thread. */
  private first: HostWorker | undefined;
  /** Workers whose threads have ended: each starts another thread. */
  private readonly idle: ((init: GuestInit) => void)[] = [];

  constructor(
    private readonly host: OwnerHost, private readonly make: (name: string) => MadeWorker, private readonly events: GuestEvents,
  ) {}

  /** The number of threads that run. */
  get running(): number {
    return this.all.size - this.idle.length;
  }

  /** Starts a thread of the guest. Throws the host's error if no worker can be started. */
  run(init: GuestInit): void {
    const start = this.idle.pop() ?? this.newWorker(init.thread ? 'thread' : 'main');
    start(init);
  }

  /** Sends a message to the first thread. Throws the platform's DataCloneError if it cannot be cloned. */
  post(message: GuestMessage, transfer: readonly object[] = []): void {
    this.first?.post(message, transfer as Transferable[]);
  }

  private newWorker(name: string): (init: GuestInit) => void {
    const { events } = this;
    let over = false;
    const worker = this.host.startWorker(name, {
      message: (data) => {
        const message = data as FromGuest | { type: 'output'; fd: number; bytes: Uint8Array };
        over ||= /^guest-(exit|died|refused)$/.test(message.type);
        switch (message.type) {
          case 'guest-exit':
            return events.exited(message.code);
          case 'guest-died':
            return events.died(message.message);
          case 'guest-refused':
            return events.refused(message.message);
          case 'guest-message':
            return this.post(message);
          case 'guest-spawn':
            return events.spawn(message.tid, message.argument);
          case 'guest-thread-ended':
            this.idle.push(start);
            return events.threadEnded();
          case 'output':
            this.host.write(message.fd, message.bytes);
        }
      },
      unreadable: () => events.died('a message of its worker cannot be read'),
      error: (error) => events.died(messageOf(error)),
      exit: () => {
        if (!over) events.died('the worker of a thread ended');
      },
    }, this.make);
    const start = (init: GuestInit): void => worker.post(init);
    this.all.add(worker);
    this.first ??= worker;
    return start;
  }

  /**
   * Terminates all workers. Resolves with the number of those whose end the host has not confirmed: one that spins or waits in the
   * guest's own code may never end (Deno, Bun). It can only access the guest's memory.
   */
  async terminate(): Promise<number> {
    const workers = [...this.all];
    this.all.clear();
    this.idle.length = 0;
    for (const worker of workers) worker.terminate();
    const gone = await Promise.all(workers.map((worker) => within(TERMINATE_MS, worker.gone ?? Promise.resolve())));
    return gone.filter((ended) => !ended).length;
  }
}
