// SPDX-License-Identifier: MIT
/** The streams, sockets and directories that a guest starts with, and what serves them. */
import type { HostBase, OwnerHost } from '../hosts/host.js';
import { AioError } from '../errors.js';
import { ALL_RIGHTS, FileType, RIGHTS_OF_SOCKET, RIGHTS_OF_STREAM } from '../runtime/abi.js';
import * as Rights from '../runtime/wasi-rights.js';
import { Backlog } from './backlog.js';
import { Kind, type FileSystem } from './descriptor.js';
import { Disk } from './disk.js';
import { DiskFiles, isOfDisk } from './disk-files.js';
import { constantsOf, hostWith } from './files-host.js';
import type { Locate } from '../runtime/death.js';
import type { Memory } from '../runtime/memory.js';
import type { Guest, System } from '../runtime/system.js';
import { sourceLines } from '../runtime/source-lines.js';
import type { GuestConfig } from './guest-config.js';
import type { GuestHost } from './guest-host.js';
import { guestSystem } from './guest-system.js';
import { directoriesOf, type GuestDirectory, type GuestOptions, type Standard } from './guest-options.js';
import { createChannel, FIRST_OPFS_FD, isOfOpfs } from './opfs-channel.js';
import { OpfsService } from './opfs-service.js';
import { Pump } from './pump.js';
import { Places } from './places.js';
import { PollLog } from './poll-log.js';
import { OwnerEnd, Ring } from './ring.js';
import { RIGHTS_OF_DEVICE, RIGHTS_OF_DIRECTORY, RIGHTS_OF_LISTENER } from './rights.js';
import { Shared } from './shared.js';
import { AF_INET, AF_INET6 } from './sockaddr.js';
import { AioStream } from './stream.js';
import { Net } from './net.js';
import type { Listening, Surroundings } from './surroundings.js';
import { FdTable } from './table.js';
import { hostThatWalks } from './walked-files.js';

/** How many guests this thread has made. */
let made = 0;

/** The host's path that stands for a new directory in memory. */
const IN_MEMORY = 'mem';

/**
 * The guest of a WasiHost: its arguments, and its directories, streams and sockets, which it sees as file
 * descriptors.
 */
export class WasiGuest implements Guest {
  config: GuestConfig;
  private readonly table: FdTable;
  /** The ports on which the sockets listen, in the order of the option. */
  readonly ports: number[] = [];
  private readonly listening: Listening[] = [];
  private pump: Pump | undefined;
  private net: Net | undefined;
  private toldOfError: ((error: unknown) => void) | undefined;
  /** Why its streams or files cannot be served any more. */
  private error: unknown;
  /** Starts the workers of the guest's threads. */
  readonly makeWorker: GuestHost['makeWorker'];
  /** The directories in memory. */
  private readonly files: DiskFiles | undefined;
  /** The paths of directories of the origin, and what serves them. */
  private readonly origin: readonly string[];
  private opfs: OpfsService | undefined;
  /** The number of its directories that have an fd of the guest. */
  private originOpened = 0;
  /** The ring of standard output, if that is a pipe of this process. */
  private output: Ring | undefined;

  /** Where the guest's files were opened, on a host without procfs. */
  private readonly places: Places | undefined;

  private constructor(
    private readonly host: OwnerHost, guests: GuestHost, private readonly around: Surroundings | undefined, readonly shared: Shared, options: GuestOptions,
  ) {
    this.makeWorker = guests.makeWorker;
    const directories = directoriesOf(options.dirs);
    const disk = directories.some(([, path]) => path === IN_MEMORY) ? Disk.create(shared) : undefined;
    this.files = disk && new DiskFiles(disk, constantsOf(host));
    const onHost = directories.some(([, path]) => typeof path === 'string' && path !== IN_MEMORY);
    const fdFolder = onHost ? around?.fdFolder() : undefined;
    this.places = onHost && around && fdFolder === undefined ? Places.create(shared) : undefined;
    let all: HostBase = this.places ? hostThatWalks(host, this.places) : host;
    if (this.files) all = hostWith(all, { owns: isOfDisk, files: this.files });
    this.origin = directories.flatMap(([, path]) => (typeof path === 'object' ? [path.opfs] : []));
    // They are closed by the worker that serves them, after the guest has ended.
    if (this.origin.length > 0) all = hostWith(all, { owns: isOfOpfs, files: { closeSync() {} } });
    this.table = new FdTable(shared, all.fs as FileSystem | undefined);
    this.config = {
      guest: ++made,
      args: options.args ?? ['program'],
      env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
      preopens: directories.map(([name]) => name),
      buffer: shared.buffer,
      disk: disk?.buffer,
      fdFolder,
      places: this.places?.buffer,
      opfs: this.origin.length > 0 ? createChannel() : undefined,
      polls: undefined,
    };
  }

