// SPDX-License-Identifier: MIT
/** The URLs of NBD exports, as the project NBD has defined them, and those of WebSockets. */
import { AioError } from '../errors.js';
import type { SocketTarget } from '../hosts/host.js';

const PORT = 10809;
const FORMS = 'nbd://HOST:PORT/EXPORT, nbds://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH, nbds+unix:///EXPORT?socket=PATH, nbd+ws://HOST:PORT/EXPORT or nbd+wss://HOST:PORT/EXPORT';

/** What an URL says. */
export interface NbdPlace {
  name: string;
  socket: SocketTarget;
  tls: boolean;
}

/**
 * Returns what the URL says.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function placeOf(text: string): NbdPlace {
  const refuse = (why: string): never => {
    throw new AioError('ERR_AIO_INVALID_ARG', `${text}: ${why}: an NBD URL is ${FORMS}`);
  };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse('no URL');
  }
  const { protocol, hostname, port, searchParams, pathname, username, password, hash } = url;
  const [, secure, kind] = /^nbd(s?)(?:\+(unix|wss?))?:$/.exec(protocol) ?? [];
  if (secure === undefined || (secure && kind?.startsWith('ws'))) return refuse(`unknown scheme ${protocol}`);
  if (username || password || hash) return refuse('it has a user, a password or a fragment');
  let name = '';
  try {
    name = decodeURIComponent(pathname.replace(/^\//, ''));
  } catch {
    return refuse('the name of the export is not valid UTF-8');
  }
  const socketPath = searchParams.get('socket');
  for (const key of searchParams.keys()) if (key !== 'socket' || kind !== 'unix') return refuse(`unknown parameter '${key}'`);
  if (name.includes('\0') || new TextEncoder().encode(name).length > 4096) return refuse('the name of the export has a NUL, or more than 4096 bytes');
  const tls = secure === 's';
  if (kind === 'unix') {
    if (!socketPath) return refuse('the path of the socket is missing (?socket=PATH)');
    if (hostname) return refuse('a Unix socket has no host: write three slashes');
    return { name, socket: { path: socketPath }, tls };
  }
  if (kind) {
    if (!hostname) return refuse('the host is missing');
    return { name, socket: { url: `${kind}://${url.host}${pathname || '/'}` }, tls };
  }
  return { name, socket: { host: hostname.replace(/^\[|\]$/g, '') || 'localhost', port: port ? Number(port) : PORT }, tls };
}
