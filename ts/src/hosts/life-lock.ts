// SPDX-License-Identifier: MIT
/**
 * How the owner of a worker of the web's kind learns that the worker has ended, which no event reports. The worker holds a Web Lock
 * as long as it lives, and tells its owner the lock's name; the owner waits for this lock.
 */
const LOCK = 'wasm-aio lock';

/**
 * In a worker: takes the lock, and tells the owner its name by post. Resolves when the worker holds it; also where there are no
 * locks.
 */
export const holdLock = (post: (message: unknown) => void): Promise<void> => new Promise((resolve) => {
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return resolve();
  const name = `wasm-aio worker ${crypto.randomUUID()}`;
  locks.request(name, () => {
    post({ type: LOCK, name });
    resolve();
    return new Promise(() => {});
  }).catch(() => {
    // The owner hears at least that this worker lives.
    post({ type: LOCK, name: '' });
    resolve();
  });
});

/** Whether a worker tells its lock by this message. The name is empty if it was refused one. */
export const isLock = (message: unknown): message is { name: string } => (message as { type?: unknown } | null)?.type === LOCK;
