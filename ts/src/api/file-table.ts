// SPDX-License-Identifier: MIT
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { FileControl, HostFile, OpenMode } from '../hosts/host.js';
import type { Core } from '../runtime/core.js';
import { Role } from '../runtime/exports.js';
import type { Resolvers } from '../runtime/pending.js';
import type { Thread } from '../runtime/threads.js';
import type { Buffers } from './buffer.js';
import { OpenFile, type FileSettings, type OpenFiles, type RequestServer } from './open-file.js';
import type { FromHostIO, ToHostIO } from './host-io.js';
import { RequestMemory } from './staged.js';

/** The bits of a file handle that the host chooses; the others are the generation (FILE_GENERATION_SHIFT in wasm/port/server.h). */
const HANDLE = 0xff_ffff;

const workerEnded = (): AioError => new AioError('ERR_AIO_CANCELED', 'the host I/O worker that had opened the file ended', { errno: 'ECANCELED' });

/**
 * The open files of a runtime. Opens them in the owner's thread or, where a file belongs to one worker, in the
 * host-I/O worker. @internal
 */
export class FileTable implements OpenFiles {
  private readonly open_ = new Set<OpenFile>();
  private hostIO: Thread | undefined;
  /** The upper bits of the handles of files that the current host-I/O worker opens. */
  private generation = 0;
  private lastId = 0;
  /** No thread uses files any more, or none that is worth waiting for. */
  over = false;
  private readonly asked = new Map<number, Resolvers<unknown>>();

  /** The memory of all file requests. */
  readonly memory: RequestMemory;

  constructor(readonly core: Core, buffers: Buffers) {
    this.memory = new RequestMemory(buffers, core.maximumMemory);
  }

  async open(ioThread: RequestServer, path: string, mode: OpenMode, settings: FileSettings): Promise<OpenFile> {
    const opened = await this.control(path, 'open', path, mode);
    try {
      // The IOThread may have been closed meanwhile.
      ioThread.assertOpen();
    } catch (error) {
      this.giveBack(opened.handle).catch(() => {});
      throw error;
    }
    const file = OpenFile.opened(this, ioThread, path, opened, mode, settings);
    this.open_.add(file);
    return file;
  }

  /** Counts a file that is served in another way, so that it is closed with the others. */
  adopt(file: OpenFile): void {
    this.open_.add(file);
  }

  /** Returns whether the file was open. */
  forget(file: OpenFile): boolean {
    return this.open_.delete(file);
  }

  /** Calls one of the host's functions for files, in the thread that opens them. what: the file, for messages. */
  async control<Call extends keyof FileControl>(what: string, call: Call, ...args: Parameters<FileControl[Call]>): Promise<Awaited<ReturnType<FileControl[Call]>>> {
    const { host } = this.core;
    try {
      const files = host.filesAreOwned ? undefined : await host.files?.();
      const work = files?.[call] as ((...args: unknown[]) => Promise<unknown>) | undefined;
      return (await (work ? work(...args) : this.ask(call, args))) as Awaited<ReturnType<FileControl[Call]>>;
    } catch (error) {
      if (error instanceof AioError) throw error;
      const errno = hostErrno(error);
      throw new AioError(errno === 'ENOSYS' ? 'ERR_AIO_UNSUPPORTED' : 'ERR_AIO_IO', `${what}: ${messageOf(error)}`, { errno, cause: error });
    }
  }

  /** The last step of closing a file, when it has no request in flight. */
  async release(file: OpenFile, handle: number): Promise<void> {
    if (!this.forget(file)) return;
    await this.giveBack(handle);
  }

  private async giveBack(handle: number): Promise<void> {
    // Where files are owned, a file is closed with the worker that opened it.
    const isLost = (): boolean => this.core.host.filesAreOwned && (this.over || !this.isCurrent(handle));
    if (isLost()) return;
    try {
      await this.control('close', 'close', handle);
    } catch (error) {
      if (!isLost()) throw error;
    }
  }

  /** Whether the current host-I/O worker has opened the file. */
  private isCurrent(handle: number): boolean {
    return (handle & ~HANDLE) === this.generation;
  }

  private of(ioThread: RequestServer): OpenFile[] {
    return [...this.open_].filter((file) => file.ioThread === ioThread);
  }

  async closeAllOf(ioThread: RequestServer): Promise<void> {
    await Promise.all(this.of(ioThread).map((file) => file.close()));
  }

  /** Stops waiting for the files of a lost IOThread that cannot be closed yet. */
  giveUp(ioThread: RequestServer): void {
    for (const file of this.of(ioThread)) file.giveUp?.();
  }

  /** Closes all files except those of a lost IOThread, and ends the host-I/O worker. */
  async close(): Promise<void> {
    await Promise.all([...this.open_].filter((file) => !file.ioThread.isLost).map((file) => file.close()));
    if (this.hostIO) this.send(this.hostIO, { type: 'end' });
  }

  /**
   * Closes the files that are left, after all threads have ended. gone = false: some threads may still run, but are
   * not waited for any longer.
   */
  async closeRest(gone: boolean): Promise<void> {
    this.over = true;
    const files = [...this.open_];
    for (const file of files) {
      file.close().catch(() => {});
      if (!gone) file.giveUp?.();
    }
    if (gone) await Promise.allSettled(files.map(async (file) => file.closed));
  }

  /** Has the host-I/O worker carry out a call. */
  private async ask(call: keyof FileControl, args: readonly unknown[]): Promise<unknown> {
    this.hostIO ??= this.startHostIO();
    const thread = this.hostIO;
    const opens = call === 'open';
    const [handle, ...rest] = args;
    if (!opens && !this.isCurrent(handle as number)) throw workerEnded();
    const id = ++this.lastId;
    const answered = new Promise<unknown>((resolve, reject) => this.asked.set(id, { resolve, reject }));
    this.send(thread, { type: 'file call', id, call, args: opens ? args : [(handle as number) & HANDLE, ...rest] });
    const { generation } = this;
    const result = await this.core.guard(this, answered);
    return opens ? { ...(result as HostFile), handle: (result as HostFile).handle | generation } : result;
  }

  private send(thread: Thread, message: ToHostIO): void {
    const { exports, memory } = this.core.instance;
    thread.worker.post(message);
    Atomics.add(memory.word(exports.rt_thread_posted(thread.pointer)), 0, 1);
    exports.rt_host_io_ring();
  }

  private startHostIO(): Thread {
    const thread = this.core.run(() => {
      this.core.instance.exports.rt_host_io_none(false);
      return this.core.threads.assign('host I/O', Role.hostIO, 0);
    });
    thread.onMessage = (given) => {
      const message = given as FromHostIO;
      if (message.type !== 'file result' && message.type !== 'file refused') return;
      const asked = this.asked.get(message.id);
      this.asked.delete(message.id);
      if (message.type === 'file result') asked?.resolve(message.result);
      else asked?.reject(Object.assign(new Error(message.message), { code: message.errno }));
    };
    thread.onLost = () => this.replaceHostIO();
    return thread;
  }

  /**
   * Starts a new host-I/O worker after the old one was lost with all files that it had open. Requests that it had not
   * served end with ECANCELED.
   */
  private replaceHostIO(): void {
    const { exports } = this.core.instance;
    this.hostIO = undefined;
    const error = workerEnded();
    for (const { reject } of this.asked.values()) reject(error);
    this.asked.clear();
    this.generation = exports.rt_host_io_lost();
    try {
      this.hostIO = this.startHostIO();
    } catch {
      // Opening the next file tries to start a worker again.
      exports.rt_host_io_none(true);
    }
  }
}
