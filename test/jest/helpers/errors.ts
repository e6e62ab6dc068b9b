// SPDX-License-Identifier: MIT
import { expect } from '@jest/globals';
import { AioError, type AioErrorCode } from 'wasm-aio';

/** The AioError that work ends with; anything else fails the test. */
export async function failure(work: PromiseLike<unknown> | (() => unknown), code: AioErrorCode): Promise<AioError> {
  let value: unknown;
  try {
    value = await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (!(error instanceof AioError)) throw new Error(`not an AioError: ${String(error)}`, { cause: error });
    if (error.code !== code) throw new Error(`${error.code} instead of ${code}: ${error.message}`, { cause: error });
    expect(error.name).toBe('AioError');
    return error;
  }
  throw new Error(`no ${code}, but the value ${String(value)}`);
}
