// SPDX-License-Identifier: MIT
/** The host's paths that lead through an fd: procfs has a link for each fd of the process. */

/** Where the links are. /proc/self is itself a link, and following it takes 0.5 µs of each call. */
let folder = '/proc/self/fd';

/** Called in each thread of a guest, with what the owner has found: the folder of this process without a link. */
export function nameFdsBelow(path: string): void {
  folder = path;
}

/** The host's path of what an fd stands for. */
export const fdPath = (fd: number): string => `${folder}/${fd}`;

/** The host's path of a name in an open directory. */
export const at = (directory: number, name: string): string => `${folder}/${directory}/${name}`;

/** The fd and the name of such a path, for those who stand in for procfs; undefined for another path. */
export function parseFdPath(path: string): { fd: number; name: string | undefined } | undefined {
  const [, fd, name] = /^\/proc\/\w+\/fd\/(\d+)(?:\/(.*))?$/s.exec(path) ?? [];
  return fd === undefined ? undefined : { fd: Number(fd), name };
}
