// SPDX-License-Identifier: MIT
/** Node: what guests inherit from this process, and what it opens for them. */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { isatty } from 'node:tty';
import { fdsAreOwned } from './node-file.js';
import type { Duplex } from 'node:stream';
import { AioStream, NodeStream } from '../wasi/stream.js';
import { FdTable } from '../wasi/table.js';
import { FileType } from '../wasi/abi.js';
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { Inherited, Listening } from './host.js';

/** fd 0, 1 or 2 of this process; undefined: it is closed. */
export function inherit(fd: number): Inherited | undefined {
  let mode: number;
  try {
    ({ mode } = fstatSync(fd));
  } catch {
    return undefined;
  }
  const type = FdTable.typeOf(mode);
  const isTerminal = isatty(fd);
  // What is typed is waited for; files and devices such as /dev/null are never late.
  const waits = type === FileType.unknown || type === FileType.stream || (fd === 0 && isTerminal);
  return { type, isTerminal, ...(waits ? { stream: standardStream(fd) } : {}) };
}

export function sameFile(one: number, other: number): boolean {
  const [a, b] = [fstatSync(one, { bigint: true }), fstatSync(other, { bigint: true })];
  return a.dev === b.dev && a.ino === b.ino;
}

/** The process's streams are its own: a guest that ends leaves them open. Standard
 * input is not touched before the guest wants to read. */
function standardStream(fd: number): AioStream {
  // process.stdout would block this thread when a pipe is full.
  const open = (): Duplex => fd === 0 ? (process.stdin as unknown as Duplex) : new Socket({ fd, readable: false, writable: true });
  return new Standard(open, fd === 0);
}

class Standard extends AioStream {
  readonly readable: boolean;
  readonly writable: boolean;
  override lazy = true;
  private opened: AioStream | undefined;
  private stream: Duplex | undefined;

  constructor(private readonly open: () => Duplex, reading: boolean) {
    super();
    this.readable = reading;
    this.writable = !reading;
  }

  private get(): AioStream {
    this.stream ??= this.open();
    this.opened ??= AioStream.from(this.stream);
    return this.opened;
  }

  protected take(): Promise<Uint8Array | undefined> {
    return this.get().read();
  }

  protected put(bytes: Uint8Array): Promise<void> {
    return this.get().write(bytes);
  }

  protected finish(): Promise<void> {
    this.letGo();
    return Promise.resolve();
  }

  cancel(): void {
    this.letGo();
  }

  private letGo(): void {
    if (this.readable) this.stream?.pause();
    (this.stream as Socket | undefined)?.unref?.();
  }
}

/** A directory for guests: its fd. */
export function openDirectory(path: string): number {
  if (fdsAreOwned) {
    throw new AioError('ERR_AIO_UNSUPPORTED', `${path}: a guest has no directories on Deno, whose fds are those of one thread; use Node or Bun`);
  }
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const errno = hostErrno(error);
    throw new AioError('ERR_AIO_IO', `${path}: ${errno === 'ENOTDIR' ? 'is not a directory' : messageOf(error)}`, { errno });
  }
  try {
    const [own, seen] = [fstatSync(fd), statSync(`/proc/self/fd/${fd}`)];
    if (own.ino === seen.ino && own.dev === seen.dev) return fd;
  } catch {
    // No /proc: as below.
  }
  closeSync(fd);
  throw new AioError('ERR_AIO_UNSUPPORTED', `${path}: directories for guests need Linux's /proc/self/fd, which is not there or does not show this process's fds`);
}

/** Waits for connections, each of which is handed on paused. */
export function listen(host: string, port: number, onConnection: (stream: AioStream) => void): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => onConnection(new NodeStream(socket, true)));
    server.on('error', (error) => {
      const errno = hostErrno(error);
      reject(new AioError('ERR_AIO_IO', `cannot listen on ${host}:${port}: ${errno}`, { errno }));
    });
    server.listen({ host, port, backlog: 511 }, () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : port, close: () => server.close() });
    });
  });
}