  /**
   * Opens everything that the options name.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_IO (a directory, a socket), ERR_AIO_UNSUPPORTED
   */
  static async create(host: OwnerHost, guests: GuestHost, options: GuestOptions): Promise<WasiGuest> {
    const guest = new WasiGuest(host, guests, await guests.surroundings?.(), Shared.create(true), options);
    try {
      guest.pump = new Pump(guest.shared, host, guests, (error) => guest.failed(error));
      guest.net = new Net(guest.shared, guest.table, guest.pump, guest.around, options.allowNet ?? false, (text) => host.warn(text), (stream) => guest.connect(stream, false));
      await guest.openOrigin();
      let fd = 3;
      // Directories come first: they are most likely to fail, and other things would have to be undone then.
      directoriesOf(options.dirs).forEach(([, path], n) => guest.directory(fd++, path, n));
      guest.standard(0, options.stdin ?? 'inherit');
      guest.standard(1, options.stdout ?? 'inherit');
      guest.standard(2, options.stderr ?? 'inherit');
      for (const address of options.listen ?? []) await guest.listener(fd++, address);
      for (const source of options.streams ?? []) guest.stream(fd++, AioStream.from(source), FileType.stream, RIGHTS_OF_SOCKET);
    } catch (error) {
      await guest.close();
      throw error;
    }
    return guest;
  }

  system(memory: Memory): System {
    return guestSystem(this.config, this.host, memory, false, this.around?.directoryCalls);
  }

  whenReady(tell: (fd: number, events: number) => void): void {
    this.shared.onReady = tell;
  }

  /** Calls tell() if its streams or files cannot be served any more, or already cannot be. */
  whenError(tell: (error: unknown) => void): void {
    this.toldOfError = tell;
    if (this.error !== undefined) tell(this.error);
  }

  private failed(error: unknown): void {
    this.error ??= error;
    this.toldOfError?.(error);
  }

  /** What kind of descriptor it is, for people; undefined: it is not open. */
  kindOf(fd: number): string | undefined {
    return this.table.kindOf(fd);
  }

  /** Has the poll_oneoff calls of its threads recorded. Called before the first thread starts. */
  logPolls(): PollLog {
    const log = PollLog.create(this.shared);
    this.config = { ...this.config, polls: log.buffer };
    return log;
  }

  /** The guest's file descriptors as text, one line each. */
  dump(): string {
    return this.table.dump();
  }

  locate(module: WebAssembly.Module): Locate {
    return sourceLines(module);
  }

  /** Where each of its threads is now, a line each, the innermost function first; empty where that cannot be found out. */
  async stacks(): Promise<string> {
    const lines = (await this.around?.stacks(this.config.guest)) ?? [];
    return lines.map((line) => `${line}\n`).join('');
  }

  // ---- The descriptors that the guest starts with

  private standard(fd: number, what: Standard): void {
    if (what === 'closed') return;
    if (what === 'inherit') return this.inherited(fd);
    if (typeof what === 'string' || ArrayBuffer.isView(what)) {
      const bytes = typeof what === 'string' ? new TextEncoder().encode(what) : what;
      const readable = new ReadableStream<Uint8Array>({
        start(controller) {
          if (bytes.length > 0) controller.enqueue(bytes);
          controller.close();
        },
      });
      return this.stream(fd, AioStream.from(readable), FileType.unknown, RIGHTS_OF_STREAM);
    }
    const stream = AioStream.from(what);
    stream.lazy = fd === 0;
    this.stream(fd, stream, FileType.unknown, RIGHTS_OF_STREAM);
  }

  private console(fd: number, type: number, rights = RIGHTS_OF_STREAM): void {
    this.table.openAt(fd, { kind: Kind.console, type, hostFd: fd, base: rights & ~Rights.fdRead });
  }

  private inherited(fd: number): void {
    if (!this.around) {
      // There are no standard streams here: output goes to the console, and input is empty.
      if (fd !== 0) this.console(fd, FileType.characterDevice);
      return;
    }
    const found = this.around.inherit(fd);
    if (!found) return;
    const { type, stream } = found;
    const rights = found.isTerminal ? RIGHTS_OF_STREAM : RIGHTS_OF_DEVICE;
    if (stream && fd === 2 && this.output && this.around.sameFile(1, 2)) return this.shareOutput(this.output, type, found.direct);
    if (stream) {
      this.stream(fd, stream, type, RIGHTS_OF_STREAM, found.direct);
      if (fd === 1) this.output = this.table.use(1, ({ writeRing }) => writeRing);
      return;
    }
    if (fd !== 0) return this.console(fd, type, rights);
    this.table.openAt(fd, { kind: Kind.file, type, hostFd: 0, base: rights & ~Rights.fdWrite, sequential: true });
  }

  /** Standard output and standard error are the same pipe: they share a ring, so that the order of all bytes is kept. */
  private shareOutput(ring: Ring, type: number, direct: number | undefined): void {
    ring.addWriter();
    this.table.openAt(2, { kind: Kind.stream, type, write: ring, base: RIGHTS_OF_STREAM & ~Rights.fdRead, direct });
  }

