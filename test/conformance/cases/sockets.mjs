// SPDX-License-Identifier: MIT
/** Sockets in an IOThread: WebSocket everywhere; TCP, Unix sockets and TLS, with listeners, in programs, and refused in pages. */
import { Runtime } from 'wasm-aio';

const LENGTH = 3_000_000;

/** A WebSocket server in a program, which sends back what it is sent. Resolves with its URL and with what closes it. */
async function echoServer() {
  const [{ createServer }, { echo }] = await Promise.all(['node:net', '../echo.mjs'].map((from) => import(from)));
  const open = new Set();
  const server = createServer((socket) => {
    open.add(socket);
    let request = Buffer.alloc(0);
    socket.on('error', () => {}).on('data', function more(bytes) {
      request = Buffer.concat([request, bytes]);
      const end = request.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', more);
      echo(socket, /^sec-websocket-key: *(\S+)/im.exec(request.toString('latin1'))[1], request.subarray(end + 4));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${server.address().port}/echo`,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

export default async function ({ page, path, makeWorker, check }) {
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./sockets.worker.mjs', import.meta.url)) });
  const { remote } = io;
  const ways = [];
  const same = async (what, address, options) => {
    const got = await remote.exchange(address, LENGTH, options);
    check(got === LENGTH, `${what}: ${typeof got === 'number' ? `${got} of ${LENGTH} bytes are right` : JSON.stringify(got)}`);
    ways.push(what);
  };
  const fails = async (what, work, code, errno) => {
    const error = await work;
    check(error?.code === code && error.errno === errno, `${what}: ${JSON.stringify(error)} instead of ${code} ${errno}`);
  };

  if (typeof WebSocket === 'undefined') {
    await fails('a WebSocket where there is none', remote.failure({ url: 'ws://127.0.0.1:9/' }), 'ERR_AIO_UNSUPPORTED');
  } else {
    const server = page ? { url: `ws://${location.host}/echo`, close() {} } : await echoServer();
    await same('WebSocket', { url: server.url });
    await fails('nobody listens', remote.failure({ url: 'ws://127.0.0.1:9/' }), 'ERR_AIO_IO', 'ECONNREFUSED');
    await fails('listen() at a WebSocket', remote.listenFailure({ url: server.url }), 'ERR_AIO_UNSUPPORTED');
    server.close();
  }

  if (page) {
    for (const address of [{ port: 80 }, { path: '/tmp/socket' }]) {
      await fails('connect() in a page', remote.failure(address), 'ERR_AIO_UNSUPPORTED');
      await fails('listen() in a page', remote.listenFailure(address), 'ERR_AIO_UNSUPPORTED');
    }
  } else {
    const { readFileSync } = await import('node:fs');
    const pem = (name) => readFileSync(new URL(`../../jest/fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
    const [cert, key] = [pem('cert'), pem('key')];
    await same('TCP', await remote.echo({ port: 0 }));
    const used = await remote.echo({ port: 0 });
    await fails('a port in use', remote.listenFailure(used), 'ERR_AIO_IO', 'EADDRINUSE');
    await remote.closeListeners();
    await fails('nobody listens', remote.failure(used), 'ERR_AIO_IO', 'ECONNREFUSED');
    await same('TLS', await remote.echo({ port: 0 }, { tls: { cert, key } }), { tls: { ca: cert, servername: 'localhost' } });
    await fails('a certificate that nobody trusts', remote.failure(await remote.echo({ port: 0 }, { tls: { cert, key } }), { tls: {} }), 'ERR_AIO_IO', 'EPROTO');
    if (globalThis.process?.platform !== 'win32') await same('a Unix socket', await remote.echo({ path: await path('socket') }));
    await remote.closeListeners();
  }
  await io.close();
  await aio.close();
  return ways.join(', ');
}
