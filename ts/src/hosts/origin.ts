// SPDX-License-Identifier: MIT

/**
 * Resolves with the directory of the origin's private files (OPFS). Rejects with ENOSYS where there is none: in some browsers,
 * such as WebKitGTK, and in pages that are no secure contexts.
 */
export async function originDirectory(): Promise<FileSystemDirectoryHandle> {
  if (typeof (navigator.storage as StorageManager | undefined)?.getDirectory !== 'function') {
    throw Object.assign(new Error('this browser has no files of the origin (navigator.storage.getDirectory) for this page'), { code: 'ENOSYS' });
  }
  return navigator.storage.getDirectory();
}
