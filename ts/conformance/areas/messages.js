// SPDX-License-Identifier: MIT
export default {
  area: 'messages',
  title: 'Messages between threads that block',
  requires: ['workers'],
  cases: [
    {
      id: 'before-blocking', title: 'a message leaves at once though its sender blocks right after it', clause: 'HTML dom-messageport-postmessage', requires: ['shared', 'wait'],
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const other = worker(({ post }, cell) => {
          post('first');
          return Atomics.wait(cell, 0, 0);
        }, cell);
        equal(await other.next(), 'first');
        Atomics.store(cell, 0, 1);
        Atomics.notify(cell, 0);
        await other.ended;
      },
    },
    {
      id: 'while-blocked', title: 'messages to a blocked thread arrive after it, all and in order', clause: 'HTML port-message-queue', requires: ['shared', 'wait'],
      async run({ equal, worker, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const other = worker(async ({ next, received }, cell) => {
          Atomics.wait(cell, 0, 0);
          const early = received.length;
          const all = [];
          while (all.length < 200) all.push(await next());
          return [early, ...all];
        }, cell);
        for (let n = 0; n < 200; n++) other.post(n);
        await until(() => Atomics.notify(cell, 0) === 1);
        const [early, ...all] = await other.ended;
        equal(early, 0, 'messages handled before the next turn of the event loop');
        equal(all, all.map((_, n) => n), 'order');
      },
    },
    {
      id: 'none-during-wait', title: 'no handler runs during a wait, nor in the job that continues after it', clause: 'ECMA-262 sec-dowait', requires: ['shared', 'wait'],
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const other = worker(({ received }, cell) => {
          const seen = [];
          for (let n = 0; n < 20; n++) {
            Atomics.wait(cell, 0, 0, 10);
            seen.push(received.length);
          }
          return Math.max(...seen);
        }, cell);
        for (let n = 0; n < 50; n++) other.post(n);
        equal(await other.ended, 0);
      },
    },
    {
      id: 'port-before-blocking', title: 'a message on a MessagePort leaves at once though its sender blocks', clause: 'HTML dom-messageport-postmessage', requires: ['shared', 'wait'],
      async run({ equal, worker, listen }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { port1, port2 } = new MessageChannel();
        const other = worker(async ({ next, post }, cell) => {
          const port = await next();
          port.postMessage('through the port');
          Atomics.wait(cell, 0, 0);
          post('done');
        }, cell);
        other.post(port2, [port2]);
        const came = new Promise((resolve) => listen(port1, 'message', resolve));
        port1.start();
        equal(await came, 'through the port');
        Atomics.store(cell, 0, 1);
        Atomics.notify(cell, 0);
        await other.ended;
        port1.close();
      },
    },
    {
      id: 'port-queue', title: 'what was posted to a port before it was transferred and started is not lost', clause: 'HTML message-port-transfer',
      async run({ equal, worker }) {
        const { port1, port2 } = new MessageChannel();
        for (let n = 0; n < 20; n++) port1.postMessage(n);
        const other = worker(async ({ next, listen }) => {
          const port = await next();
          const seen = [];
          const all = new Promise((resolve) => listen(port, 'message', (data) => seen.push(data) === 30 && resolve()));
          port.start();
          await all;
          port.close();
          return seen;
        });
        other.post(port2, [port2]);
        for (let n = 20; n < 30; n++) port1.postMessage(n);
        const seen = await other.ended;
        port1.close();
        equal(seen, Array.from({ length: 30 }, (_, n) => n));
      },
    },
    {
      id: 'order', title: '2,000 messages arrive in order in both directions', clause: 'HTML port-message-queue',
      async run({ equal, worker }) {
        const other = worker(async ({ next, post }) => {
          let sorted = true;
          for (let n = 0; n < 2000; n++) {
            sorted &&= (await next()) === n;
            post(n);
          }
          return sorted;
        });
        for (let n = 0; n < 2000; n++) other.post(n);
        for (let n = 0; n < 2000; n++) equal(await other.next(), n, 'answer');
        equal(await other.ended, true, 'in order there');
      },
    },
    {
      id: 'happens-before', title: 'plain writes to shared memory before postMessage are seen by the handler', clause: 'ECMA-262 sec-synchronizes-with', requires: ['shared'],
      async run({ equal, worker }) {
        const memory = new Int32Array(new SharedArrayBuffer(4096));
        const other = worker(async ({ next, post }, memory) => {
          let wrong = 0;
          for (let n = 1; n <= 1000; n++) {
            await next();
            if (memory[1000] !== n) wrong++;
            memory[999] = n;
            post(n);
          }
          return wrong;
        }, memory);
        let wrong = 0;
        for (let n = 1; n <= 1000; n++) {
          memory[1000] = n;
          other.post(n);
          await other.next();
          if (memory[999] !== n) wrong++;
        }
        equal([await other.ended, wrong], [0, 0], 'old values there and here');
      },
    },
    {
      id: 'shares', title: 'a SharedArrayBuffer and its views are shared, with their offsets and lengths', clause: 'HTML structuredserializeinternal', requires: ['shared'],
      async run({ equal, worker }) {
        const buffer = new SharedArrayBuffer(64);
        const other = worker((tools, view, data, buffer) => {
          view[1] = 7;
          data.setUint8(0, 9);
          return [view.byteOffset, view.length, view.buffer.byteLength, data.byteOffset, data.byteLength, view.constructor.name, view.buffer instanceof SharedArrayBuffer, buffer.byteLength];
        }, new Int16Array(buffer, 8, 4), new DataView(buffer, 32, 8), buffer);
        equal(await other.ended, [8, 4, 64, 32, 8, 'Int16Array', true, 64]);
        equal([new Int16Array(buffer)[5], new Uint8Array(buffer)[32]], [7, 9], 'written there');
      },
    },
    {
      id: 'not-transferable', title: 'shared memory in a transfer list is a DataCloneError, and stays usable', clause: 'HTML structuredserializewithtransfer', requires: ['shared'],
      run({ throws, equal }) {
        const { port1, port2 } = new MessageChannel();
        const buffer = new SharedArrayBuffer(8);
        throws('DataCloneError|TypeError', () => port1.postMessage(buffer, [buffer]));
        equal(buffer.byteLength, 8);
        port1.close();
        port2.close();
      },
    },
    {
      id: 'structured-clone', title: 'structuredClone of a SharedArrayBuffer shares its memory', clause: 'HTML structuredserializeinternal', requires: ['shared'],
      run({ equal }) {
        const buffer = new SharedArrayBuffer(8);
        const clone = structuredClone({ buffer, view: new Uint8Array(buffer, 4) });
        clone.view[0] = 5;
        equal([new Uint8Array(buffer)[4], clone.buffer.byteLength, clone.view.buffer === clone.buffer], [5, 8, true]);
      },
    },
    {
      id: 'growable', title: 'a growable SharedArrayBuffer that was posted grows in both threads', clause: 'HTML structuredserializeinternal', requires: ['shared', 'growable'],
      async run({ equal, worker }) {
        const buffer = new SharedArrayBuffer(8, { maxByteLength: 64 });
        const tracking = new Uint8Array(buffer);
        const other = worker((tools, buffer) => {
          buffer.grow(32);
          return [buffer.growable, buffer.maxByteLength];
        }, buffer);
        equal(await other.ended, [true, 64]);
        equal([buffer.byteLength, tracking.length], [32, 32]);
      },
    },
    {
      id: 'timers-between-waits', title: 'timers run in a thread between its waits', clause: 'HTML event-loop-processing-model', requires: ['shared', 'wait'],
      async run({ equal, worker }) {
        const { ended } = worker(async ({ sleep }, cell) => {
          let fired = 0;
          setTimeout(() => fired++, 1);
          for (let n = 0; n < 200 && fired === 0; n++) {
            Atomics.wait(cell, 0, 0, 5);
            await sleep(0);
          }
          return fired;
        }, new Int32Array(new SharedArrayBuffer(4)));
        equal(await ended, 1);
      },
    },
    {
      id: 'transfer-detaches', title: 'a transferred ArrayBuffer is detached here and whole there', clause: 'HTML structuredserializewithtransfer',
      async run({ equal, worker }) {
        const bytes = new Uint8Array(1 << 20).fill(3);
        const other = worker(async ({ next }) => {
          const buffer = await next();
          return [buffer.byteLength, new Uint8Array(buffer).every((byte) => byte === 3)];
        });
        other.post(bytes.buffer, [bytes.buffer]);
        equal([bytes.length, bytes.buffer.byteLength], [0, 0], 'here');
        equal(await other.ended, [1 << 20, true], 'there');
      },
    },
  ],
};
