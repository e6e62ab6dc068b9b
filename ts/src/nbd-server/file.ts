// SPDX-License-Identifier: MIT
/** What the server needs of the file that it exports. */

/** Memory from which and into which the file's requests go. */
export interface Block {
  readonly bytes: Buffer;
  free(): void;
}

/** The number of bytes, or the error of a request. An AioError of another kind than ERR_AIO_IO and ERR_AIO_NO_MEMORY means that no request can succeed. */
export type Ended = (result: number | Error) => void;

/** Offsets and lengths are in bytes. A request calls ended() once, after it has returned. */
export interface ServedFile {
  readonly path: string;
  /**
   * Returns memory for a request. If there is none, it returns undefined, and calls granted() later: with memory, when other
   * requests have ended; or with undefined, if there is not so much.
   */
  allocate(length: number, granted: (block: Block | undefined) => void): Block | undefined;
  /** Reads as many bytes as `into` has behind `from`, for `owner`; fewer only where the file ends. */
  read(offset: number, into: Buffer, from: number, owner: object, ended: Ended): void;
  /** Writes the first bytes of `data`. */
  write(offset: number, data: Buffer, length: number, ended: Ended): void;
  flush(owner: object, ended: Ended): void;
  /** The owner is gone. Those of its reads and flushes that have not begun end soon, as if they had failed. */
  forget(owner: object): void;
  /** Requests follow that may be submitted together, by unplug(). Calls nest. */
  plug(): void;
  unplug(): void;
  /** Memory whose content does not matter, for reads whose data nobody wants; and zeros. */
  readonly scratch: Buffer;
  readonly zeros: Buffer;
}
