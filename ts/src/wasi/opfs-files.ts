// SPDX-License-Identifier: MIT
/** The calls of Node's fs that guests need, on files of the origin (OPFS), which a worker of the guest's serves. */
import { fdPath } from './fd-path.js';
import { nsOf, statOf, touched, type FileFacts } from './fs-stat.js';
import type { OpfsChannel } from './opfs-channel.js';
import type { Shared } from './shared.js';

/** FileFacts as they are sent: times as decimal digits. */
export type SentFacts = { [Name in keyof FileFacts]: FileFacts[Name] extends bigint ? string : FileFacts[Name] };

/** The permissions that new files do not get. */
const UMASK = 0o022;
const encoder = new TextEncoder();

export class OpfsFiles {
  constructor(private readonly channel: OpfsChannel, private readonly shared: Shared) {}

  private call<T>(name: string, ...args: unknown[]): T {
    return this.channel.call<T>(this.shared, [name, ...args]);
  }

  openSync(path: string, flags: number, mode = 0o666): number {
    return this.call('open', path, flags, mode & ~UMASK);
  }

  closeSync(fd: number): void {
    this.call('close', fd);
  }

  /** Moves the bytes of views in pieces that fit into the channel. move() returns the number of bytes that it has moved. */
  private each(views: readonly Uint8Array[], move: (piece: Uint8Array, done: number) => number): number {
    let done = 0;
    for (const view of views) {
      for (let at = 0; at < view.length;) {
        const piece = view.subarray(at, at + this.channel.data.length);
        const count = move(piece, done);
        at += count;
        done += count;
        if (count < piece.length) return done;
      }
    }
    return done;
  }

  readvSync(fd: number, views: readonly Uint8Array[], position: number): number {
    const { channel, shared } = this;
    return this.each(views, (piece, done) =>
      channel.call<number>(shared, ['read', fd, piece.length, position + done], undefined, (count) => piece.set(channel.data.subarray(0, count))));
  }

  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return this.readvSync(fd, [buffer.subarray(offset, offset + length)], position);
  }

  writevSync(fd: number, views: readonly Uint8Array[], position: number): number {
    const { channel, shared } = this;
    let begun = false;
    return this.each(views, (piece, done) => {
      try {
        const count = channel.call<number>(shared, ['write', fd, piece.length, position + done], piece);
        begun = true;
        return count;
      } catch (error) {
        // What was written before is told of first.
        if (begun && (error as { code?: unknown }).code !== undefined) return 0;
        throw error;
      }
    });
  }

  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return this.writevSync(fd, [buffer.subarray(offset, offset + length)], position);
  }

  fsyncSync(fd: number): void {
    this.call('sync', fd);
  }

  fdatasyncSync(fd: number): void {
    this.call('sync', fd);
  }

  ftruncateSync(fd: number, size: number): void {
    this.call('truncate', fd, size);
  }

  private stat(facts: SentFacts, bigint: boolean | undefined): object {
    return statOf({ ...facts, atimeNs: BigInt(facts.atimeNs), mtimeNs: BigInt(facts.mtimeNs), ctimeNs: BigInt(facts.ctimeNs) }, bigint === true);
  }

  fstatSync(fd: number, { bigint }: { bigint?: boolean } = {}): object {
    return this.stat(this.call('stat', fdPath(fd), true), bigint);
  }

  lstatSync(path: string, { bigint, throwIfNoEntry = true }: { bigint?: boolean; throwIfNoEntry?: boolean } = {}): object | undefined {
    const facts = this.call<SentFacts | null>('stat', path, throwIfNoEntry);
    return facts ? this.stat(facts, bigint) : undefined;
  }

  statSync(path: string, options: { bigint?: boolean } = {}): object | undefined {
    return this.lstatSync(path, options);
  }

  statfsSync(): { bavail: number; bsize: number } {
    return this.call('space');
  }

  accessSync(path: string): void {
    this.call('stat', path, true);
  }

  chmodSync(path: string, mode: number): void {
    this.call('setMode', path, mode);
  }

  utimesSync(path: string, access: unknown, modified: unknown): void {
    this.call('setTimes', path, String(nsOf(access)), String(nsOf(modified)));
  }

  lutimesSync(path: string, access: unknown, modified: unknown): void {
    this.utimesSync(path, access, modified);
  }

  touch(options: readonly string[], path: string): boolean {
    const { access, modify } = touched(options);
    this.call('setTimes', path, access?.toString(), modify?.toString());
    return true;
  }

  /** Of an open directory, where it is; there are no links. */
  readlinkSync(path: string): string {
    return this.call('placeOf', path);
  }

  readdirSync(path: string, options: { encoding?: string } = {}): (string | Uint8Array)[] {
    const names = this.call<string[]>('list', path);
    return options.encoding === 'buffer' ? names.map((name) => encoder.encode(name)) : names;
  }

  mkdirSync(path: string, mode: unknown = 0o777): void {
    this.call('makeDirectory', path, (typeof mode === 'number' ? mode : 0o777) & ~UMASK);
  }

  symlinkSync(_target: string, path: string): void {
    this.call('refuseLink', path);
  }

  linkSync(_from: string, to: string): void {
    this.call('refuseLink', to);
  }

  unlinkSync(path: string): void {
    this.call('removeFile', path);
  }

  rmdirSync(path: string): void {
    this.call('removeDirectory', path);
  }

  renameSync(from: string, to: string): void {
    this.call('rename', from, to);
  }
}
