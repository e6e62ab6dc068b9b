// SPDX-License-Identifier: MIT
/**
 * close() settles although a thread spins in WebAssembly, and the calls that wait for the thread
 * are rejected. Not every runtime can end such a thread, so the process leaves by exit().
 */
import { Runtime } from 'wasm-aio';

export default async function ({ module, check, exit }) {
  exit();
  const aio = await Runtime.create({ module: module('spin.module') });
  const io = await aio.iothread('io');
  const call = io.call('spin').then(() => 'returned', (error) => error.code);
  while (!aio.call('is_spinning')) await new Promise((resolve) => setTimeout(resolve, 5));
  const closed = await aio.close().then(() => 'resolved', (error) => error.code);
  const called = await call;
  check(/^ERR_AIO_/.test(called), `the call: ${called}`);
  return `close(): ${closed}, the call: ${called}`;
}
