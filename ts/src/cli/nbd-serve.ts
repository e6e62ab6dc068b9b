// SPDX-License-Identifier: MIT
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { AioError, hostErrno, messageOf } from '../errors.js';
import { Runtime, type AioEngine, type IOThread, type Remote } from '../index.js';
import type { OpenFile } from '../api/open-file.js';
import type { ServeOptions, Sockets } from '../nbd-server/worker.js';
import { tlsStarter, type TlsFiles } from '../nbd-server/tls.js';
import { choice, helpOf, parseNumber, parseOptions, parseSeconds, UsageError, type Command } from './options.js';
import { complain, print } from './output.js';
import { listenAtPath } from './socket-path.js';

const options = {
  bind: { value: 'HOST:PORT', help: 'the address of TCP; port 0: any that is free (127.0.0.1:10809)' },
  unix: { value: 'PATH', help: 'listen at this socket of the file system instead' },
  ws: { help: 'clients connect by WebSocket, as pages do: nbd+ws://HOST:PORT/, or with --tls-cert nbd+wss:' },
  origin: { value: 'URL', help: 'with --ws: pages of this origin may connect, too (several times; those of localhost may always)' },
  'read-only': { help: 'clients cannot write' },
  export: { value: 'NAME', help: 'the name of the export; clients that give none get it, too (none)' },
  aio: { value: 'ENGINE', help: 'auto: threads, but what is in memory as sync; threads, native, io_uring, or sync, with which all clients wait while the disk does (auto)' },
  'aio-max-batch': { value: 'N', help: 'requests that native submits at once; 0: 32 (0)' },
  iothreads: { value: 'N', help: 'IOThreads, which the connections share (1)' },
  'max-connections': { value: 'N', help: 'the most connections at a time (64)' },
  'tls-cert': { value: 'FILE', help: 'the certificate (PEM) of the server: clients have to use TLS' },
  'tls-key': { value: 'FILE', help: 'its key' },
  'tls-ca': { value: 'FILE', help: 'the authority whose certificates clients need, so that nobody else can connect' },
  timeout: { value: 'SECONDS', help: 'the longest time for one request to arrive or one reply to be taken (60)' },
};

const command: Command<keyof typeof options> = {
  name: 'nbd-serve',
  usage: '[OPTION...] FILE',
  about: 'Serves FILE as a block device to clients of the NBD protocol, such as qemu, nbdcopy, and nbd-client of Linux. The requests go through IOThreads in WebAssembly.',
  options,
  operands: 1,
  footer: 'NBD has no authentication: whoever reaches the address can read and write FILE, unless --tls-ca is given. With --ws, pages of other origins than localhost and --origin are refused, and programs are not. Ctrl-C ends it when the requests in flight have ended and FILE is flushed.',
};

/** What --aio may be: `auto`, or an engine that carries out all requests. */
const engines = { auto: 0, threads: 0, native: 0, io_uring: 0, sync: 0 };
type ServingEngine = keyof typeof engines;

/** The port that is reserved for NBD. */
const PORT = 10809;
/** The names of exports have at most so many bytes. */
const MAX_NAME = 4096;

type Address = { host: string; port: number } | { path: string };

/** @throws UsageError */
function addressOf({ bind, unix }: { bind?: string; unix?: string }): Address {
  if (bind !== undefined && unix !== undefined) throw new UsageError('--bind and --unix exclude each other: give one of them');
  if (unix !== undefined) return { path: unix };
  const [, inBrackets, plain, port] = /^(?:\[(.+)\]|([^:[\]]+))(?::(\d+))?$/.exec(bind ?? '127.0.0.1') ?? [];
  const host = inBrackets ?? plain;
  if (host === undefined) throw new UsageError(`--bind=${bind}: must be HOST:PORT, such as 127.0.0.1:${PORT} or [::1]:${PORT}`);
  return { host, port: port === undefined ? PORT : parseNumber('bind', port, 0, 65535) };
}

