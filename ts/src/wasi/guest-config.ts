// SPDX-License-Identifier: MIT
/** What every thread of a guest is given when it starts; can be posted. */
export interface GuestConfig {
  readonly args: readonly string[];
  /** NAME=VALUE */
  readonly env: readonly string[];
  /** The guest's names of the preopened directories, by number. */
  readonly preopens: readonly string[];
  readonly buffer: SharedArrayBuffer;
}
