// Whether an error is one that a call may end with.

/** docs/errors.md. */
const CODES = [
  'ERR_AIO_PANIC', 'ERR_AIO_WOULD_BLOCK', 'ERR_AIO_CLOSED', 'ERR_AIO_CANCELED', 'ERR_AIO_THREAD_LIMIT', 'ERR_AIO_IO', 'ERR_AIO_INVALID_ARG',
  'ERR_AIO_TIMEOUT', 'ERR_AIO_DEADLOCK', 'ERR_AIO_NO_MEMORY', 'ERR_AIO_UNSUPPORTED', 'ERR_AIO_MODULE', 'ERR_AIO_THREAD_LOST',
];

/** Errors of the program's own, themselves or copied from thread to thread. */
export function isOwn(error, own) {
  return own.has(error) || /^chaos .* of \d+$/.test(error?.message ?? '');
}

/** A worker that was ended from outside held a lock, which nobody can open any more: the runtime fails, and says so. */
export const isLostWithLock = (error) => error?.code === 'ERR_AIO_PANIC' && / ended while it held a lock$/.test(error.message);

/**
 * What is wrong about it; undefined: nothing. of: the record of the runtime, whose `may` has what
 * its program has brought about; allow: what the call itself may end with, a code alone or with an
 * errno (`ERR_AIO_IO EBADF`) or the name of an error that is not ours (`DataCloneError`).
 */
export function judge(error, of, allow, own) {
  if (isOwn(error, own)) return undefined;
  const described = `${error?.name}: ${error?.code ?? ''} ${error?.errno ?? ''} ${error?.stack ?? String(error)}`;
  if (error?.name !== 'AioError') return allow.includes(error?.name) ? undefined : `not an error of ours: ${described}`;
  const { code, errno } = error;
  if (!CODES.includes(code)) return `not a documented code: ${described}`;
  if (typeof error.message !== 'string' || error.message === '') return `without a message: ${described}`;
  if (allow.includes(code) || allow.includes(`${code} ${errno}`)) return undefined;
  if (of?.killed && isLostWithLock(error)) return undefined;
  if (of?.may.has(code) || of?.may.has(`${code} ${errno}`)) return undefined;
  // An earlier step's object is used after its end.
  if (code === 'ERR_AIO_CLOSED' && of?.may.has('ended')) return undefined;
  return `not to be expected here: ${described}`;
}
