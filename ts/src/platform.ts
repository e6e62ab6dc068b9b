// SPDX-License-Identifier: MIT
/**
 * Objects of the platform, by what is used of them. The DOM's and Node's are assignable to these types, so that
 * the package's declarations need neither library.
 */

/** An AbortSignal. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A URL. */
export interface URLLike {
  readonly href: string;
  readonly searchParams: object;
}

/** A MessagePort. */
export interface MessagePortLike {
  postMessage(message: unknown): void;
  close(): void;
}

/** A ReadableStream of bytes. */
export interface ReadableStreamLike {
  getReader(): {
    readonly closed: Promise<unknown>;
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<unknown>;
  };
}

/** A WritableStream of bytes. */
export interface WritableStreamLike {
  getWriter(): {
    readonly closed: Promise<unknown>;
    readonly ready: Promise<unknown>;
    write(chunk: Uint8Array): Promise<unknown>;
    close(): Promise<unknown>;
  };
}
