// SPDX-License-Identifier: MIT
import { AioError } from './errors.js';

/** The version of the package, the same as in package.json (a test compares them). */
export const VERSION = '0.1.0';

/** The error that refuses something which another version of the package has made. */
export function otherVersion(what: string, version: unknown): AioError {
  const theirs = typeof version === 'string' ? version : 'another version';
  return new AioError('ERR_AIO_INVALID_ARG', `${what} belongs to wasm-aio ${theirs}, and this is wasm-aio ${VERSION}: use a single version (see npm ls wasm-aio)`);
}