  /** Opens a stream as fd. The guest only reads standard input, and only writes standard output and standard error. */
  private stream(fd: number, stream: AioStream, type: number, rights: number, direct?: number): void {
    const { read, write } = this.connect(stream, true, fd === 0 ? 'read' : fd <= 2 ? 'write' : 'both');
    if (!read && !write) throw new AioError('ERR_AIO_INVALID_ARG', `the stream of fd ${fd} cannot be ${fd === 0 ? 'read' : 'written'}`);
    let base = rights;
    if (!read) base &= ~Rights.fdRead;
    if (!write) base &= ~Rights.fdWrite;
    this.table.openAt(fd, { kind: Kind.stream, type, read, write, base, direct });
  }

  /** Starts what serves directories of the origin. */
  private async openOrigin(): Promise<void> {
    if (!this.config.opfs) return;
    if (this.around) throw new AioError('ERR_AIO_UNSUPPORTED', `there are no files of an origin here, which only pages have: give the guest a directory of the host, or one in memory ('${IN_MEMORY}')`);
    this.opfs = await OpfsService.start(this.host, this.makeWorker, this.config.opfs, this.origin, (error) => this.failed(error));
  }

  private directory(fd: number, path: GuestDirectory, preopen: number): void {
    const hostFd = typeof path === 'string' ? this.openDirectory(path, preopen) : FIRST_OPFS_FD + this.originOpened++;
    this.table.openAt(fd, {
      kind: Kind.directory, type: FileType.directory, hostFd, preopen, base: RIGHTS_OF_DIRECTORY, inheriting: ALL_RIGHTS,
    });
  }

  private openDirectory(path: string, preopen: number): number {
    if (path === IN_MEMORY && this.files) return this.files.openTop(String(preopen));
    if (!this.around) throw new AioError('ERR_AIO_UNSUPPORTED', `${path}: there are no directories for guests here but those in memory ('${IN_MEMORY}') and of the origin ({ opfs: 'path' })`);
    const { fd, place } = this.around.openDirectory(path);
    this.places?.set(fd, place);
    return fd;
  }

  private async listener(fd: number, address: string): Promise<void> {
    const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
    if (host === undefined || Number(port) > 65535) {
      throw new AioError('ERR_AIO_INVALID_ARG', `${address}: an address to listen on is HOST:PORT, such as 127.0.0.1:8080`);
    }
    if (!this.around) throw new AioError('ERR_AIO_UNSUPPORTED', `${address}: nothing can listen here`);
    const ring = this.allocate(false, OwnerEnd.writer);
    const backlog = new Backlog(this.shared, ring, (stream) => this.connect(stream, false), host.includes(':') ? AF_INET6 : AF_INET);
    // Without a host the socket listens only on the loopback interface.
    const listening = await this.around.listen(host.replace(/^\[|\]$/g, '') || '127.0.0.1', Number(port), false, (stream, ends) => backlog.add(stream, ends));
    this.pump?.attach(ring, backlog);
    backlog.whenClosed = () => listening.close();
    this.listening.push(listening);
    this.ports.push(listening.port);
    this.table.openAt(fd, { kind: Kind.listener, type: FileType.stream, read: ring, base: RIGHTS_OF_LISTENER, domain: host.includes(':') ? AF_INET6 : AF_INET });
  }

  private allocate(large: boolean, end: OwnerEnd): Ring {
    const ring = Ring.allocate(this.shared, large, end);
    if (!ring) throw new AioError('ERR_AIO_NO_MEMORY', 'the guest cannot have more streams');
    return ring;
  }

  /** Makes the rings of a stream, which the owner serves from now on. */
  private connect(stream: AioStream, large: boolean, sides: 'read' | 'write' | 'both' = 'both'): { read?: Ring; write?: Ring } {
    const rings: { read?: Ring; write?: Ring } = {};
    if (stream.readable && sides !== 'write') rings.read = this.allocate(large, OwnerEnd.writer);
    if (stream.writable && sides !== 'read') {
      try {
        rings.write = this.allocate(large, OwnerEnd.reader);
      } catch (error) {
        rings.read?.closeReader();
        rings.read?.drop();
        throw error;
      }
    }
    if (rings.read) this.pump?.feed(stream, rings.read);
    if (rings.write) this.pump?.drain(stream, rings.write);
    return rings;
  }

  // ---- The end of the guest

  /** Resolves when everything that the guest has written has reached its destination. */
  async flush(): Promise<void> {
    await this.pump?.flush();
  }

  /** Closes everything that the guest has open, after its threads have ended. Closing twice does nothing. */
  async close(): Promise<void> {
    this.shared.end();
    this.shared.breakLocks();
    for (const listening of this.listening.splice(0)) listening.close();
    this.net?.close();
    this.table.closeAll();
    await this.opfs?.close();
    this.opfs = undefined;
    await this.pump?.finish();
    this.pump = undefined;
  }
}
