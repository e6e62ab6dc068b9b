// SPDX-License-Identifier: MIT
import type { SocketTarget, TlsOptions } from '../hosts/host.js';

/** What an IOThread is asked to connect to. */
export interface NbdTarget {
  /** The URL, for messages. */
  url: string;
  /** The name of the export; empty for the server's default. */
  name: string;
  socket: SocketTarget;
  /** The server has to agree to TLS (NBD_OPT_STARTTLS). */
  tls?: TlsOptions;
  connections: number;
  reconnectDelay: number;
  requestTimeout: number;
}

/** What the server has told about an export, and the number by which requests name it (RawAioOp.fd). */
export interface NbdExport {
  handle: number;
  size: number;
  /** NBD_FLAG_... of the protocol. */
  flags: number;
  minBlock: number;
  maxBlock: number;
}
