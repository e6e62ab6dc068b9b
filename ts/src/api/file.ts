// SPDX-License-Identifier: MIT
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { HostFile } from '../hosts/host.js';
import type { ToOwner, ToWorker } from '../iothread/messages.js';
import { Role, type FilePointer } from '../runtime/exports.js';
import { resultError, type Runtime } from '../runtime/runtime.js';
import type { Thread } from '../runtime/threads.js';
import type { IOThread } from './iothread.js';

/** A file whose requests an IOThread serves. */
export class AioFile {
  private closing: Promise<void> | undefined;
  private readonly reads = new Set<Promise<unknown>>();

  /** @internal */
  constructor(
    private readonly runtime: Runtime, /** @internal */ readonly ioThread: IOThread, readonly path: string,
    private readonly host: HostFile, /** @internal */ readonly pointer: FilePointer,
  ) {}

  /** Bytes, when it was opened. */
  get size(): number {
    return this.host.size;
  }

  /**
   * Reads `length` bytes at `offset` (both in bytes). Fewer come only where the
   * file ends.
   * @throws AioError ERR_AIO_IO with errno, ERR_AIO_INVALID_ARG,
   * ERR_AIO_NO_MEMORY, ERR_AIO_CLOSED
   */
  async read(offset: bigint | number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const { runtime } = this;
    const { exports, memory } = runtime.instance;
    runtime.assertOpen();
    if (this.closing) throw new AioError('ERR_AIO_CLOSED', `${this.path}: the file is closed`);
    this.ioThread.assertOpen();
    const at = Number(offset);
    if (!Number.isSafeInteger(at) || at < 0) {
      throw new AioError('ERR_AIO_INVALID_ARG', `the offset must be an integer from 0 to 2^53 - 1, not ${String(offset)}`);
    }
    if (!Number.isInteger(length) || length < 0 || length > 0x7fffffff) {
      throw new AioError('ERR_AIO_INVALID_ARG', `the length must be an integer from 0 to 2^31 - 1, not ${String(length)}`);
    }
    const buffer = runtime.run(() => exports.malloc(Math.max(length, 1)));
    if (buffer === 0) {
      throw new AioError('ERR_AIO_NO_MEMORY', `no room for ${length} bytes in the shared memory (maximumMemory)`);
    }
    const request = runtime.request(this.ioThread, (id) => {
      if (!exports.rt_file_read(this.ioThread.context, this.pointer, buffer, length, at, id)) {
        throw new AioError('ERR_AIO_NO_MEMORY', 'the shared memory is full (maximumMemory)');
      }
    });
    this.reads.add(request);
    // If the thread that serves it is lost, the buffer may still be written: it
    // stays allocated then.
    try {
      const result = await request;
      const bytes = memory.copy(buffer, Math.max(result, 0));
      exports.free(buffer);
      if (result < 0) throw resultError(result, `${this.path}: read of ${length} bytes at ${at}`);
      return bytes;
    } finally {
      this.reads.delete(request);
    }
  }

  /** Closes it when the reads that are in flight have ended. Idempotent. */
  close(): Promise<void> {
    this.closing ??= Promise.allSettled(this.reads).then(() => this.runtime.files.release(this, this.host.handle));
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Waiting {
  resolve(file: HostFile): void;
  reject(error: Error): void;
}

/** The open files; opens them here, or in the one worker that may. @internal */
export class FileTable {
  private readonly open_ = new Set<AioFile>();
  private hostIO: Thread | undefined;
  private lastId = 0;
  private readonly waiting = new Map<number, Waiting>();

  constructor(private readonly runtime: Runtime) {}

  async open(ioThread: IOThread, path: string): Promise<AioFile> {
    const { host, instance } = this.runtime;
    let opened: HostFile;
    try {
      opened = host.filesAreOwned ? await this.ask({ type: 'open', path }) : await host.open(path);
    } catch (error) {
      if (error instanceof AioError) throw error;
      const errno = hostErrno(error);
      throw new AioError('ERR_AIO_IO', `${path}: ${messageOf(error)}`, { errno, cause: error });
    }
    let pointer: FilePointer;
    try {
      // It may have been closed meanwhile.
      ioThread.assertOpen();
      pointer = this.runtime.run(() => instance.exports.rt_file_new(opened.handle, host.filesAreOwned ? 1 : 0));
      if (pointer === 0) throw new AioError('ERR_AIO_NO_MEMORY', 'the shared memory is full (maximumMemory)');
    } catch (error) {
      this.giveBack(opened.handle).catch(() => {});
      throw error;
    }
    const file = new AioFile(this.runtime, ioThread, path, opened, pointer);
    this.open_.add(file);
    return file;
  }

  /** The last step of closing a file: no request of it is in flight. */
  async release(file: AioFile, handle: number): Promise<void> {
    if (!this.open_.delete(file)) return;
    this.runtime.instance.exports.rt_file_free(file.pointer);
    await this.giveBack(handle);
  }

  private async giveBack(handle: number): Promise<void> {
    const { host } = this.runtime;
    if (host.filesAreOwned) await this.ask({ type: 'close', handle });
    else await host.close(handle);
  }

  async closeAllOf(ioThread: IOThread): Promise<void> {
    await Promise.all([...this.open_].filter((file) => file.ioThread === ioThread).map((file) => file.close()));
  }

  /** Ends the host-I/O worker; all files are closed. */
  async close(): Promise<void> {
    await Promise.all([...this.open_].map((file) => file.close()));
    if (this.hostIO) this.send(this.hostIO, { type: 'end' });
  }

  private ask(request: { type: 'open'; path: string } | { type: 'close'; handle: number }): Promise<HostFile> {
    this.hostIO ??= this.startHostIO();
    const thread = this.hostIO;
    const id = ++this.lastId;
    const answered = new Promise<HostFile>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.send(thread, { ...request, id });
    return this.runtime.guard(this, answered);
  }

  private send(thread: Thread, message: ToWorker): void {
    const { exports, memory } = this.runtime.instance;
    thread.worker.post(message);
    Atomics.add(memory.word(exports.rt_thread_posted(thread.pointer)), 0, 1);
    exports.rt_host_io_ring();
  }

  private startHostIO(): Thread {
    const thread = this.runtime.run(() => this.runtime.threads.assign('host I/O', Role.hostIO, 0));
    thread.onMessage = (message: ToOwner) => {
      if (message.type !== 'opened' && message.type !== 'closed' && message.type !== 'refused') return;
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.type === 'opened') waiting?.resolve(message.file);
      else if (message.type === 'closed') waiting?.resolve({ handle: 0, size: 0 });
      else waiting?.reject(new AioError('ERR_AIO_IO', message.message, { errno: message.errno }));
    };
    thread.onLost = () => {
      this.hostIO = undefined;
      const error = new AioError('ERR_AIO_CANCELED', 'the host I/O worker ended', { errno: 'ECANCELED' });
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
    return thread;
  }
}
