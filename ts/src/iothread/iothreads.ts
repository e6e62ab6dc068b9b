// SPDX-License-Identifier: MIT
import { abortable } from '../abort.js';
import type { Buffers } from '../api/buffer.js';
import { FileTable } from '../api/file-table.js';
import type { CloseOptions } from '../runtime/closed.js';
import type { Core } from '../runtime/core.js';
import type { Failed, Part } from '../runtime/part.js';
import { LEAVE_MS, within } from '../runtime/within.js';
import { closedError } from '../errors.js';
import type { Handle, Slot } from '../wire/handle.js';
import { Answers } from './answers.js';
import type { IOThread } from './iothread.js';
import { OwnedIOThread } from './owned-iothread.js';
import type { IOThreadOwner } from './life.js';
import { isSameLoop } from './remote-object.js';
import { startOptions, type IOThreadInfo, type StartOptions } from './options.js';

/** The IOThreads of a runtime, and the files whose requests they carry out. */
export class IOThreads implements Part, IOThreadOwner {
  private readonly all = new Set<OwnedIOThread>();
  readonly files: FileTable;
  readonly answers: Answers;
  readonly whenIdle = new Map<number, () => void>();

  /** fromHandle: makes an object of the owner's thread of a handle that an IOThread has sent. */
  constructor(readonly core: Core, buffers: Buffers, private readonly contextObject: (handle: Handle) => unknown) {
    this.files = new FileTable(core, buffers);
    this.answers = new Answers(core.instance, core.context, core.host, core.loop);
    core.parts.add(this);
  }

  /** The IOThreads that have not ended. */
  get open(): OwnedIOThread[] {
    return [...this.all];
  }

  /** Starts an IOThread: see Runtime.iothread. */
  async start<T>(name: string, options: StartOptions): Promise<IOThread<T>> {
    const checked = startOptions(name, options);
    this.core.assertNotClosing();
    return abortable(checked.signal, () => {
      const ioThread = this.core.run(() => OwnedIOThread.start<T>(this, name, checked));
      this.all.add(ioThread);
      return ioThread.ready(checked);
    }, (ioThread) => ioThread.close());
  }

  /** Makes an object of the owner's thread of a handle that an IOThread has sent. */
  readonly fromHandle = (handle: Handle): unknown => {
    if ((handle.aio as string) !== 'iothread') return this.contextObject(handle);
    const [slot] = handle.slots as [Slot];
    const found = this.open.find(({ loop }) => loop && isSameLoop(loop, slot));
    if (!found) throw closedError(`IOThread '${handle.name}'`);
    return found.remote;
  };

  query(): IOThreadInfo[] {
    return this.open.flatMap((ioThread) => ioThread.query() ?? []);
  }

  /** Removes an IOThread that has ended. */
  forget(ioThread: OwnedIOThread): void {
    this.all.delete(ioThread);
  }

  // ---- As a part of the runtime

  async close(options: CloseOptions): Promise<void> {
    const ended = await Promise.allSettled(this.open.map((ioThread) => ioThread.close(options)));
    // If the host does not close a file, that is not waited for any longer.
    if (!this.core.hasFailed) await within(LEAVE_MS, this.files.close());
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  hurry(options: CloseOptions): void {
    for (const ioThread of this.all) ioThread.close(options).catch(() => {});
  }

  failed(): Failed {
    return { waited: 0, endings: this.open.map(({ life }) => life.failed()) };
  }

  async threadsGone(all: boolean): Promise<void> {
    if (all) for (const isIdle of this.whenIdle.values()) isIdle();
    await within(LEAVE_MS / 3, this.files.closeRest(all));
  }

  idle(ioThread: number): void {
    this.whenIdle.get(ioThread)?.();
  }
}
