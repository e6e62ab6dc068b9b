// SPDX-License-Identifier: MIT
/** A page is loaded again, and at last removed, while its workers read files of the origin: their locks become free. */
import { Runtime } from 'wasm-aio';

const RELOADS = 5;

export default async function ({ page, path, check, skip }) {
  if (!page) skip('only pages are loaded again');
  const name = await path('life-reload');
  const frame = document.createElement('iframe');
  const said = [];
  let heard = () => {};
  addEventListener('message', ({ data, source }) => {
    if (source !== frame.contentWindow) return;
    said.push(data);
    heard();
  });
  frame.src = `/frame?script=${new URL('./life-reload.frame.mjs', import.meta.url).pathname}`;
  document.body.append(frame);
  let tries = 0;
  for (let n = 0; n <= RELOADS; n++) {
    while (said.length === 0) await new Promise((resolve) => (heard = resolve));
    const { error, refused } = said.shift();
    check(error === undefined, `after ${n} reloads: ${error}`);
    tries += refused;
    if (n < RELOADS) frame.contentWindow.location.reload();
  }
  frame.remove();

  const aio = await Runtime.create();
  const io = await aio.iothread('io');
  let file;
  while (!file) file = await io.open(name, { write: true }).catch(({ errno }) => void check(errno === 'EBUSY', `the file is ${errno}`));
  const bytes = await file.read(0, 4096);
  check(bytes.length === 4096 && bytes.every((byte, n) => byte === n % 251), `${bytes.length} bytes, or other ones`);
  await file.close();
  await aio.close();
  await (await navigator.storage.getDirectory()).removeEntry(name);
  return `refused ${tries} times as long as the page before had the file`;
}
