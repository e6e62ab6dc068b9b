// SPDX-License-Identifier: MIT
/** A guest's streams, sockets and directories: what it starts with, and what serves them. */
import type { OwnerHost } from '../hosts/host.js';
import { AioError } from '../errors.js';
import { ALL_RIGHTS, FileType, RIGHTS_OF_SOCKET, RIGHTS_OF_STREAM } from '../runtime/abi.js';
import * as Rights from '../runtime/wasi-rights.js';
import { Backlog } from './backlog.js';
import type { Memory } from '../runtime/memory.js';
import type { Guest, System } from '../runtime/system.js';
import type { GuestConfig } from './guest-config.js';
import type { GuestHost } from './guest-host.js';
import { guestSystem } from './guest-system.js';
import type { GuestOptions, Standard } from './guest-options.js';
import { Pump } from './pump.js';
import { OwnerEnd, Ring } from './ring.js';
import { RIGHTS_OF_DEVICE, RIGHTS_OF_DIRECTORY, RIGHTS_OF_LISTENER } from './rights.js';
import { Shared } from './shared.js';
import { AioStream } from './stream.js';
import type { Listening, Surroundings } from './surroundings.js';
import { FdTable, Kind, type FileSystem } from './table.js';

/** The guest of a WasiHost: its arguments, and directories, streams and sockets as its descriptors. */
export class WasiGuest implements Guest {
  readonly config: GuestConfig;
  private readonly table: FdTable;
  /** The ports that the sockets listen on, in their order. */
  readonly ports: number[] = [];
  private readonly listening: Listening[] = [];
  private pump: Pump | undefined;
  private around: Surroundings | undefined;
  /** Its streams stand still for ever. */
  onError: ((error: unknown) => void) | undefined;
  /** As every host of guests has it. */
  readonly makeWorker: GuestHost['makeWorker'];
  /** Of standard output, if that is a pipe of this process. */
  private output: Ring | undefined;

  private constructor(private readonly host: OwnerHost, guests: GuestHost, readonly shared: Shared, options: GuestOptions) {
    this.makeWorker = guests.makeWorker;
    this.table = new FdTable(shared, host.fs as FileSystem | undefined);
    this.config = {
      args: options.args ?? ['program'],
      env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
      preopens: Object.keys(options.dirs ?? {}),
      buffer: shared.buffer,
    };
  }

  /**
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_IO (a directory, a socket), ERR_AIO_UNSUPPORTED
   */
  static async create(host: OwnerHost, guests: GuestHost, options: GuestOptions): Promise<WasiGuest> {
    const guest = new WasiGuest(host, guests, Shared.create(true), options);
    try {
      guest.around = await guests.surroundings?.();
      guest.pump = new Pump(guest.shared, host, guests, (error) => guest.onError?.(error));
      let fd = 3;
      // What is most likely to be refused comes before what has to be undone.
      Object.values(options.dirs ?? {}).forEach((path, n) => guest.directory(fd++, path, n));
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

  whenReady(tell: (fd: number) => void): void {
    this.shared.onReady = tell;
  }

  /** Its file descriptors, as text, a line each. */
  dump(): string {
    return this.table.dump();
  }

  // ---- What it starts with

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
      // No standard streams: what is written goes to the console, nothing is read.
      if (fd !== 0) this.console(fd, FileType.characterDevice);
      return;
    }
    const found = this.around.inherit(fd);
    if (!found) return;
    const { type, stream } = found;
    const rights = found.isTerminal ? RIGHTS_OF_STREAM : RIGHTS_OF_DEVICE;
    if (stream && fd === 2 && this.output && this.around.sameFile(1, 2)) return this.shareOutput(this.output, type);
    if (stream) {
      this.stream(fd, stream, type, RIGHTS_OF_STREAM);
      if (fd === 1) this.output = this.table.use(1, ({ writeRing }) => writeRing);
      return;
    }
    if (fd !== 0) return this.console(fd, type, rights);
    this.table.openAt(fd, { kind: Kind.file, type, hostFd: 0, base: rights & ~Rights.fdWrite, sequential: true });
  }

  /** Both outputs are one pipe: one ring, so that all comes in the order in which it was written. */
  private shareOutput(ring: Ring, type: number): void {
    ring.addWriter();
    this.table.openAt(2, { kind: Kind.stream, type, write: ring, base: RIGHTS_OF_STREAM & ~Rights.fdRead });
  }

  /** Of standard input only the reading side is the guest's, of the outputs the writing side. */
  private stream(fd: number, stream: AioStream, type: number, rights: number): void {
    const { read, write } = this.connect(stream, true, fd === 0 ? 'read' : fd <= 2 ? 'write' : 'both');
    if (!read && !write) throw new AioError('ERR_AIO_INVALID_ARG', `the stream of fd ${fd} cannot be ${fd === 0 ? 'read' : 'written'}`);
    let base = rights;
    if (!read) base &= ~Rights.fdRead;
    if (!write) base &= ~Rights.fdWrite;
    this.table.openAt(fd, { kind: Kind.stream, type, read, write, base });
  }

  private directory(fd: number, path: string, preopen: number): void {
    if (!this.around) throw new AioError('ERR_AIO_UNSUPPORTED', `${path}: there are no directories for guests here`);
    const hostFd = this.around.openDirectory(path);
    this.table.openAt(fd, {
      kind: Kind.directory, type: FileType.directory, hostFd, preopen, base: RIGHTS_OF_DIRECTORY, inheriting: ALL_RIGHTS,
    });
  }

  private async listener(fd: number, address: string): Promise<void> {
    const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
    if (host === undefined || Number(port) > 65535) {
      throw new AioError('ERR_AIO_INVALID_ARG', `${address}: an address to listen on is HOST:PORT, such as 127.0.0.1:8080`);
    }
    if (!this.around) throw new AioError('ERR_AIO_UNSUPPORTED', `${address}: nothing can listen here`);
    const ring = this.allocate(false, OwnerEnd.writer);
    const backlog = new Backlog(ring, (index) => new Ring(this.shared, index), (stream) => this.connect(stream, false));
    // No host, no interface but the loopback.
    const listening = await this.around.listen(host.replace(/^\[|\]$/g, '') || '127.0.0.1', Number(port), (stream) => backlog.add(stream));
    this.pump?.attach(ring, backlog);
    backlog.whenClosed = () => listening.close();
    this.listening.push(listening);
    this.ports.push(listening.port);
    this.table.openAt(fd, { kind: Kind.listener, type: FileType.stream, read: ring, base: RIGHTS_OF_LISTENER });
  }

  private allocate(large: boolean, end: OwnerEnd): Ring {
    const ring = Ring.allocate(this.shared, large, end);
    if (!ring) throw new AioError('ERR_AIO_NO_MEMORY', 'the guest has as many streams as there can be');
    return ring;
  }

  /** The rings of a stream; the owner serves them from now on. */
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

  // ---- Its end

  /** Resolves when what it has written is where it was to go. */
  async flush(): Promise<void> {
    await this.pump?.flush();
  }

  /** Closes all that it has open, once its threads are gone. Idempotent. */
  async close(): Promise<void> {
    this.shared.end();
    this.shared.breakLocks();
    for (const listening of this.listening.splice(0)) listening.close();
    this.table.closeAll();
    await this.pump?.finish();
    this.pump = undefined;
  }
}
