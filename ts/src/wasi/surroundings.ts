// SPDX-License-Identifier: MIT
import type { DirectoryCalls } from './guest-thread.js';
import type { Endpoint } from './sockaddr.js';
import type { AioStream } from './stream.js';

/** A standard stream of this process, for a guest. */
export interface Inherited {
  /** The value of WASI's `filetype`. */
  type: number;
  isTerminal: boolean;
  /** The stream that has to be waited for; absent where the fd can be used directly. */
  stream?: AioStream;
  /**
   * A further fd of the same pipe, which does not block: the guest's threads read or write it themselves while the stream has none
   * of its bytes.
   */
  direct?: number;
}

/** The two addresses of a connection. */
export interface Ends {
  local: Endpoint;
  remote: Endpoint;
}

export interface Listening {
  readonly port: number;
  /** Stops listening. Existing connections stay open. */
  close(): void;
}

/** What guests get from this process and its operating system. */
export interface Surroundings {
  /** The fd 0, 1 or 2 of this process; undefined if it is closed. */
  inherit(fd: number): Inherited | undefined;
  /** Whether two fds of this process refer to the same file. */
  sameFile(one: number, other: number): boolean;
  /** The folder of procfs that shows this process's fds. Undefined where there is none: then paths are walked (walked-files.ts). */
  fdFolder(): string | undefined;
  /** Opens a directory. Returns its fd, and its place without symbolic links. @throws AioError ERR_AIO_IO, ERR_AIO_UNSUPPORTED */
  openDirectory(path: string): { fd: number; place: string };
  directoryCalls: DirectoryCalls;
  /** Where each thread of a guest is now, as text; empty where that cannot be found out. */
  stacks(guest: number): Promise<string[]>;
  /** The addresses of this machine; undefined where they are not told. */
  ownAddresses(): string[] | undefined;
  /** Listens for connections on an address. ipv6Only: `::` does not take those of IPv4. Rejects with AioError ERR_AIO_IO. */
  listen(host: string, port: number, ipv6Only: boolean, onConnection: (stream: AioStream, ends: Ends) => void): Promise<Listening>;
  /** Connects to an address, from a certain port if that is given. onLocal: is told the own address while the connection is made. Rejects with the host's error. */
  connect(host: string, port: number, localPort?: number, onLocal?: (local: Endpoint) => void): Promise<{ stream: AioStream; ends: Ends }>;
  /** Looks up the addresses of a host, in the family 4 or 6, or in both (0). Rejects with the host's error. */
  resolve(name: string, family: 0 | 4 | 6): Promise<string[]>;
}
