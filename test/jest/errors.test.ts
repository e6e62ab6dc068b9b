// SPDX-License-Identifier: MIT
/** Errors: their class, their codes, and errno's numbers on both sides. */
import { expect, test } from '@jest/globals';
import { AioError, Runtime } from 'wasm-aio';
import type * as errnoFile from '../../dist/errno.js';
import type * as errorsFile from '../../dist/errors.js';
import type * as instanceFile from '../../dist/runtime/instance.js';
import { dist, fixture } from './helpers/paths.js';

const { errnoName, errnoNumber } = (await import(dist('errno.js'))) as typeof errnoFile;
const { cString } = (await import(dist('runtime/instance.js'))) as typeof instanceFile;
const { hostErrno } = (await import(dist('errors.js'))) as typeof errorsFile;

// 76 is ENOTCAPABLE, which WASI has and libc has not.
test("errno's names have the numbers that C gives them", async () => {
  const runtime = await Runtime.create({ module: fixture('errno'), reserve: 0 });
  for (let wasi = 1; wasi <= 75; wasi++) {
    const name = errnoName(wasi);
    const number = runtime.call('errno_of', cString(runtime.instance, name)) as number;
    expect(`${name} ${errnoNumber(name)} ${errnoName(number)}`).toBe(`${name} ${number} ${name}`);
    // What C returns finds its name again, and all but one are WASI's.
    if (name !== 'ENOTSUP') expect(number).toBe(wasi);
  }
  await runtime.close();
});

test('a number or a name that there is not', () => {
  expect(errnoName(1000)).toBe('E1000');
  expect(errnoName(errnoNumber('ENOSUCHNAME'))).toBe('EIO');
});

test('an AioError has a code, perhaps an errno and a cause', () => {
  const cause = new Error('why');
  const error = new AioError('ERR_AIO_IO', 'disk.img: it is gone', { errno: 'ENOENT', cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'AioError', code: 'ERR_AIO_IO', message: 'disk.img: it is gone', errno: 'ENOENT', cause });
  const plain = new AioError('ERR_AIO_CLOSED', 'closed');
  expect(plain.errno).toBeUndefined();
  expect('cause' in plain).toBe(false);
});

test("what Node and browsers call their errors is errno's name", () => {
  expect(hostErrno(Object.assign(new Error('x'), { code: 'EACCES' }))).toBe('EACCES');
  expect(hostErrno({ name: 'NotFoundError' })).toBe('ENOENT');
  expect(hostErrno({ name: 'QuotaExceededError' })).toBe('ENOSPC');
  expect(hostErrno(new Error('anything'))).toBe('EIO');
});
