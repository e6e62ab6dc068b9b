// SPDX-License-Identifier: MIT

/** Iterates the result of a call whose promise this is. */
function iterate(this: Promise<AsyncIterable<unknown>>): AsyncIterator<unknown> {
  let iterator: Promise<AsyncIterator<unknown>> | undefined;
  const begin = (): Promise<AsyncIterator<unknown>> => (iterator ??= this.then((result) => result[Symbol.asyncIterator]()));
  return {
    next: async () => (await begin()).next(),
    return: async (value) => (await begin()).return?.(value) ?? { done: true, value },
    throw: async (error) => {
      const { throw: interrupt } = await begin();
      if (interrupt) return interrupt.call(await begin(), error);
      throw error;
    },
  };
}

/** Makes the promises that a function returns iterable: `for await (const row of io.remote.rows())`. */
export const iterable = (work: (...args: unknown[]) => Promise<unknown>) => (...args: unknown[]): Promise<unknown> => {
  const promise = work(...args);
  (promise as Promise<unknown> & { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] = iterate;
  return promise;
};
