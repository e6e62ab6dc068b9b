// SPDX-License-Identifier: MIT
/** What guests inherit from this process, and what it opens for them, in Node, Deno and Bun. */
import { lookup } from 'node:dns/promises';
import { closeSync, constants, fstatSync, openSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { createConnection, createServer, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isatty } from 'node:tty';
import { fdsAreOwned, isNode } from '../hosts/node.js';
import { asBytes, AioStream, NodeStream } from './stream.js';
import { FileType } from '../runtime/abi.js';
import { AioError, closedError, hostErrno, messageOf } from '../errors.js';
export { directoryCalls } from './calls-directory.js';
export { stacks } from './node-stacks.js';
import type { Endpoint } from './sockaddr.js';
import type { Ends, Inherited, Listening } from './surroundings.js';
import { FdTable } from './table.js';

/** The fd 0, 1 or 2 of this process; undefined if it is closed. */
export function inherit(fd: number): Inherited | undefined {
  let mode: number;
  try {
    ({ mode } = fstatSync(fd));
  } catch {
    return undefined;
  }
  const type = FdTable.typeOf(mode);
  const isTerminal = isatty(fd);
  // Pipes, sockets and what is typed have to be waited for; files and devices such as /dev/null do not.
  const waits = type === FileType.unknown || type === FileType.stream || (fd === 0 && isTerminal);
  if (!waits) return { type, isTerminal };
  const direct = type === FileType.unknown && isNode ? openPipe(fd) : undefined;
  return { type, isTerminal, stream: standardStream(fd), ...(direct === undefined ? {} : { direct }) };
}

/** Opens the pipe that an fd stands for once more, with a description of its own that does not block; undefined if that fails. */
function openPipe(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_NONBLOCK | (fd === 0 ? constants.O_RDONLY : constants.O_WRONLY));
  } catch {
    return undefined;
  }
}

export function sameFile(one: number, other: number): boolean {
  const [a, b] = [fstatSync(one, { bigint: true }), fstatSync(other, { bigint: true })];
  return a.dev === b.dev && a.ino === b.ino;
}

/** A standard stream of this process, which remains open when a guest ends. */
function standardStream(fd: number): AioStream {
  return fd === 0 ? new Input() : new Output(fd);
}

interface Reader {
  resolve(piece: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/**
 * process.stdin, for guests that read it one after the other, or at the same time. It is touched only while a guest
 * waits for bytes. Bytes that one guest has taken and not read are left for the next.
 */
class StandardInput {
  private readonly pieces: Uint8Array[] = [];
  private readonly readers: Reader[] = [];
  private attached = false;

  /** Resolves with the next piece of bytes, or with undefined at the end. */
  take(signal: AbortSignal): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const cancelled = (): void => {
        const at = this.readers.indexOf(reader);
        if (at >= 0) this.readers.splice(at, 1);
        reader.reject(closedError('standard input'));
        this.look();
      };
      const done = <T>(settle: (value: T) => void) => (value: T): void => {
        signal.removeEventListener('abort', cancelled);
        settle(value);
      };
      const reader: Reader = { resolve: done(resolve), reject: done(reject) };
      this.readers.push(reader);
      signal.addEventListener('abort', cancelled);
      this.look();
    });
  }

  /** Whether all that was read from the pipe has been passed on, and nobody reads it now. */
  get unread(): boolean {
    const { stdin } = process;
    // Nothing public tells whether the system is being asked for bytes. Where this property does not tell it either, the answer is no.
    const { _handle: handle } = stdin as { _handle?: { reading?: unknown } };
    return this.readers.length === 0 && this.pieces.length === 0 && stdin.readableLength === 0 && handle?.reading === false;
  }

  /** Returns bytes that were taken last. */
  giveBack(bytes: Uint8Array): void {
    this.pieces.unshift(bytes);
    this.look();
  }

  private readonly look = (): void => {
    const { stdin } = process;
    while (this.readers.length > 0 && this.pieces.length > 0) this.readers.shift()?.resolve(this.pieces.shift());
    // Not every runtime has all of these properties.
    if (this.readers.length > 0 && (stdin.readableEnded || stdin.destroyed)) {
      for (const { resolve, reject } of this.readers.splice(0)) if (stdin.errored) reject(stdin.errored); else resolve(undefined);
    }
    if (this.readers.length > 0) return this.attach();
    this.detach();
    // Other readers of process.stdin may want the bytes now.
    if (stdin.readableEnded || stdin.destroyed || stdin.readableEncoding) return;
    for (let piece = this.pieces.pop(); piece; piece = this.pieces.pop()) stdin.unshift(piece);
  };

  private readonly onData = (piece: unknown): void => {
    const { stdin } = process;
    stdin.pause();
    this.pieces.push(asBytes(piece));
    // Node nevertheless begins to read ahead in the next tick. This event, which it sends itself by pause(), makes it stop, so that
    // guests can read the pipe themselves (unread).
    process.nextTick(() => process.nextTick(() => {
      if (stdin.isPaused()) stdin.emit('pause');
      process.nextTick(this.look);
    }));
  };

  private attach(): void {
    const { stdin } = process;
    if (!this.attached) stdin.on('data', this.onData).on('end', this.look).on('error', this.look).on('close', this.look);
    this.attached = true;
    stdin.resume();
  }

  private detach(): void {
    if (!this.attached) return;
    this.attached = false;
    process.stdin.off('data', this.onData).off('end', this.look).off('error', this.look).off('close', this.look).pause();
  }
}
const standardInput = new StandardInput();