/** The origins of pages that may connect. @throws UsageError */
function originsOf(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !/^https?:\/\/[^/?#@]+\/?$/i.test(text)) {
      throw new UsageError(`--origin=${text}: must be the origin of a page, such as https://example.org or http://example.org:8080`);
    }
    return url.origin;
  });
}

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address);

/** Listens, and returns the address for clients. */
async function listen(server: Remote<Sockets>, address: Address, name: string, { tls, isWebSocket }: { tls: TlsFiles | undefined; isWebSocket: boolean }): Promise<string> {
  const scheme = isWebSocket ? (tls ? 'nbd+wss' : 'nbd+ws') : tls ? 'nbds' : 'nbd';
  if ('path' in address) {
    await listenAtPath('--unix', address.path, async () => void (await server.listen(address)));
    return `${scheme}+unix:///${encodeURIComponent(name)}?socket=${encodeURIComponent(address.path).replaceAll('%2F', '/')}`;
  }
  const bound = await server.listen(address).catch((cause: unknown) => {
    if (cause instanceof AioError) throw cause;
    const why = hostErrno(cause) === 'EADDRINUSE' ? 'the port is in use: choose another one' : messageOf(cause);
    throw new AioError('ERR_AIO_IO', `--bind=${address.host}:${address.port}: ${why}`, { cause });
  });
  if (typeof bound === 'string') return bound;
  const at = `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
  if (!isLoopback(bound.address) && !tls?.ca) complain(`nbd-serve: ${at} is not of this machine alone, and NBD has no authentication: whoever reaches it can use the file (--tls-ca)`);
  return `${scheme}://${at}/${encodeURIComponent(name)}`;
}

/** Reads the certificates. @throws UsageError @throws AioError ERR_AIO_IO */
async function readTls(given: { 'tls-cert'?: string; 'tls-key'?: string; 'tls-ca'?: string }): Promise<TlsFiles | undefined> {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca } = given;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError('TLS needs both --tls-cert and --tls-key');
  const read = (option: string, path: string): Promise<Buffer> => readFile(path).catch((cause: unknown) => {
    throw new AioError('ERR_AIO_IO', `--${option}=${path}: ${messageOf(cause)}`, { cause });
  });
  return { cert: await read('tls-cert', cert), key: await read('tls-key', key), ca: ca === undefined ? undefined : await read('tls-ca', ca) };
}

/** Checks what TLS begins with. @throws AioError ERR_AIO_IO */
function checkTls(tls: TlsFiles): void {
  try {
    tlsStarter(tls);
  } catch (cause) {
    throw new AioError('ERR_AIO_IO', `--tls-cert, --tls-key, --tls-ca: must be PEM, and the key that of the certificate: ${messageOf(cause)}`, { cause });
  }
}

/** The first IOThread has the sockets, too. */
type WithSockets = [IOThread<Sockets>, ...IOThread[]];

/** Starts the IOThreads. */
async function startAll(runtime: Runtime, count: number, aioMaxBatch: number): Promise<WithSockets> {
  const module = new URL('../nbd-server/worker.js', import.meta.url);
  const [first, ...others] = await Promise.all([
    runtime.iothread<Sockets>('nbd0', { aioMaxBatch, module }), ...Array.from({ length: count - 1 }, (_, n) => runtime.iothread(`nbd${n + 1}`, { aioMaxBatch })),
  ]);
  return [first as IOThread<Sockets>, ...others];
}

/** The file, as one IOThread has opened it. */
interface OpenedFile {
  readonly file: OpenFile;
  readonly aio: AioEngine;
  /** The loop that has the sockets carries out some of its requests itself. */
  readonly isDirect: boolean;
}

