// SPDX-License-Identifier: MIT
/**
 * The files of the origin (OPFS) as a tree of directories that behaves as on Linux, in the worker that serves them. Each file that
 * is open has one access handle, however often it is open; whoever else opens it meanwhile gets EBUSY.
 */
import type { WorkerHost } from '../hosts/host.js';
import { diskError as failed, Mode } from './disk.js';
import { isTooLong } from './disk-files.js';
import { parseFdPath } from './fd-path.js';
import { FIRST_OPFS_FD, type OpfsCall } from './opfs-channel.js';
import { isBelow, joined, now, OpfsEntries, split, type Entry } from './opfs-entries.js';
import type { SentFacts } from './opfs-files.js';
import { O_PATH } from './parents.js';
import type { RemovedFile } from './removed-file.js';

interface Opened {
  readonly entry: Entry;
  readonly flags: number;
  /** It is a user of the entry's content. */
  readonly uses: boolean;
}

/** A place of the tree; asksDirectory: the path ended with a slash. */
interface Place {
  path: string;
  asksDirectory: boolean;
  /** The open file that the path consists of. */
  opened: Entry | undefined;
}

/** Linux's flags of open(), which are those of this file system. */
const O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0o100, O_EXCL = 0o200, O_TRUNC = 0o1000, O_APPEND = 0o2000, O_DIRECTORY = 0o200000;

export class OpfsTree {
  private readonly all: OpfsEntries;
  private readonly opened: (Opened | undefined)[] = [];

  /** data: where the bytes are that calls read and write. */
  constructor(private readonly host: WorkerHost, private readonly data: Uint8Array) {
    this.all = new OpfsEntries(host);
  }

  /** Opens the directories that the guest gets. Their fds begin with FIRST_OPFS_FD. */
  async openTops(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.opened.push({ entry: await this.all.openTop(path), flags: 0, uses: false });
  }

  /** Carries out a call. */
  call([name, ...args]: OpfsCall): unknown {
    return (this as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);
  }

  // ---- Places

  private at(fd: number): Opened {
    return this.opened[fd - FIRST_OPFS_FD] ?? this.bad();
  }

  private bad(): never {
    throw failed('EBADF');
  }

  private place(path: string): Place {
    const { fd, name: rest = '' } = parseFdPath(path) ?? this.bad();
    const { entry } = this.at(fd);
    const names = rest.split('/').filter((name) => name !== '' && name !== '.');
    if (names.length === 0) return { path: entry.path ?? '', asksDirectory: false, opened: entry };
    if (entry.path === undefined) throw failed('ENOENT');
    if (!entry.isDirectory) throw failed('ENOTDIR');
    if (names.some(isTooLong)) throw failed('ENAMETOOLONG');
    return { path: names.reduce(joined, entry.path), asksDirectory: rest.endsWith('/'), opened: undefined };
  }

  private async find(place: Place): Promise<Entry | undefined> {
    return place.opened ?? this.all.find(place.path);
  }

  private async existing(place: Place): Promise<Entry> {
    return this.checked(place, await this.find(place));
  }

  private checked(place: Place, entry: Entry | undefined): Entry {
    if (!entry) throw failed('ENOENT');
    if (place.asksDirectory && !entry.isDirectory) throw failed('ENOTDIR');
    return entry;
  }

  private content(fd: number): Opened & { handle: number | undefined; removed: RemovedFile | undefined } {
    const opened = this.at(fd);
    const { entry: { isDirectory, handle, removed } } = opened;
    if (isDirectory) throw failed('EISDIR');
    if (!opened.uses || (handle === undefined && !removed)) throw failed('EBADF');
    return { ...opened, handle, removed };
  }

  // ---- The calls (OpfsFiles)

