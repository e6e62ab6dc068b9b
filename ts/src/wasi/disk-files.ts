// SPDX-License-Identifier: MIT
/**
 * The calls of Node's fs that guests need, on a disk in memory. An fd of the disk is a number from FIRST_FD on, and paths lead
 * through it as through the system's: see fd-path.ts. So the WASI calls are the same for both.
 */
import { diskError as failed, MAX_OPEN, Mode, TOP, type Disk } from './disk.js';
import { parseFdPath } from './fd-path.js';
import { nsOf, statOf, touched } from './fs-stat.js';
import { O_PATH } from './parents.js';

const FIRST_FD = 1 << 24;
/** The permissions that new files do not get. */
const UMASK = 0o022;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether a name has more than 255 bytes. (A unit of UTF-16 has at most three.) */
export const isTooLong = (name: string): boolean => name.length > 85 && encoder.encode(name).length > 255;

/** Whether an fd is of the disk. */
export const isOfDisk = (fd: number): boolean => fd >= FIRST_FD && fd < FIRST_FD + MAX_OPEN;

/** A place of the tree: the inode that is there (0 if none is), the directory that it is in, and its name there. */
interface Place {
  ino: number;
  parent: number;
  name: string;
}

export class DiskFiles {
  constructor(private readonly disk: Disk, readonly constants: Record<string, number>) {}

  // ---- Directories: a file of names and inode numbers

  private entries(ino: number): Map<string, number> {
    if (!this.disk.is(ino, Mode.directory)) throw failed('ENOTDIR');
    const bytes = new Uint8Array(this.disk.size(ino));
    this.disk.read(ino, bytes, 0);
    const view = new DataView(bytes.buffer);
    const found = new Map<string, number>();
    for (let at = 0; at < bytes.length;) {
      const length = view.getUint16(at + 4, true);
      found.set(decoder.decode(bytes.subarray(at + 6, at + 6 + length)), view.getUint32(at, true));
      at += 6 + length;
    }
    return found;
  }

