// SPDX-License-Identifier: MIT
/** Sockets for an IOThread's own code: what the entry `wasm-aio/socket` exports. */
import { onAbort, type WaitOptions } from '../abort.js';
import { checkThat, isInteger, isObject, isSignal, isText, optionsOf, type Check, type Checks } from '../check.js';
import { AioError, hostErrno, messageOf } from '../errors.js';
import { kindOf } from '../face.js';
import type { AioContext } from '../api/context.js';
import type { TlsOptions } from '../hosts/host.js';
import { AioListener } from './listener.js';
import { AioSocket, isCapacity } from './socket.js';
import { textOf, transports, type Listenable, type ListenTls, type SocketAddress } from './transport.js';

export type { AioListener, AioSocket };
export type { ListenTls, SocketAddress } from './transport.js';
export type { TlsOptions } from '../hosts/host.js';
export type { AioContext } from '../api/context.js';
export type { Watch } from '../api/watch.js';
export type { WaitOptions } from '../abort.js';

/** What sockets that connect() makes, and those of a listener, have in common. */
export interface SocketOptions extends WaitOptions {
  /** The name for messages. Default: the address as text. */
  name?: string;
  /** Bytes that may wait in each direction before the other side has to wait; at most 1 GiB. Default 64 KiB. */
  capacity?: number;
}

/** Options of {@link connect}. */
export interface ConnectOptions extends SocketOptions {
  /** Connects by TLS; `{}` trusts the authorities that the host trusts. */
  tls?: TlsOptions;
}

/** Options of {@link listen}. */
export interface ListenOptions extends SocketOptions {
  /** Speaks TLS with its clients, with this certificate and its key. */
  tls?: ListenTls;
  /** How many connections may wait to be taken; further ones are closed. Default 128. */
  backlog?: number;
}

// In a worker the context's class is that of the worker's bundle, so that instanceof does not know it.
const isContext = checkThat('an AioContext', (value) => kindOf(value as object) === 'AioContext');
const isPort = isInteger(0, 65535);
const isWebSocketUrl = checkThat('an address that begins with ws: or wss:', (value) => /^wss?:$/.test(new URL(value as string).protocol));

const shared = { signal: isSignal, name: isText, capacity: isCapacity };
const tlsClient: Checks<TlsOptions> = { ca: isText, cert: isText, key: isText, servername: isText };
const tlsServer: Checks<ListenTls> = { ca: isText, cert: isText, key: isText };
const connectChecks: Checks<ConnectOptions> = { ...shared, tls: isObject };
const listenChecks: Checks<ListenOptions> = { ...shared, tls: isObject, backlog: isInteger(1, 1 << 20) };

/** Reads an address once, and checks it. */
function addressOf(given: SocketAddress): SocketAddress {
  const known: Record<string, Check> = { port: isPort, host: isText, path: isText, url: isWebSocketUrl };
  const address = optionsOf<Record<string, unknown>>(given, known, 'address');
  const keys = Object.keys(address).sort().join();
  if (!['port', 'host,port', 'path', 'url'].includes(keys)) throw new AioError('ERR_AIO_INVALID_ARG', 'address must be { port, host }, { path } or { url }');
  return address as SocketAddress;
}

/** The error of a host that refuses what it was asked for. */
function refusal(what: string, cause: unknown): AioError {
  if (cause instanceof AioError) return cause;
  const code = hostErrno(cause);
  return new AioError('ERR_AIO_IO', `${what}: ${messageOf(cause)}`, { errno: code.startsWith('ERR_') ? 'EINVAL' : code, cause });
}

/**
 * Connects to a server: `await connect(context, { port: 8080 })`, or `{ path }` or, which is all that a page has, `{ url }` of a WebSocket.
 * context: that of the calling thread, which `serve()` passes in an IOThread.
 * @throws AioError ERR_AIO_IO: there is no connection, and `errno` says why (ECONNREFUSED); ERR_AIO_UNSUPPORTED: the platform has no such
 * sockets; ERR_AIO_CLOSED: the context was closed, before the call or during it; ERR_AIO_INVALID_ARG; the signal's reason
 */
export async function connect(context: AioContext, address: SocketAddress, options: ConnectOptions = {}): Promise<AioSocket> {
  isContext('context', context);
  const peer = addressOf(address);
  const { signal, name = textOf(peer), capacity, tls } = optionsOf(options, connectChecks);
  const credentials = tls && optionsOf(tls, tlsClient, 'options.tls');
  signal?.throwIfAborted();
  // It throws if the context is closed.
  context.stats();
  let socket: AioSocket;
  try {
    socket = AioSocket.make({ context, name, peer, capacity }, (events) => transports().connect(peer, credentials, events));
  } catch (cause) {
    throw refusal(`cannot connect to ${textOf(peer)}`, cause);
  }
  const ignore = onAbort(signal, () => void socket.close());
  try {
    return await socket.whenConnected();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    ignore();
  }
}

/**
 * Listens for connections, at 127.0.0.1 unless another host is given: `for await (const socket of await listen(context, { port: 8080 }))`.
 * context: that of the calling thread, which `serve()` passes in an IOThread.
 * @throws AioError ERR_AIO_IO: it cannot, and `errno` says why (EADDRINUSE); ERR_AIO_UNSUPPORTED: in a page; ERR_AIO_CLOSED: the context
 * was closed, before the call or during it; ERR_AIO_INVALID_ARG; the signal's reason, if it is aborted before it listens
 */
export async function listen(context: AioContext, address: SocketAddress, options: ListenOptions = {}): Promise<AioListener> {
  isContext('context', context);
  const at = addressOf(address);
  const { signal, name = textOf(at), capacity, backlog = 128, tls } = optionsOf(options, listenChecks);
  const credentials = tls && optionsOf(tls, tlsServer, 'options.tls');
  if (credentials && !('cert' in credentials && 'key' in credentials)) throw new AioError('ERR_AIO_INVALID_ARG', 'options.tls must have a cert and its key');
  signal?.throwIfAborted();
  context.stats();
  const host = transports();
  if ('url' in at) throw new AioError('ERR_AIO_UNSUPPORTED', `${at.url}: only connect() speaks WebSocket`);
  if (!host.listen) throw new AioError('ERR_AIO_UNSUPPORTED', 'a page cannot listen');
  try {
    const listener = await AioListener.make({ context, name, backlog, capacity }, (taken) => (host.listen as NonNullable<typeof host.listen>)(at as Listenable, credentials, taken));
    if (signal?.aborted) listener.close();
    signal?.throwIfAborted();
    return listener;
  } catch (cause) {
    if (cause === signal?.reason) throw cause;
    throw refusal(`cannot listen at ${textOf(at)}`, cause);
  }
}