  async open(path: string, flags: number, permissions: number): Promise<number> {
    const place = this.place(path);
    const writes = (flags & (O_WRONLY | O_RDWR)) !== 0;
    let entry = await this.find(place);
    if (entry && flags & O_CREAT && flags & O_EXCL) throw failed('EEXIST');
    if (!entry) {
      if (!(flags & O_CREAT) || place.asksDirectory) throw failed('ENOENT');
      await this.all.file(place.path, true);
      this.all.changed(place.path);
      entry = this.all.entry(place.path, false, permissions);
    }
    if ((place.asksDirectory || flags & O_DIRECTORY) && !entry.isDirectory) throw failed('ENOTDIR');
    if (entry.isDirectory && (writes || flags & O_CREAT)) throw failed('EISDIR');
    const uses = !entry.isDirectory && !(flags & O_PATH);
    if (uses) await this.all.use(entry);
    const free = this.opened.indexOf(undefined);
    const index = free < 0 ? this.opened.length : free;
    this.opened[index] = { entry, flags, uses };
    const fd = FIRST_OPFS_FD + index;
    if (uses && writes && flags & O_TRUNC) await this.truncate(fd, 0);
    return fd;
  }

  async close(fd: number): Promise<void> {
    const { entry, uses } = this.at(fd);
    this.opened[fd - FIRST_OPFS_FD] = undefined;
    if (uses && --entry.users === 0) await this.all.closeContent(entry);
  }

  read(fd: number, length: number, position: number): number {
    const { handle, removed } = this.content(fd);
    const count = removed ? removed.read(this.data.subarray(0, length), position) : this.host.pread(handle ?? -1, this.data, 0, length, position);
    if (typeof count === 'string') throw failed(count);
    return count;
  }

  async write(fd: number, length: number, position: number): Promise<number> {
    const { entry, flags, handle, removed } = this.content(fd);
    const start = flags & O_APPEND ? await this.all.size(entry) : position;
    const count = removed ? removed.write(this.data.subarray(0, length), start) : this.host.pwrite(handle ?? -1, this.data, 0, length, start);
    if (typeof count === 'string') throw failed(count);
    entry.modify = now();
    return count;
  }

  sync(fd: number): void {
    const { entry: { handle } } = this.at(fd);
    const error = handle === undefined ? undefined : this.host.fdatasync(handle);
    if (error) throw failed(error);
  }

  async truncate(fd: number, size: number): Promise<void> {
    const { entry } = this.content(fd);
    await this.all.truncate(entry, size);
    entry.modify = now();
  }

  async stat(path: string, mustExist: boolean): Promise<SentFacts | undefined> {
    const place = this.place(path);
    const found = await this.find(place);
    if (!found && !mustExist) return undefined;
    const entry = this.checked(place, found);
    const { ino, isDirectory, permissions, access } = entry;
    const size = isDirectory ? 0 : await this.all.size(entry);
    entry.modify ??= BigInt((await (await this.all.file(entry.path ?? '')).getFile()).lastModified) * 1_000_000n;
    const modify = String(entry.modify);
    return {
      dev: 1, ino, mode: (isDirectory ? Mode.directory : Mode.file) | permissions, nlink: entry.path === undefined ? 0 : isDirectory ? 2 : 1,
      size, blocks: Math.ceil(size / 512), atimeNs: String(access), mtimeNs: modify, ctimeNs: modify,
    };
  }

  async space(): Promise<{ bavail: number; bsize: number }> {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    return { bavail: Math.max(0, Math.floor((quota - usage) / 4096)), bsize: 4096 };
  }

  async setMode(path: string, mode: number): Promise<void> {
    (await this.existing(this.place(path))).permissions = mode & 0o7777;
  }

  async setTimes(path: string, access: string | null, modify: string | null): Promise<void> {
    const entry = await this.existing(this.place(path));
    if (access !== null) entry.access = BigInt(access);
    if (modify !== null) entry.modify = BigInt(modify);
  }

  async placeOf(path: string): Promise<string> {
    const place = this.place(path);
    const entry = await this.existing(place);
    if (!place.opened) throw failed('EINVAL');
    if (entry.path === undefined) throw failed('ENOENT');
    return `/${entry.path}`;
  }

  async list(path: string): Promise<string[]> {
    const entry = await this.existing(this.place(path));
    if (!entry.isDirectory) throw failed('ENOTDIR');
    const names: string[] = [];
    if (entry.path !== undefined) for await (const name of (await this.all.directory(entry.path)).keys()) names.push(name);
    return names;
  }