/** Opens the file for an IOThread. isFirst: it has the sockets. */
async function openBy(io: IOThread, path: string, aio: ServingEngine, write: boolean, isFirst: boolean): Promise<OpenedFile> {
  const open = async (engine: AioEngine): Promise<OpenFile> => (await io.open(path, { aio: engine, write })) as OpenFile;
  if (aio !== 'auto') return { file: await open(aio), aio, isDirect: false };
  if (isFirst) {
    try {
      return { file: await open('sync'), aio: 'threads', isDirect: true };
    } catch (error) {
      // Where a file belongs to another thread (Deno), the loop's own cannot use it.
      if (!(error instanceof AioError) || error.code !== 'ERR_AIO_UNSUPPORTED') throw error;
    }
  }
  return { file: await open('threads'), aio: 'threads', isDirect: false };
}

/** Opens the file once for each IOThread. */
async function openAll(ioThreads: readonly IOThread[], path: string, aio: ServingEngine, write: boolean): Promise<OpenedFile[]> {
  // A directory can be opened for reading, and a device has no size here.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new AioError('ERR_AIO_IO', `${path}: is no regular file`);
  try {
    return await Promise.all(ioThreads.map((io, n) => openBy(io, path, aio, write, n === 0)));
  } catch (error) {
    const mayRead = write && error instanceof AioError && ['EACCES', 'EROFS', 'EPERM'].includes(error.errno ?? '');
    throw mayRead ? new AioError('ERR_AIO_IO', `${error.message}: if it is to be read only, give --read-only`, { cause: error }) : error;
  }
}

/** The command `wasm-aio nbd-serve`. */
export async function nbdServe(argv: string[]): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  const { last, operands: [path] } = given;
  if (path === undefined) throw new UsageError(`no file is named; usage: wasm-aio nbd-serve ${command.usage}`);
  const address = addressOf(last);
  const isWebSocket = last.ws !== undefined;
  if (isWebSocket && 'path' in address) throw new UsageError('--ws and --unix exclude each other: a page connects by TCP (--bind)');
  if (!isWebSocket && last.origin !== undefined) throw new UsageError('--origin is for pages: give --ws, too');
  const origins = originsOf(given.all.filter(([option]) => option === 'origin').map(([, value]) => value));
  const name = last.export ?? '';
  if (Buffer.byteLength(name) > MAX_NAME) throw new UsageError(`--export: a name has at most ${MAX_NAME} bytes`);
  const isReadOnly = last['read-only'] !== undefined;
  const count = parseNumber('iothreads', last.iothreads ?? '1', 1, 64);
  const aio = choice('aio', last.aio ?? 'auto', engines);
  const aioMaxBatch = parseNumber('aio-max-batch', last['aio-max-batch'] ?? '0', 0, Number.MAX_SAFE_INTEGER);
  const maxConnections = parseNumber('max-connections', last['max-connections'] ?? '64', 1, 65535);
  const timeout = parseSeconds('timeout', last.timeout ?? '60', 86_400);

  const tls = await readTls(last);
  if (tls) checkTls(tls);

  const runtime = await Runtime.create();
  try {
    const ioThreads = await startAll(runtime, count, aioMaxBatch);
    const files = await openAll(ioThreads, path, aio, !isReadOnly);
    const [first] = files;
    const [{ remote: server }] = ioThreads;
    const options: ServeOptions = {
      exported: { name, isReadOnly, size: first?.file.size ?? 0 }, maxConnections, timeout, tls, origins: isWebSocket ? origins : undefined,
      files: files.map(({ file, ...how }) => ({ path, handle: file.host.handle, context: file.ioThread.context, aioMaxBatch: file.settings.aioMaxBatch, ...how })),
    };
    const failed = new Promise<never>((_, reject) => {
      server.begin(options, (text) => complain(`nbd-serve: ${text}`)).catch(reject);
      for (const { closed } of ioThreads) closed.catch(reject);
    });
    failed.catch(() => {});
    try {
      const url = await listen(server, address, name, { tls, isWebSocket });
      const interrupted = new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
      await print(`${url} (Ctrl-C ends it)\n`);
      await Promise.race([interrupted, failed]);
    } finally {
      // If an IOThread is lost, its requests do not end.
      await Promise.race([server.close(), failed]);
    }
    if (!isReadOnly) await first?.file.flush();
  } finally {
    await runtime.close();
  }
  return 0;
}
