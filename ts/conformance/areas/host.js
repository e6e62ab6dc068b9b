// SPDX-License-Identifier: MIT
/** An API that does not take shared memory has to say so; what it may not do is to take it and do something else. */
export default {
  area: 'host',
  title: 'APIs of the host on shared memory',
  requires: ['shared'],
  cases: [
    {
      id: 'text-decoder', title: 'TextDecoder decodes shared memory', clause: 'Encoding dom-textdecoder-decode', requires: ['text'],
      run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(8));
        bytes.set([0x67, 0x72, 0xc3, 0xbc, 0xc3, 0x9f, 0x65, 0x21]);
        equal(new TextDecoder().decode(bytes), 'grüße!');
      },
    },
    {
      id: 'text-decoder-memory', title: 'TextDecoder decodes a part of a shared WebAssembly memory', clause: 'Encoding dom-textdecoder-decode', requires: ['text', 'wasmThreads'],
      run({ equal }) {
        const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
        new Uint8Array(buffer).set([0x68, 0x69], 1000);
        equal(new TextDecoder().decode(new Uint8Array(buffer, 1000, 2)), 'hi');
      },
    },
    {
      id: 'text-encoder', title: 'TextEncoder.encodeInto writes to shared memory', clause: 'Encoding dom-textencoder-encodeinto', requires: ['text'],
      run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(8));
        const { read, written } = new TextEncoder().encodeInto('grüße!', bytes);
        equal([read, written, ...bytes], [6, 8, 0x67, 0x72, 0xc3, 0xbc, 0xc3, 0x9f, 0x65, 0x21]);
      },
    },
    {
      id: 'random-values', title: 'crypto.getRandomValues fills shared memory or throws a TypeError', clause: 'Web IDL AllowShared', requires: ['crypto'],
      run({ equal, ok }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(64));
        try {
          crypto.getRandomValues(bytes);
        } catch (error) {
          equal(bytes.some((byte) => byte !== 0), false, 'written in spite of the error');
          return equal(['TypeError', 'TypeMismatchError'].includes(error.name), true, error.name);
        }
        ok(bytes.some((byte) => byte !== 0), 'nothing was written');
      },
    },
    {
      id: 'digest', title: 'crypto.subtle.digest hashes shared memory or rejects with a TypeError', clause: 'Web IDL AllowShared', requires: ['subtle'],
      async run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(3));
        bytes.set([97, 98, 99]);
        let digest;
        try {
          digest = await crypto.subtle.digest('SHA-256', bytes);
        } catch (error) {
          return equal(error.name, 'TypeError');
        }
        equal([...new Uint8Array(digest, 0, 4)], [0xba, 0x78, 0x16, 0xbf]);
      },
    },
    {
      id: 'blob', title: 'a Blob copies shared memory or is refused by a TypeError', clause: 'Web IDL AllowShared', requires: ['blob'],
      async run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(3)).fill(65);
        let blob;
        try {
          blob = new Blob([bytes]);
        } catch (error) {
          return equal(error.name, 'TypeError');
        }
        bytes.fill(66);
        equal(await blob.text(), 'AAA');
      },
    },
    {
      id: 'response', title: 'a Response copies shared memory or is refused by a TypeError', clause: 'Fetch bodyinit-safely-extract', requires: ['response'],
      async run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(3)).fill(65);
        let response;
        try {
          response = new Response(bytes);
        } catch (error) {
          return equal(error.name, 'TypeError');
        }
        bytes.fill(66);
        equal(await response.text(), 'AAA');
      },
    },
    {
      id: 'stream', title: 'a stream passes a view of shared memory on as it is', clause: 'Streams readable-stream-default-controller-enqueue', requires: ['streams'],
      async run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(3));
        const stream = new ReadableStream({ start: (controller) => (controller.enqueue(bytes), controller.close()) });
        const { value } = await stream.getReader().read();
        equal(value === bytes, true);
      },
    },
    {
      id: 'byte-stream', title: 'a byte stream refuses shared memory, which cannot be transferred', clause: 'Streams readablebytestreamcontroller-enqueue', requires: ['byteStreams'],
      async run({ throws, rejects }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(3));
        let controller;
        const stream = new ReadableStream({ type: 'bytes', start: (own) => (controller = own) });
        throws('TypeError', () => controller.enqueue(bytes), 'enqueue');
        await rejects('TypeError', (async () => await stream.getReader({ mode: 'byob' }).read(bytes))(), 'read');
      },
    },
    {
      id: 'compression', title: 'a CompressionStream compresses shared memory or rejects with a TypeError', clause: 'Compression compress-and-enqueue-a-chunk', requires: ['compression'],
      async run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(1000)).fill(65);
        const compress = new CompressionStream('deflate');
        const writer = compress.writable.getWriter();
        const text = new Response(compress.readable.pipeThrough(new DecompressionStream('deflate'))).text().catch((error) => error);
        try {
          await writer.write(bytes);
          await writer.close();
        } catch (error) {
          await text;
          return equal(error.name, 'TypeError');
        }
        equal(await text, 'A'.repeat(1000));
      },
    },
    {
      id: 'set-overlapping', title: 'set() and copyWithin() on shared memory move overlapping ranges rightly', clause: 'ECMA-262 sec-settypedarrayfromtypedarray',
      run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(8));
        bytes.set([1, 2, 3, 4, 5, 6, 7, 8]);
        bytes.set(bytes.subarray(0, 6), 2);
        equal([...bytes], [1, 2, 1, 2, 3, 4, 5, 6]);
        bytes.copyWithin(0, 2);
        equal([...bytes], [1, 2, 3, 4, 5, 6, 5, 6]);
      },
    },
    {
      id: 'slice-copies', title: 'slice() of a shared view is a private copy', clause: 'ECMA-262 sec-%typedarray%.prototype.slice',
      run({ equal }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(4)).fill(1);
        const copy = bytes.slice(1);
        bytes.fill(2);
        equal([[...copy], copy.buffer instanceof ArrayBuffer, bytes.buffer.slice(0, 2) instanceof SharedArrayBuffer], [[1, 1, 1], true, true]);
      },
    },
    {
      id: 'files', title: 'node:fs reads into shared memory and writes from there', clause: 'Node fs', requires: ['nodeFiles'],
      async run({ equal }) {
        const [fs, { tmpdir }, { join }] = await Promise.all(['node:fs', 'node:os', 'node:path'].map((name) => import(name)));
        const dir = fs.mkdtempSync(join(tmpdir(), 'conformance-'));
        const fd = fs.openSync(join(dir, 'file'), 'w+');
        try {
          const bytes = new Uint8Array(new SharedArrayBuffer(16));
          bytes.set([1, 2, 3, 4]);
          equal(fs.writeSync(fd, bytes, 0, 4, 100), 4, 'written');
          equal([fs.readSync(fd, bytes, 8, 8, 100), ...bytes.subarray(8)], [4, 1, 2, 3, 4, 0, 0, 0, 0], 'read');
          const read = await new Promise((resolve, reject) => fs.read(fd, bytes, 12, 4, 102, (error, count) => (error ? reject(error) : resolve(count))));
          equal([read, ...bytes.subarray(12)], [2, 3, 4, 0, 0], 'read asynchronously');
        } finally {
          fs.closeSync(fd);
          fs.rmSync(dir, { recursive: true });
        }
      },
    },
  ],
};
