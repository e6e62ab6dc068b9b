// SPDX-License-Identifier: MIT
/** Sockets that a C program opens: real TCP clients and servers on Node, and what is not allowed. */
import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { spawned, wasmAio } from './helpers/child.js';
import { cli, fixture } from './helpers/paths.js';

const program = fileURLToPath(fixture('tcp'));

/** All that comes from a socket until its end. */
async function everything(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await once(socket, 'end');
  return Buffer.concat(pieces).toString();
}

test('an ordinary server around poll() serves TCP clients, many at a time, and ends', async () => {
  const clients = 30;
  const child = spawn(process.execPath, [cli, 'run', program, 'serve', String(clients)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const port = new Promise<number>((resolve) => child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
    const [, found] = /port (\d+)\n/.exec(output) ?? [];
    if (found) resolve(Number(found));
  }));
  const ended = once(child, 'close');
  const sockets = await port;
  await Promise.all(Array.from({ length: clients }, async (_, n) => {
    const socket = createConnection({ host: '127.0.0.1', port: sockets, allowHalfOpen: true });
    await once(socket, 'connect');
    const text = `client ${n} `.repeat(5000);
    const answer = everything(socket);
    socket.end(text);
    expect(await answer).toBe(text);
  }));
  expect((await ended)[0]).toBe(0);
  expect(output).toMatch(/served\n$/);
});

test('a program connects to a server, by a number and by the name localhost', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void everything(socket).then((text) => socket.end(`answer to ${text}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = String((server.address() as AddressInfo).port);
  for (const host of ['127.0.0.1', 'localhost']) {
    expect(await wasmAio('run', program, 'connect', host, port)).toMatchObject({ code: 0, stdout: 'answer to question\n', stderr: '' });
  }
  server.close();
  await once(server, 'close');
  expect(await wasmAio('run', program, 'connect', '127.0.0.1', port)).toMatchObject({ code: 1, stderr: 'connect: Connection refused\n' });
});

test('other addresses than those of the loopback need --allow-net, and the message says so', async () => {
  // Warnings of Node are off in these tests otherwise.
  const refused = await spawned('env', ['NODE_OPTIONS=', process.execPath, cli, 'run', program, 'connect', '192.0.2.1', '9']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/may not connect to 192\.0\.2\.1:9: only the loopback is allowed, unless --allow-net/);
  expect(refused.stderr).toMatch(/connect: Permission denied/);
  expect(await wasmAio('run', program, 'connect', 'example.org', '80')).toMatchObject({ code: 1, stderr: 'Name does not resolve (without --allow-net, only numbers and localhost do)\n' });
});

test('getaddrinfo() looks names up by the owner, with --allow-net', async () => {
  // Stands in for Node's resolver: these tests have no network.
  const resolver = `import dns from 'node:dns/promises'; import { syncBuiltinESMExports } from 'node:module';
    dns.lookup = async (name, { family }) => {
      if (name !== 'server.test') throw Object.assign(new Error('unknown'), { code: name === 'busy.test' ? 'EAI_AGAIN' : 'ENOTFOUND' });
      return [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }].filter((one) => !family || one.family === family);
    };
    syncBuiltinESMExports();`;
  const connect = (host: string, port: string, ...more: string[]): ReturnType<typeof spawned> =>
    spawned(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(resolver)}`, cli, 'run', ...more, program, 'connect', host, port]);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void everything(socket).then((text) => socket.end(`answer to ${text}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = String((server.address() as AddressInfo).port);
  try {
    expect(await connect('server.test', port, '--allow-net')).toMatchObject({ code: 0, stdout: 'answer to question\n', stderr: '' });
    const nothing = await connect('nothing.test', port, '--allow-net');
    expect(nothing.code).toBe(1);
    expect(nothing.stderr).toMatch(/^Name does not resolve/);
    expect(await connect('busy.test', port, '--allow-net')).toMatchObject({ code: 1, stderr: 'Temporary failure in name resolution\n' });
    const refused = await spawned('env', ['NODE_OPTIONS=', process.execPath, cli, 'run', program, 'connect', 'server.test', port]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/may not look up server\.test: names of hosts need --allow-net/);
  } finally {
    server.close();
    await once(server, 'close');
  }
});
