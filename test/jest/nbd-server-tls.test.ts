// SPDX-License-Identifier: MIT
/** The NBD server with TLS: what a client may do before it has begun, and who may begin it. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type ConnectionOptions } from 'node:tls';
import type * as tls from '../../dist/nbd-server/tls.js';
import { wasmAio } from './helpers/child.js';
import { dist, pathOf } from './helpers/paths.js';
import { CMD, OPT, RawNbd, REP, goData, metaData, option } from './helpers/nbd-client.js';
import { nbdServers, type Running } from './helpers/nbd-server.js';

const { tlsStarter } = (await import(dist('nbd-server/tls.js'))) as typeof tls;
const certPath = pathOf('test/jest/fixtures/tls/cert.pem');
const keyPath = pathOf('test/jest/fixtures/tls/key.pem');
const [cert, key] = [readFileSync(certPath), readFileSync(keyPath)];

const startWith = nbdServers();
const start = (ca?: Buffer): Promise<Running> => startWith({ startTls: tlsStarter({ cert, key, ca }) });

/** Asks for TLS and begins it; resolves when the client has done its part. */
async function secured(client: RawNbd, options: ConnectionOptions = {}): Promise<RawNbd> {
  await client.acked(OPT.STARTTLS);
  client.socket.removeAllListeners('data');
  const socket = connect({ socket: client.socket, ca: cert, servername: 'localhost', ...options });
  const inside = new RawNbd(socket);
  await once(socket, 'secureConnect');
  return inside;
}

test('nothing but TLS may begin, and then everything is as without it', async () => {
  const { path, file } = await start();
  const client = await RawNbd.connect(path);
  await client.greet();
  for (const number of [OPT.LIST, OPT.GO, OPT.INFO, OPT.STRUCTURED_REPLY, 99]) expect((await client.negotiate(number, goData()))[0]?.type).toBe(REP.ERR_TLS_REQD);
  expect((await client.negotiate(OPT.STARTTLS, Buffer.alloc(1)))[0]?.type).toBe(REP.ERR_INVALID);
  const inside = await secured(client);
  expect((await inside.negotiate(OPT.STARTTLS))[0]?.type).toBe(REP.ERR_INVALID);
  await inside.acked(OPT.STRUCTURED_REPLY);
  await inside.acked(OPT.SET_META_CONTEXT, metaData('', 'base:allocation'));
  await inside.acked(OPT.GO, goData());
  inside.isStructured = true;
  const { data } = await inside.ask({ type: CMD.READ, offset: 100, length: 50_000 });
  expect(data.subarray(8).equals(file.content.subarray(100, 50_100))).toBe(true);
  expect(await inside.ask({ type: CMD.BLOCK_STATUS, length: 100 })).toMatchObject({ error: 0 });
  inside.close();
});

test('a name without TLS, and what is sent before it has begun, end the connection', async () => {
  const { path, says } = await start();
  const client = await RawNbd.connect(path);
  await client.greet();
  client.send(option(OPT.EXPORT_NAME));
  await says(/NBD_OPT_EXPORT_NAME without TLS/);
  await client.ended;
  const early = await RawNbd.connect(path);
  await early.greet();
  early.send(option(OPT.STARTTLS), option(OPT.STRUCTURED_REPLY));
  await says(/it has sent more before TLS has begun/);
  await early.ended;
  const plain = await RawNbd.connect(path);
  await plain.greet();
  await plain.acked(OPT.STARTTLS);
  plain.send(option(OPT.LIST));
  await says(/TLS has failed/);
  await plain.ended;
});

test('with an authority, a client needs a certificate of it', async () => {
  const { path, says } = await start(cert);
  const stranger = await RawNbd.connect(path);
  await stranger.greet();
  await (await secured(stranger)).ended;
  await says(/TLS has failed/);
  const known = await RawNbd.connect(path);
  await known.greet();
  const inside = await secured(known, { cert, key });
  await inside.acked(OPT.GO, goData());
  expect(await inside.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });
  inside.close();
});

test('certificates that are none are one sentence', async () => {
  const refused = async (...args: string[]): Promise<string> => (await wasmAio('nbd-serve', ...args, 'disk.img')).stderr;
  const [one, none, wrong] = await Promise.all([
    refused(`--tls-cert=${certPath}`), refused(`--tls-cert=${certPath}`, '--tls-key=/none'), refused(`--tls-cert=${certPath}`, `--tls-key=${certPath}`),
  ]);
  expect(one).toBe('wasm-aio: TLS needs both --tls-cert and --tls-key\n');
  expect(none).toMatch(/^wasm-aio: --tls-key=\/none: ENOENT[^\n]*\n$/);
  expect(wrong).toMatch(/^wasm-aio: --tls-cert, --tls-key, --tls-ca: must be PEM, and the key that of the certificate: [^\n]*\n$/);
});
