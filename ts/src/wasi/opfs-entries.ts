// SPDX-License-Identifier: MIT
/**
 * What is in the files of the origin (OPFS), as far as a guest has seen it. The origin stores names and contents only, so inode
 * numbers, permissions, and times that were set hold as long as the guest.
 */
import { hostErrno } from '../errors.js';
import { originDirectory } from '../hosts/origin.js';
import type { FileControl, WorkerHost } from '../hosts/host.js';
import { diskError as failed } from './disk.js';
import { RemovedFile } from './removed-file.js';

/** What TypeScript's library does not declare. */
interface File extends FileSystemFileHandle {
  move?(to: FileSystemDirectoryHandle, name: string): Promise<void>;
}

/** Something in the tree that the guest has seen. */
export interface Entry {
  readonly ino: number;
  readonly isDirectory: boolean;
  /** Where it is; undefined after it was removed. */
  path: string | undefined;
  permissions: number;
  access: bigint;
  /** undefined: as the origin knows it. */
  modify: bigint | undefined;
  /** How often its content is open. */
  users: number;
  /** The host's handle of its content, while that is open. */
  handle: number | undefined;
  /** The content of a file that was removed while it was open. */
  removed: RemovedFile | undefined;
}

export const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
export const split = (path: string): { parent: string; name: string } => {
  const at = path.lastIndexOf('/');
  return { parent: path.slice(0, Math.max(0, at)), name: path.slice(at + 1) };
};
export const joined = (parent: string, name: string): string => (parent === '' ? name : `${parent}/${name}`);
export const isBelow = (path: string, other: string): boolean => path === other || path.startsWith(other === '' ? '' : `${other}/`);

/** The errno's name for an error of the origin's files. */
export const errnoOf = (error: unknown): string => (error instanceof TypeError ? 'EINVAL' : hostErrno(error));

/** Calls work(); another kind of file where a directory or a file is wanted is this error. */
export async function wanting<T>(otherKind: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw (error as { name?: unknown }).name === 'TypeMismatchError' ? failed(otherKind) : error;
  }
}

export class OpfsEntries {
  private readonly files: FileControl;
  private readonly entries = new Map<string, Entry>();
  private readonly directories = new Map<string, FileSystemDirectoryHandle>();
  private lastIno = 0;

  constructor(private readonly host: WorkerHost) {
    if (!host.files) throw failed('ENOSYS');
    this.files = host.files;
  }

  /** Opens a directory that the guest gets, and makes it if it is missing. */
  async openTop(path: string): Promise<Entry> {
    this.directories.set('', await originDirectory());
    let at = '';
    for (const name of path.split('/').filter((part) => part !== '')) {
      const directory = await this.directory(at);
      at = joined(at, name);
      this.directories.set(at, await wanting('ENOTDIR', () => directory.getDirectoryHandle(name, { create: true })));
    }
    return this.entry(at, true);
  }

  async directory(path: string): Promise<FileSystemDirectoryHandle> {
    const known = this.directories.get(path);
    if (known) return known;
    const { parent, name } = split(path);
    const above = await this.directory(parent);
    const found = await wanting('ENOTDIR', () => above.getDirectoryHandle(name));
    this.directories.set(path, found);
    return found;
  }

  async file(path: string, create = false): Promise<File> {
    const { parent, name } = split(path);
    return wanting('EISDIR', async () => (await this.directory(parent)).getFileHandle(name, { create }));
  }

  /** What is at a path; undefined if nothing is. */
  async find(path: string): Promise<Entry | undefined> {
    const known = this.entries.get(path);
    if (known?.handle !== undefined || (known?.isDirectory && this.directories.has(path))) return known;
    try {
      await this.file(path);
      return this.entry(path, false);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EISDIR') return this.entry(path, true);
      if (code !== 'ENOENT') throw error;
      // (Also if somebody else has removed the directory that it was in. Without that, the path leads nowhere.)
      const { parent } = split(path);
      this.forget(path);
      if (parent !== '' && !(await this.directory(parent).catch(() => undefined))) throw error;
      return undefined;
    }
  }

  /** The entry for what is at a path. */
  entry(path: string, isDirectory: boolean, permissions = isDirectory ? 0o755 : 0o644): Entry {
    const known = this.entries.get(path);
    if (known?.isDirectory === isDirectory) return known;
    const made: Entry = {
      ino: ++this.lastIno, isDirectory, path, permissions, access: now(), modify: isDirectory ? now() : undefined,
      users: 0, handle: undefined, removed: undefined,
    };
    this.entries.set(path, made);
    return made;
  }

  /** What was at a path is not there any more. */
  forget(path: string): void {
    const entry = this.entries.get(path);
    if (entry) entry.path = undefined;
    this.entries.delete(path);
    this.forgetDirectories(path);
  }

  /** A directory is not at its path any more, nor are those below it. */
  forgetDirectories(path: string): void {
    for (const known of this.directories.keys()) if (known !== '' && isBelow(known, path)) this.directories.delete(known);
  }

  /** The directory that a path is in was changed. */
  changed(path: string): void {
    const above = this.entries.get(split(path).parent);
    if (above) above.modify = now();
  }

  rekey(from: string, to: string): void {
    const entry = this.entries.get(from);
    if (!entry) return;
    this.entries.delete(from);
    this.entries.set(to, entry);
    entry.path = to;
  }

  // ---- Contents

  async use(entry: Entry): Promise<void> {
    entry.users++;
    try {
      await this.openContent(entry);
    } catch (error) {
      entry.users--;
      throw error;
    }
  }

  async openContent(entry: Entry): Promise<void> {
    if (entry.path === undefined || entry.handle !== undefined) return;
    entry.handle = (await this.files.open(entry.path, { write: true, create: false })).handle;
  }

  async closeContent(entry: Entry): Promise<void> {
    if (entry.handle !== undefined) await this.files.close(entry.handle);
    entry.handle = undefined;
  }

  /** Keeps the content of a file that is about to be removed, for those who have it open. */
  async keepContent(entry: Entry): Promise<void> {
    const { handle } = entry;
    if (handle === undefined) return;
    const bytes = new Uint8Array((await this.files.stat(handle)).size);
    const count = this.host.pread(handle, bytes, 0, bytes.length, 0);
    if (typeof count === 'string') throw failed(count);
    entry.removed = new RemovedFile(bytes);
    await this.closeContent(entry);
  }

  async size(entry: Entry): Promise<number> {
    if (entry.removed) return entry.removed.size;
    if (entry.handle !== undefined) return (await this.files.stat(entry.handle)).size;
    return entry.path === undefined ? 0 : (await (await this.file(entry.path)).getFile()).size;
  }

  async truncate({ handle, removed }: Entry, size: number): Promise<void> {
    if (removed) removed.resize(size);
    else await this.files.truncate(handle ?? -1, size);
  }

  /** Closes all files. */
  async end(): Promise<void> {
    for (const entry of this.entries.values()) await this.closeContent(entry);
  }
}
