// SPDX-License-Identifier: MIT
import type { StreamSource } from './stream.js';

/** A standard stream: this process's own, none, a stream, or (input) its bytes. */
export type Standard = 'inherit' | 'closed' | StreamSource | Uint8Array | string;

export interface GuestOptions {
  /** What main() gets; the first is the program's name. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Directories that the guest may use, host's by guest's name: { '/': 'data' }. */
  dirs?: Readonly<Record<string, string>>;
  stdin?: Standard;
  stdout?: Standard;
  stderr?: Standard;
  /** Sockets that listen, `HOST:PORT` each. Their fds follow those of the directories, which begin with 3. */
  listen?: readonly string[];
  /** Streams that the guest reads and writes; their fds follow those of the sockets. */
  streams?: readonly StreamSource[];
}