class Input extends AioStream {
  readonly readable = true;
  readonly writable = false;
  override lazy = true;
  private readonly cancelled = new AbortController();

  protected take(): Promise<Uint8Array | undefined> {
    return standardInput.take(this.cancelled.signal);
  }

  override get unread(): boolean {
    return standardInput.unread;
  }

  override giveBack(bytes: Uint8Array): void {
    standardInput.giveBack(bytes);
  }

  protected async put(): Promise<void> {}

  protected async finish(): Promise<void> {}

  cancel(): void {
    this.cancelled.abort();
  }
}

/** Standard output and standard error, each opened once. (process.stdout would block this thread when a pipe is full.) */
const outputs = new Map<number, AioStream>();

class Output extends AioStream {
  readonly readable = false;
  readonly writable = true;
  override lazy = true;

  constructor(private readonly fd: number) {
    super();
  }

  protected take(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  protected put(bytes: Uint8Array): Promise<void> {
    let output = outputs.get(this.fd);
    if (!output) {
      const socket = new Socket({ fd: this.fd, readable: false, writable: true });
      socket.unref();
      outputs.set(this.fd, (output = new NodeStream(socket)));
    }
    return output.write(bytes);
  }

  protected async finish(): Promise<void> {}

  cancel(): void {}
}

/** The error for a directory of the host, where guests cannot have those. */
const noDirectories = (path: string, why: string): AioError =>
  new AioError('ERR_AIO_UNSUPPORTED', `${path}: ${why}; a directory in memory works everywhere ('mem' in place of the path)`);

/**
 * The folder of procfs that shows this process's fds; undefined where there is none, as on macOS. AIO_NO_PROCFS=1 in the
 * environment makes a system with procfs behave as one without it, for tests. The folder is not named by /proc/self, because
 * following that link would take 0.5 µs of each call.
 */
export function fdFolder(): string | undefined {
  if (process.env['AIO_NO_PROCFS'] === '1') return undefined;
  let fd: number | undefined;
  try {
    fd = openSync('/', constants.O_RDONLY);
    const folder = `/proc/${readlinkSync('/proc/self')}/fd`;
    const [own, seen] = [fstatSync(fd), statSync(`${folder}/${fd}`)];
    return own.ino === seen.ino && own.dev === seen.dev ? folder : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Opens a directory for guests. */
export function openDirectory(path: string): { fd: number; place: string } {
  if (fdsAreOwned) throw noDirectories(path, 'a guest has no directories of the host on Deno, whose fds are those of one thread (use Node or Bun)');
  if (process.platform === 'win32') throw noDirectories(path, 'a guest has no directories of the host on Windows, which has no calls to use them safely');
  try {
    const place = realpathSync(path);
    return { fd: openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW), place };
  } catch (error) {
    const errno = hostErrno(error);
    throw new AioError('ERR_AIO_IO', `${path}: ${errno === 'ENOTDIR' ? 'is not a directory' : messageOf(error)}`, { errno });
  }
}

const endsOf = (socket: Socket): Ends => ({
  local: { host: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  remote: { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
});

/** The addresses of this machine; undefined where they are not told: Deno needs --allow-sys for it. */
export function ownAddresses(): string[] | undefined {
  try {
    return Object.values(networkInterfaces()).flatMap((all) => all ?? []).map(({ address }) => address);
  } catch {
    return undefined;
  }
}

/** Listens for connections, each of which is passed on paused. ipv6Only: `::` does not take those of IPv4. */
export function listen(host: string, port: number, ipv6Only: boolean, onConnection: (stream: AioStream, ends: Ends) => void): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => onConnection(new NodeStream(socket, true), endsOf(socket)));
    server.on('error', (error) => {
      const errno = hostErrno(error);
      reject(new AioError('ERR_AIO_IO', `cannot listen on ${host}:${port}: ${errno}`, { errno }));
    });
    // Those for which the system's queue has no room look connected to their clients, and are reset when they have waited for a minute.
    server.listen({ host, port, ipv6Only, backlog: 4096 }, () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : port, close: () => server.close() });
    });
  });
}

/** Connects to an address. */
export function connect(host: string, port: number, localPort?: number, onLocal?: (local: Endpoint) => void): Promise<{ stream: AioStream; ends: Ends }> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, allowHalfOpen: true, ...(localPort ? { localPort } : {}) });
    socket.pause();
    socket.once('error', reject);
    // Node begins to connect to a number in the next tick, and knows the port from then on.
    process.nextTick(() => {
      const { localAddress, localPort: port } = socket;
      if (localAddress !== undefined && port) onLocal?.({ host: localAddress, port });
    });
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve({ stream: new NodeStream(socket, true), ends: endsOf(socket) });
    });
  });
}

/** Looks up the addresses of a host. */
export async function resolve(name: string, family: 0 | 4 | 6): Promise<string[]> {
  return (await lookup(name, { all: true, family, verbatim: true })).map(({ address }) => address);
}
