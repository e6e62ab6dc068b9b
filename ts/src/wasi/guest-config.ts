// SPDX-License-Identifier: MIT
/** What every thread of a guest gets when it starts. It can be posted to workers. */
export interface GuestConfig {
  /** Which guest of its owner's thread this is. */
  readonly guest: number;
  readonly args: readonly string[];
  /** The environment, `NAME=VALUE` each. */
  readonly env: readonly string[];
  /** The guest's paths of the preopened directories, in the order of their fds. */
  readonly preopens: readonly string[];
  readonly buffer: SharedArrayBuffer;
  /** The disk of the directories that are in memory; undefined if there are none. */
  readonly disk: SharedArrayBuffer | undefined;
  /** The folder of procfs that shows the process's fds; undefined where there is none, or no directory of the host is used. */
  readonly fdFolder: string | undefined;
  /** Where things were opened, on a host without procfs; undefined elsewhere. */
  readonly places: SharedArrayBuffer | undefined;
  /** The channel to the worker that serves directories of the origin; undefined if there are none. */
  readonly opfs: SharedArrayBuffer | undefined;
  /** Where its poll_oneoff calls are recorded; undefined if they are not. */
  readonly polls: SharedArrayBuffer | undefined;
}