  private setEntries(ino: number, entries: Map<string, number>): void {
    const encoded = [...entries].map(([name, to]) => [encoder.encode(name), to] as const);
    const bytes = new Uint8Array(encoded.reduce((sum, [name]) => sum + 6 + name.length, 0));
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const [name, to] of encoded) {
      view.setUint32(at, to, true);
      view.setUint16(at + 4, name.length, true);
      bytes.set(name, at + 6);
      at += 6 + name.length;
    }
    // The old entries remain if there is no room for the new ones.
    if (this.disk.write(ino, bytes, 0) < bytes.length) throw failed('ENOSPC');
    this.disk.resize(ino, bytes.length);
  }

  private enter(parent: number, name: string, ino: number): void {
    this.setEntries(parent, this.entries(parent).set(name, ino));
  }

  private leave(parent: number, name: string): void {
    const entries = this.entries(parent);
    entries.delete(name);
    this.setEntries(parent, entries);
  }

  // ---- Paths

  private opened(fd: number): { ino: number; flags: number } {
    return this.disk.opened(fd - FIRST_FD);
  }

  /** The place at a path; `ends`: the path ended with a slash. Symbolic links on the way are not followed (ELOOP). */
  private find(path: string): Place & { ends: boolean } {
    const { fd, name: rest = '' } = parseFdPath(path) ?? { fd: -1 };
    if (fd < 0) throw failed('ENOENT');
    const place: Place = { ino: this.opened(fd).ino, parent: 0, name: '' };
    for (const name of rest.split('/')) {
      if (name === '' || name === '.') continue;
      if (place.ino === 0) throw failed('ENOENT');
      if (this.disk.is(place.ino, Mode.link)) throw failed('ELOOP');
      if (isTooLong(name)) throw failed('ENAMETOOLONG');
      const found = this.entries(place.ino).get(name) ?? 0;
      [place.parent, place.name, place.ino] = [place.ino, name, found];
    }
    return { ...place, ends: rest.endsWith('/') };
  }

  /** The place at a path where there must be something: a directory, if the path ends with a slash. */
  private found(path: string): Place {
    const place = this.find(path);
    if (place.ino === 0) throw failed('ENOENT');
    if (place.ends && !this.disk.is(place.ino, Mode.directory)) throw failed('ENOTDIR');
    return place;
  }

  private existing(path: string): number {
    return this.found(path).ino;
  }

  /** Makes an inode at a place where there is none. */
  private create(path: string, type: number, permissions: number): number {
    const { ino, parent, name, ends } = this.find(path);
    if (ino !== 0) throw failed('EEXIST');
    if (ends && type !== Mode.directory) throw failed('ENOENT');
    // A directory that was removed while somebody has it open takes no more entries.
    if (this.disk.links(parent) === 0 && parent !== TOP) throw failed('ENOENT');
    const made = this.disk.make(type | (permissions & 0o7777), parent);
    try {
      this.enter(parent, name, made);
    } catch (error) {
      this.disk.addLinks(made, 0);
      throw error;
    }
    this.disk.addLinks(made, 1);
    return made;
  }

  // ---- The calls of fs

  openSync(path: string, flags: number, mode = 0o666): number {
    return this.disk.locked(() => {
      const c = this.constants;
      const has = (name: string): boolean => (flags & (c[name] ?? 0)) !== 0;
      const writes = (flags & ((c['O_WRONLY'] ?? 1) | (c['O_RDWR'] ?? 2))) !== 0;
      let { ino } = this.find(path);
      if (ino !== 0 && has('O_CREAT') && has('O_EXCL')) throw failed('EEXIST');
      if (ino === 0 && !has('O_CREAT')) throw failed('ENOENT');
      if (ino === 0) ino = this.create(path, Mode.file, mode & ~UMASK);
      else this.found(path);
      if (has('O_DIRECTORY') && !this.disk.is(ino, Mode.directory)) throw failed('ENOTDIR');
      if (this.disk.is(ino, Mode.link) && !(flags & O_PATH)) throw failed('ELOOP');
      if (this.disk.is(ino, Mode.directory) && (writes || has('O_CREAT'))) throw failed('EISDIR');
      if (has('O_TRUNC') && writes) this.disk.resize(ino, 0);
      return FIRST_FD + this.disk.open(ino, flags);
    });
  }

  closeSync(fd: number): void {
    this.disk.locked(() => this.disk.close(fd - FIRST_FD));
  }

  readvSync(fd: number, views: readonly Uint8Array[], position: number): number {
    return this.disk.locked(() => {
      const { ino } = this.opened(fd);
      if (this.disk.is(ino, Mode.directory)) throw failed('EISDIR');
      let done = 0;
      for (const view of views) {
        const count = this.disk.read(ino, view, position + done);
        done += count;
        if (count < view.length) break;
      }
      return done;
    });
  }

  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return this.readvSync(fd, [buffer.subarray(offset, offset + length)], position);
  }

  writevSync(fd: number, views: readonly Uint8Array[], position: number): number {
    return this.disk.locked(() => {
      const { ino, flags } = this.opened(fd);
      const start = flags & (this.constants['O_APPEND'] ?? 0) ? this.disk.size(ino) : position;
      let done = 0;
      for (const view of views) {
        const count = this.disk.write(ino, view, start + done);
        done += count;
        if (count < view.length) break;
      }
      return done;
    });
  }

  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return this.writevSync(fd, [buffer.subarray(offset, offset + length)], position);
  }

  fsyncSync(): void {}

  fdatasyncSync(): void {}

  ftruncateSync(fd: number, size: number): void {
    this.disk.locked(() => this.disk.resize(this.opened(fd).ino, size));
  }

  private stat(ino: number, bigint: boolean): object {
    const { disk } = this;
    return statOf({
      dev: 0, ino, mode: disk.mode(ino), nlink: disk.is(ino, Mode.directory) ? disk.links(ino) + 1 : disk.links(ino),
      size: disk.size(ino), blocks: disk.blocks(ino) * 8,
      atimeNs: disk.time(ino, 'access'), mtimeNs: disk.time(ino, 'modify'), ctimeNs: disk.time(ino, 'change'),
    }, bigint);
  }

  fstatSync(fd: number, options: { bigint?: boolean } = {}): object {
    return this.disk.locked(() => this.stat(this.opened(fd).ino, options.bigint === true));
  }

  lstatSync(path: string, options: { bigint?: boolean; throwIfNoEntry?: boolean } = {}): object | undefined {
    return this.disk.locked(() => {
      if (options.throwIfNoEntry === false && this.find(path).ino === 0) return undefined;
      return this.stat(this.existing(path), options.bigint === true);
    });
  }

  // Only places that are no links are asked for: paths have been resolved.
  statSync(path: string, options: { bigint?: boolean } = {}): object | undefined {
    return this.lstatSync(path, options);
  }

  statfsSync(): { bavail: number; bsize: number } {
    return { bavail: this.disk.free, bsize: 4096 };
  }

  accessSync(path: string): void {
    this.disk.locked(() => this.existing(path));
  }

  chmodSync(path: string, mode: number): void {
    this.disk.locked(() => this.disk.setMode(this.existing(path), mode));
  }

  utimesSync(path: string, access: unknown, modified: unknown): void {
    this.disk.locked(() => this.disk.setTimes(this.existing(path), nsOf(access), nsOf(modified)));
  }

  touch(options: readonly string[], path: string): boolean {
    const { access, modify } = touched(options);
    this.disk.locked(() => this.disk.setTimes(this.existing(path), access, modify));
    return true;
  }

  lutimesSync(path: string, access: unknown, modified: unknown): void {
    this.utimesSync(path, access, modified);
  }

  /** The target of a link; of an open directory, where it is. */
  readlinkSync(path: string, options: { encoding?: string } = {}): string | Uint8Array {
    return this.disk.locked(() => {
      const { ino } = this.found(path);
      if (parseFdPath(path)?.name === undefined) return this.pathOf(ino);
      if (!this.disk.is(ino, Mode.link)) throw failed('EINVAL');
      const target = new Uint8Array(this.disk.size(ino));
      this.disk.read(ino, target, 0);
      return options.encoding === 'buffer' ? target : decoder.decode(target);
    });
  }

  private pathOf(directory: number): string {
    let path = '';
    for (let ino = directory; ino !== TOP; ino = this.disk.parent(ino)) {
      const [name] = [...this.entries(this.disk.parent(ino))].find(([, other]) => other === ino) ?? [];
      if (name === undefined) throw failed('ENOENT');
      path = `/${name}${path}`;
    }
    return path || '/';
  }

  readdirSync(path: string, options: { encoding?: string } = {}): (string | Uint8Array)[] {
    return this.disk.locked(() => {
      const names = [...this.entries(this.existing(path)).keys()];
      return options.encoding === 'buffer' ? names.map((name) => encoder.encode(name)) : names;
    });
  }

  mkdirSync(path: string, mode: unknown = 0o777): void {
    const permissions = (typeof mode === 'number' ? mode : 0o777) & ~UMASK;
    this.disk.locked(() => this.create(path, Mode.directory, permissions));
  }

  symlinkSync(target: string, path: string): void {
    if (target === '') throw failed('ENOENT');
    this.disk.locked(() => this.disk.write(this.create(path, Mode.link, 0o777), encoder.encode(target), 0));
  }

  linkSync(from: string, to: string): void {
    this.disk.locked(() => {
      const ino = this.existing(from);
      const place = this.find(to);
      if (place.ino !== 0) throw failed('EEXIST');
      if (place.ends) throw failed('ENOENT');
      if (this.disk.is(ino, Mode.directory)) throw failed('EPERM');
      this.enter(place.parent, place.name, ino);
      this.disk.addLinks(ino, 1);
    });
  }

  unlinkSync(path: string): void {
    this.disk.locked(() => {
      const { ino, parent, name } = this.found(path);
      if (this.disk.is(ino, Mode.directory)) throw failed('EISDIR');
      this.leave(parent, name);
      this.disk.addLinks(ino, -1);
    });
  }

  rmdirSync(path: string): void {
    this.disk.locked(() => {
      const { ino, parent, name } = this.found(path);
      if (this.entries(ino).size > 0) throw failed('ENOTEMPTY');
      this.leave(parent, name);
      this.disk.addLinks(ino, -1);
    });
  }

  renameSync(from: string, to: string): void {
    this.disk.locked(() => {
      const { disk } = this;
      const source = this.found(from);
      const target = this.find(to);
      const isDirectory = disk.is(source.ino, Mode.directory);
      const replaces = target.ino !== 0 && disk.is(target.ino, Mode.directory) ? 'directory' : target.ino !== 0 ? 'file' : undefined;
      // In the order of Linux.
      if (target.ends && !isDirectory) throw failed('ENOTDIR');
      if (this.isBelow(target.parent, source.ino)) throw failed('EINVAL');
      if (target.ino !== 0 && this.isBelow(source.parent, target.ino)) throw failed('ENOTEMPTY');
      if (source.ino === target.ino) return;
      if (replaces === 'file' && isDirectory) throw failed('ENOTDIR');
      if (replaces === 'directory' && !isDirectory) throw failed('EISDIR');
      if (replaces === 'directory' && this.entries(target.ino).size > 0) throw failed('ENOTEMPTY');
      this.enter(target.parent, target.name, source.ino);
      this.leave(source.parent, source.name);
      if (isDirectory) disk.setParent(source.ino, target.parent);
      if (target.ino !== 0) disk.addLinks(target.ino, -1);
      disk.addLinks(source.ino, 0);
    });
  }

  /** Whether a directory is another one, or below that. */
  private isBelow(directory: number, other: number): boolean {
    let ino = directory;
    while (ino !== other && ino !== TOP) ino = this.disk.parent(ino);
    return ino === other;
  }

  /** Opens the directory at the top of the tree, for the owner, and makes it if the disk is new. */
  openTop(name: string): number {
    return this.disk.locked(() => {
      if (this.disk.mode(TOP) === 0) this.disk.make(Mode.directory | 0o755, TOP);
      // Each directory that the guest gets is a tree of its own, below one that it does not see.
      const made = this.disk.make(Mode.directory | 0o755, TOP);
      this.enter(TOP, name, made);
      this.disk.addLinks(made, 1);
      return FIRST_FD + this.disk.open(made, 0);
    });
  }
}
