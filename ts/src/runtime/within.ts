// SPDX-License-Identifier: MIT

/** How long a worker that was told to leave may take before it is terminated. */
export const LEAVE_MS = 3000;

/** How long a terminated worker may take to end where the host does not report its end: two seconds in Chromium. */
export const TERMINATE_MS = 3000;

/** The longest delay that setTimeout() accepts: about 24 days. */
const LONGEST_MS = 0x7fffffff;

/** Calls work() after ms, unless the function that it returns is called before. */
export function after(ms: number, work: () => void): () => void {
  if (ms > LONGEST_MS) return () => {};
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/** Resolves with whether work has settled within ms. Never rejects. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let cancel = (): void => {};
  const late = new Promise<false>((resolve) => (cancel = after(ms, () => resolve(false))));
  const done = work.then(() => true, () => true);
  return Promise.race([done, late]).finally(cancel);
}
