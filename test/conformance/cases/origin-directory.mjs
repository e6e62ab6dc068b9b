// SPDX-License-Identifier: MIT
/** A directory of the page's origin answers as one of Linux, and keeps its files; elsewhere it is refused by name. */
import { WasiHost } from 'wasm-aio/wasi';
import { useDirectory } from './directories.guest.mjs';

export default async function ({ module, page, check }) {
  if (!page || typeof navigator.storage?.getDirectory !== 'function') {
    const refused = await WasiHost.create({ module: module('directories.module'), dirs: { '/d': { opfs: 'guest' } } }).catch((error) => error);
    check(refused.code === 'ERR_AIO_UNSUPPORTED' && /files of (an|the) origin.*\('mem'\)/.test(refused.message), `${refused.code} ${refused.message}`);
    return 'there is none here, and that is said';
  }
  const origin = await navigator.storage.getDirectory();
  await origin.removeEntry('guest', { recursive: true }).catch(() => {});
  const path = { opfs: '/guest/of/origin' };
  const first = await useDirectory(module, path);
  check(first === '0 all right\n', `first run: ${first}`);
  const again = await useDirectory(module, path, 'again');
  check(again === '0 all right\n', `second run: ${again}`);

  // The page finds the file, and the guest what the page writes.
  let directory = origin;
  for (const name of ['guest', 'of', 'origin', 'kept']) directory = await directory.getDirectoryHandle(name);
  check(await (await (await directory.getFileHandle('file')).getFile()).text() === 'kept', 'what the page finds');
  return undefined;
}
