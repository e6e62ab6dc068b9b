// SPDX-License-Identifier: MIT
/** What every thread of a guest is given when it starts; can be posted. */
export interface GuestConfig {
  readonly args: readonly string[];
  /** NAME=VALUE */
  readonly env: readonly string[];
  /** The guest's names of the preopened directories, by number. */
  readonly preopens: readonly string[];
  readonly buffer: SharedArrayBuffer;
  /** Whether its module may read the host's fds by number: that of the library alone, which
   * gets them from TypeScript. */
  readonly hostFiles: boolean;
}
