// SPDX-License-Identifier: MIT
import { hostErrno } from '../errors.js';
import { browserBase } from './browser.js';
import type { WorkerHost } from './host.js';

/** What lib.dom declares for dedicated workers only. */
interface SyncAccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  getSize(): number;
  close(): void;
}
interface WorkerScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}
const scope = globalThis as unknown as WorkerScope;

/** By handle number; a file in OPFS belongs to the worker that opened it. */
const files = new Map<number, SyncAccessHandle>();
let lastHandle = 0;

async function find(path: string): Promise<FileSystemFileHandle> {
  const parts = path.split('/').filter((part) => part !== '');
  const name = parts.pop() ?? '';
  let directory = await navigator.storage.getDirectory();
  for (const part of parts) directory = await directory.getDirectoryHandle(part);
  return directory.getFileHandle(name);
}

export const workerHost: WorkerHost = {
  ...browserBase,
  onMessage(listener) {
    scope.onmessage = (event) => listener(event.data);
  },
  post: (message) => scope.postMessage(message),
  end: () => scope.close(),

  write(fd, bytes) {
    scope.postMessage({ type: 'output', fd, bytes: bytes.slice() });
    return undefined;
  },

  pread(handle, into, offset) {
    try {
      return files.get(handle)?.read(into, { at: offset }) ?? 'EBADF';
    } catch (error) {
      return hostErrno(error);
    }
  },

  async open(path) {
    const file = (await find(path)) as unknown as { createSyncAccessHandle(): Promise<SyncAccessHandle> };
    const access = await file.createSyncAccessHandle();
    files.set(++lastHandle, access);
    return { handle: lastHandle, size: access.getSize() };
  },

  async close(handle) {
    files.get(handle)?.close();
    files.delete(handle);
  },
};