  async makeDirectory(path: string, permissions: number): Promise<void> {
    const place = this.place(path);
    if (await this.find(place)) throw failed('EEXIST');
    const { parent, name } = split(place.path);
    await (await this.all.directory(parent)).getDirectoryHandle(name, { create: true });
    this.all.entry(place.path, true, permissions);
    this.all.changed(place.path);
  }

  /** The origin has no links, neither symbolic nor hard ones: they are refused as Linux does on such file systems. */
  async refuseLink(path: string): Promise<never> {
    const place = this.place(path);
    throw failed((await this.find(place)) ? 'EEXIST' : 'EPERM');
  }

  async removeFile(path: string): Promise<void> {
    const entry = await this.existing(this.place(path));
    if (entry.isDirectory) throw failed('EISDIR');
    await this.all.keepContent(entry);
    await this.remove(entry.path ?? '');
  }

  async removeDirectory(path: string): Promise<void> {
    const place = this.place(path);
    const entry = await this.existing(place);
    if (!entry.isDirectory) throw failed('ENOTDIR');
    if ((await this.list(path)).length > 0) throw failed('ENOTEMPTY');
    await this.remove(place.path);
  }

  private async remove(path: string): Promise<void> {
    const { parent, name } = split(path);
    await (await this.all.directory(parent)).removeEntry(name);
    this.all.forget(path);
    this.all.changed(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.place(from), this.place(to)];
    const moved = await this.existing(source);
    const old = await this.all.find(target.path);
    // In the order of Linux.
    if (target.asksDirectory && !moved.isDirectory) throw failed('ENOTDIR');
    if (source.path === target.path) return;
    if (isBelow(target.path, source.path)) throw failed('EINVAL');
    if (isBelow(source.path, target.path)) throw failed('ENOTEMPTY');
    if (old && !old.isDirectory && moved.isDirectory) throw failed('ENOTDIR');
    if (old?.isDirectory && !moved.isDirectory) throw failed('EISDIR');
    if (old?.isDirectory) await this.removeDirectory(to);
    else if (old) await this.all.keepContent(old);
    if (old) this.all.forget(target.path);
    if (moved.isDirectory) await this.moveDirectory(source.path, target.path);
    else await this.moveFile(source.path, target.path);
    this.all.changed(source.path);
    this.all.changed(target.path);
  }

  /** Moves a file, which may be open and may replace another one. */
  private async moveFile(from: string, to: string): Promise<void> {
    const entry = this.all.entry(from, false);
    const { parent, name } = split(to);
    const [file, directory] = [await this.all.file(from), await this.all.directory(parent)];
    await this.all.closeContent(entry);
    try {
      if (file.move) {
        await file.move(directory, name);
      } else {
        const copy = await directory.getFileHandle(name, { create: true });
        const writable = await copy.createWritable();
        await (await file.getFile()).stream().pipeTo(writable);
        const { parent: old, name: oldName } = split(from);
        await (await this.all.directory(old)).removeEntry(oldName);
      }
      this.all.rekey(from, to);
    } finally {
      if (entry.users > 0) await this.all.openContent(entry);
    }
  }

  /** Moves a directory file by file, because most browsers can do no more. */
  private async moveDirectory(from: string, to: string): Promise<void> {
    const { parent, name } = split(to);
    await (await this.all.directory(parent)).getDirectoryHandle(name, { create: true });
    const old = await this.all.directory(from);
    for await (const child of old.keys()) {
      const [childFrom, childTo] = [joined(from, child), joined(to, child)];
      const isDirectory = (await this.all.find(childFrom))?.isDirectory;
      if (isDirectory) await this.moveDirectory(childFrom, childTo);
      else await this.moveFile(childFrom, childTo);
    }
    const above = split(from);
    await (await this.all.directory(above.parent)).removeEntry(above.name);
    this.all.rekey(from, to);
    this.all.forgetDirectories(from);
  }

  /** Closes all files. */
  end(): Promise<void> {
    return this.all.end();
  }
}
