// SPDX-License-Identifier: MIT
import { AioError, hostErrno } from '../errors.js';
import { browserBase } from './browser.js';
import type { Range, WorkerHost } from './host.js';
import { holdLock } from './life-lock.js';
import { originDirectory } from './origin.js';
import { scriptFault, whatFetchFinds } from './script-fault.js';
import { agreeOnClock, takeClock } from './thread-clock.js';
import { connectWebSocket } from './web-connect.js';

/** Types that TypeScript's library declares only for dedicated workers. */
interface SyncAccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  flush(): void;
  getSize(): number;
  truncate(size: number): void;
  close(): void;
}
interface WorkerScope {
  addEventListener(type: 'message' | 'messageerror', listener: (event: MessageEvent) => void): void;
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void;
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  close(): void;
}
const scope = globalThis as unknown as WorkerScope;

/** An open file. A file in OPFS belongs to the worker that opened it. */
interface OpenFile {
  readonly access: SyncAccessHandle;
  readonly file: FileSystemFileHandle;
  readonly write: boolean;
}

/** The open files by their handles. */
const opened = new Map<number, OpenFile>();
let lastHandle = 0;

function openFile(handle: number): OpenFile {
  const file = opened.get(handle);
  if (!file) throw Object.assign(new Error('is not open'), { code: 'EBADF' });
  return file;
}

async function find(path: string, create: boolean): Promise<FileSystemFileHandle> {
  const parts = path.split('/').filter((part) => part !== '');
  const name = parts.pop() ?? '';
  let directory = await originDirectory();
  for (const part of parts) directory = await directory.getDirectoryHandle(part);
  return directory.getFileHandle(name, { create });
}

/** Carries out an operation on an open file. An error becomes an errno's name. */
function attempt(work: () => number | string): number | string {
  try {
    return work();
  } catch (error) {
    return hostErrno(error);
  }
}

const pread: WorkerHost['pread'] = (handle, memory, start, length, offset) =>
  attempt(() => opened.get(handle)?.access.read(memory.subarray(start, start + length), { at: offset }) ?? 'EBADF');

const pwrite: WorkerHost['pwrite'] = (handle, memory, start, length, offset) => {
  const file = opened.get(handle);
  if (!file?.write) return 'EBADF';
  return attempt(() => {
    const written = file.access.write(memory.subarray(start, start + length), { at: offset });
    // Where there is no room, Firefox writes nothing, and Chromium returns its error's number (-8) as 2 ** 32 - 8.
    return written > length || (written === 0 && length > 0) ? 'ENOSPC' : written;
  });
};

/** Makes one call for each range, because an access handle has no call for several ranges. */
function each(ranges: readonly Range[], offset: number, call: (range: Range, offset: number) => number | string): number | string {
  let done = 0;
  for (const range of ranges) {
    const result = call(range, offset + done);
    if (typeof result === 'string') return done > 0 ? done : result;
    done += result;
    if (result < range.length) break;
  }
  return done;
}

/** Resolves when the owner can learn of this worker's end. */
const alive = holdLock((message) => scope.postMessage(message));

export const workerHost: WorkerHost = {
  ...browserBase,
  onMessage(listener, unreadable) {
    // The user's code in an IOThread may set onmessage, so this adds a listener. Nothing is done before the worker has its
    // lock, so that the owner is told if it ends.
    scope.addEventListener('message', ({ data }: MessageEvent<unknown>) => void alive.then(() => takeClock(data) || listener(data)));
    scope.addEventListener('messageerror', () => void alive.then(unreadable));
  },
  post: (message, transfer = []) => scope.postMessage(message, transfer),
  agreeOnClock: () => agreeOnClock(scope),
  end: () => scope.close(),

  onUncaught(listener) {
    const heard = (event: Event, error: unknown): void => listener(error, () => event.defaultPrevented);
    scope.addEventListener('error', (event) => heard(event, event.error ?? new Error(event.message)));
    scope.addEventListener('unhandledrejection', (event) => heard(event, event.reason));
  },

  // The error with which import() rejects does not say why a file cannot be loaded.
  whyNotLoaded: async (url, error) => (error instanceof TypeError && (await whatFetchFinds(url, [scriptFault], error))) || error,

  write(fd, bytes) {
    scope.postMessage({ type: 'output', fd, bytes: bytes.slice() });
    return undefined;
  },

  pread,
  pwrite,
  preadv: (handle, memory, ranges, offset) =>
    each(ranges, offset, ({ start, length }, at) => pread(handle, memory, start, length, at)),
  pwritev: (handle, memory, ranges, offset) =>
    each(ranges, offset, ({ start, length }, at) => pwrite(handle, memory, start, length, at)),

  fdatasync(handle) {
    const result = attempt(() => {
      const file = opened.get(handle);
      if (!file) return 'EBADF';
      file.access.flush();
      return 0;
    });
    return typeof result === 'string' ? result : undefined;
  },

  connect(target, events) {
    if ('url' in target) return connectWebSocket(target.url, events);
    throw new AioError('ERR_AIO_UNSUPPORTED', 'a page has neither TCP nor Unix sockets: use nbd+ws:// or nbd+wss://, and a server or proxy that speaks WebSocket');
  },

  files: {
    async open(path, { write, create }) {
      const file = await find(path, create);
      const access = await (file as unknown as { createSyncAccessHandle(): Promise<SyncAccessHandle> }).createSyncAccessHandle();
      opened.set(++lastHandle, { access, file, write });
      return { handle: lastHandle, size: access.getSize() };
    },

    async stat(handle) {
      const { access, file } = openFile(handle);
      return { size: access.getSize(), mtimeMs: (await file.getFile()).lastModified };
    },

    async truncate(handle, size) {
      openFile(handle).access.truncate(size);
    },

    async close(handle) {
      opened.get(handle)?.access.close();
      opened.delete(handle);
    },
  },
};
