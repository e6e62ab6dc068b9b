// SPDX-License-Identifier: MIT
export default {
  area: 'opfs',
  title: 'Files of the origin (OPFS)',
  requires: ['opfs'],
  cases: [
    {
      id: 'read-write', title: 'what a synchronous handle has written is read, at the place where it was written', clause: 'File System api-filesystemsyncaccesshandle-read',
      async run({ equal, fresh }) {
        const handle = await (await fresh()).createSyncAccessHandle();
        equal(handle.write(new Uint8Array([1, 2, 3, 4]), { at: 10 }), 4, 'written');
        const bytes = new Uint8Array(8).fill(9);
        equal([handle.getSize(), handle.read(bytes, { at: 8 }), ...bytes], [14, 6, 0, 0, 1, 2, 3, 4, 9, 9]);
        equal(handle.read(bytes, { at: 14 }), 0, 'at the end');
        equal(handle.read(bytes, { at: 1000 }), 0, 'beyond it');
        handle.close();
      },
    },
    {
      id: 'shared-memory', title: 'synchronous handles read into shared memory and write from there', clause: 'File System api-filesystemsyncaccesshandle-read', requires: ['shared'],
      async run({ equal, fresh }) {
        const handle = await (await fresh()).createSyncAccessHandle();
        const bytes = new Uint8Array(new SharedArrayBuffer(16));
        bytes.set([5, 6, 7]);
        equal(handle.write(bytes.subarray(0, 3), { at: 0 }), 3, 'written');
        equal([handle.read(bytes.subarray(8), { at: 1 }), ...bytes.subarray(8, 11)], [2, 6, 7, 0], 'read');
        handle.close();
      },
    },
    {
      id: 'cursor', title: 'without "at" reads and writes go on where the last one ended', clause: 'File System api-filesystemsyncaccesshandle-write',
      async run({ equal, fresh }) {
        const handle = await (await fresh()).createSyncAccessHandle();
        handle.write(new Uint8Array([1, 2, 3]));
        handle.write(new Uint8Array([4]));
        const bytes = new Uint8Array(2);
        handle.read(bytes, { at: 1 });
        equal([...bytes], [2, 3], 'with "at"');
        handle.read(bytes);
        equal([handle.getSize(), ...bytes], [4, 4, 3], 'without');
        handle.close();
      },
    },
    {
      id: 'truncate', title: 'truncate() shortens, lengthens by zeros, and moves the cursor back to the end', clause: 'File System api-filesystemsyncaccesshandle-truncate',
      async run({ equal, fresh }) {
        const handle = await (await fresh()).createSyncAccessHandle();
        handle.write(new Uint8Array([1, 2, 3, 4]));
        handle.truncate(2);
        handle.write(new Uint8Array([5]));
        handle.truncate(5);
        const bytes = new Uint8Array(8).fill(9);
        equal([handle.read(bytes, { at: 0 }), ...bytes], [5, 1, 2, 5, 0, 0, 9, 9, 9]);
        handle.close();
      },
    },
    {
      id: 'exclusive', title: 'a second handle of a file is refused with NoModificationAllowedError until the first is closed', clause: 'File System file-entry-lock-take',
      async run({ rejects, fresh }) {
        const file = await fresh();
        const handle = await file.createSyncAccessHandle();
        await rejects('NoModificationAllowedError', file.createSyncAccessHandle());
        handle.close();
        (await file.createSyncAccessHandle()).close();
      },
    },
    {
      id: 'other-thread', title: 'the lock of a file holds against other threads, too', clause: 'File System file-entry-lock-take',
      async run({ equal, fresh, worker }) {
        const file = await fresh();
        const handle = await file.createSyncAccessHandle();
        const open = (tools, file) => file.createSyncAccessHandle().then((own) => (own.close(), 'opened'), (error) => error.name);
        equal(await worker(open, file).ended, 'NoModificationAllowedError');
        handle.close();
        equal(await worker(open, file).ended, 'opened');
      },
    },
    {
      id: 'freed-by-terminate', title: 'the lock of a terminated worker is freed', clause: 'File System dom-filesystemsyncaccesshandle-close',
      async run({ fresh, worker, sleep }) {
        const file = await fresh();
        const own = worker(async ({ post, next }, file) => {
          const handle = await file.createSyncAccessHandle();
          post('open');
          await next();
          handle.close();
        }, file);
        await own.next();
        own.terminate();
        for (;;) {
          const handle = await file.createSyncAccessHandle().catch(() => undefined);
          if (handle) return handle.close();
          await sleep(10);
        }
      },
    },
    {
      id: 'closed', title: 'a closed handle throws InvalidStateError, and may be closed again', clause: 'File System api-filesystemsyncaccesshandle-read',
      async run({ throws, fresh }) {
        const handle = await (await fresh()).createSyncAccessHandle();
        handle.close();
        handle.close();
        for (const call of ['getSize', 'flush']) throws('InvalidStateError', () => handle[call](), call);
        throws('InvalidStateError', () => handle.read(new Uint8Array(1)), 'read');
      },
    },
    {
      id: 'not-posted', title: 'a synchronous handle cannot be posted, but the file\'s handle can', clause: 'HTML structuredserializeinternal',
      async run({ throws, equal, fresh, worker }) {
        const file = await fresh();
        const handle = await file.createSyncAccessHandle();
        throws('DataCloneError', () => structuredClone(handle));
        handle.write(new Uint8Array([42]));
        handle.flush();
        handle.close();
        equal(await worker(async (tools, file) => [...new Uint8Array(await (await file.getFile()).arrayBuffer())], file).ended, [42]);
      },
    },
    {
      id: 'remove-open', title: 'a file that is open cannot be removed', clause: 'File System api-filesystemdirectoryhandle-removeentry',
      async run({ rejects, fresh }) {
        const root = await navigator.storage.getDirectory();
        const file = await fresh();
        const handle = await file.createSyncAccessHandle();
        await rejects('NoModificationAllowedError', root.removeEntry(file.name));
        handle.close();
        await root.removeEntry(file.name);
        await rejects('NotFoundError', root.getFileHandle(file.name));
      },
    },
    {
      id: 'modes', title: 'with the mode readwrite-unsafe several handles of a file see the writes of each other', clause: 'File System dom-filesystemfilehandle-createsyncaccesshandle', requires: ['opfsModes'],
      async run({ equal, fresh }) {
        const file = await fresh();
        const [one, other] = await Promise.all([1, 2].map(() => file.createSyncAccessHandle({ mode: 'readwrite-unsafe' })));
        one.write(new Uint8Array([1, 2]), { at: 0 });
        const bytes = new Uint8Array(2);
        equal([other.read(bytes, { at: 0 }), ...bytes], [2, 1, 2]);
        one.close();
        other.close();
      },
    },
    {
      id: 'not-in-windows', title: 'createSyncAccessHandle is there in dedicated workers only', clause: 'File System api-filesystemfilehandle-createsyncaccesshandle', on: 'main',
      run({ equal }) {
        equal('createSyncAccessHandle' in FileSystemFileHandle.prototype, false);
      },
    },
  ],
};
