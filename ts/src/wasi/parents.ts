// SPDX-License-Identifier: MIT
import type { Descriptor, FileSystem } from './descriptor.js';
import { at, fdPath } from './fd-path.js';
import type { Shared } from './shared.js';

/** Linux's flag for an fd that only stands for a place in the tree, whatever the permissions there are. */
export const O_PATH = 0o10000000;

/** The most symbolic links that a thread remembers. */
const MAX_LINKS_KNOWN = 256;

/** The most directories that a thread keeps open. At least two, which renaming uses at once. */
const MAX_KEPT = 64;

interface Kept {
  fd: number;
  slot: number;
  /** Where the directory was found. */
  place: string;
}

/**
 * Finds the directories that paths lead through, with one open() of the whole path. The system follows symbolic links on the way,
 * so what it found is used only if procfs says that it is where the path names it: its place has to be the place of the
 * descriptor, followed by the path. Then no link was followed, or none that made a difference.
 *
 * The directories remain open, and are used again as long as they are still in the same place.
 */
export class Parents {
  /** By descriptor and path, the one that was used last at the end. */
  private readonly kept = new Map<string, Kept>();
  private last: Kept | undefined;
  /** The descriptors and paths of symbolic links. */
  private readonly links = new Set<string>();

  constructor(private readonly fs: FileSystem, private readonly shared: Shared) {}

  /**
   * Returns an fd of the directory at a path below a directory; undefined if that cannot be said without walking along the path.
   * path: components that are neither empty nor `.` nor `..`. The fd may be used until the call after the next one.
   */
  find(start: Descriptor, path: string): number | undefined {
    const key = `${start.serial}/${path}`;
    const known = this.kept.get(key);
    if (known) {
      const isThere = this.placeOf(known.fd) === known.place;
      if (isThere && known === this.last) return known.fd;
      this.kept.delete(key);
      if (isThere) {
        this.kept.set(key, (this.last = known));
        return known.fd;
      }
      this.drop(known);
    }
    const { O_DIRECTORY } = this.fs.constants;
    let fd: number;
    try {
      fd = this.fs.openSync(at(start.hostFd, path), O_PATH | O_DIRECTORY);
    } catch {
      return undefined;
    }
    const place = this.placeOf(fd);
    const top = this.placeOf(start.hostFd);
    // Different names that are not UTF-8 would look the same here.
    if (!top || place !== `${top === '/' ? '' : top}/${path}` || place.includes('\ufffd')) {
      this.fs.closeSync(fd);
      return undefined;
    }
    this.keep(key, fd, place);
    return fd;
  }

  /** Whether the path was that of a symbolic link when it was used last: reading it first then takes less time than an error. */
  wasLink(start: Descriptor, path: string): boolean {
    return this.links.size > 0 && this.links.has(`${start.serial}/${path}`);
  }

  noteLink(start: Descriptor, path: string): void {
    if (this.links.size >= MAX_LINKS_KNOWN) this.links.clear();
    this.links.add(`${start.serial}/${path}`);
  }

  forgetLink(start: Descriptor, path: string): void {
    this.links.delete(`${start.serial}/${path}`);
  }

  /** Where an open directory is; undefined where that cannot be told. */
  private placeOf(fd: number): string | undefined {
    try {
      return this.fs.readlinkSync(fdPath(fd));
    } catch {
      return undefined;
    }
  }

  private keep(key: string, fd: number, place: string): void {
    if (this.kept.size >= MAX_KEPT) {
      const [oldest] = this.kept;
      if (oldest) {
        this.kept.delete(oldest[0]);
        this.drop(oldest[1]);
      }
    }
    this.kept.set(key, (this.last = { fd, slot: this.shared.keepFd(fd), place }));
  }

  private drop({ fd, slot }: Kept): void {
    if (this.shared.forgetFd(slot, fd)) this.fs.closeSync(fd);
  }

  /** Called when the thread ends. */
  close(): void {
    for (const known of this.kept.values()) this.drop(known);
    this.kept.clear();
  }
}
