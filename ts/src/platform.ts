// SPDX-License-Identifier: MIT
/**
 * Types of objects of the platform, with the members that the package uses. The objects of the DOM and of Node are
 * assignable to them, so that the package's declarations need neither library.
 */

/** An `AbortSignal` of the platform, or an object with the same members. */
export interface AbortSignalLike {
  /** Whether the signal has been aborted. */
  readonly aborted: boolean;
  /** The value that an aborted operation rejects with. */
  readonly reason: unknown;
  /** Throws {@link reason} if the signal has been aborted. */
  throwIfAborted(): void;
  /** Calls the listener when the signal is aborted. */
  addEventListener(type: 'abort', listener: () => void, options?: {
    /** Whether the listener is removed after its first call. */
    once?: boolean;
  }): void;
  /** Removes a listener that was added by addEventListener(). */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** An `AbortSignal` of the platform, where the types of the platform have that class. */
export type PlatformSignal = typeof globalThis extends { AbortSignal: { prototype: infer Instance } } ? Instance : AbortSignalLike;

/** A `URL` of the platform. */
export interface URLLike {
  /** The address as text. */
  readonly href: string;
  /** The parameters of the address; not used by the package, but it tells a URL from other objects. */
  readonly searchParams: object;
}

/** A `MessagePort` of the platform. */
export interface MessagePortLike {
  /** Sends a message to the other port. */
  postMessage(message: unknown): void;
  /** Disconnects this port from the other one. */
  close(): void;
}

/** A `ReadableStream` of the platform, whose chunks are bytes. */
export interface ReadableStreamLike {
  /** Locks the stream and returns its reader. */
  getReader(): {
    /** Settles when the stream is closed or has failed. */
    readonly closed: Promise<unknown>;
    /** Resolves with the next chunk of bytes, or with the stream's end. */
    read(): Promise<{
      /** Whether the stream has ended, so that there is no chunk. */
      done: boolean;
      /** The chunk of bytes. */
      value?: Uint8Array | undefined;
    }>;
    /** Tells the stream that nobody reads it any more. */
    cancel(reason?: unknown): Promise<unknown>;
  };
}

/** A `WritableStream` of the platform, whose chunks are bytes. */
export interface WritableStreamLike {
  /** Locks the stream and returns its writer. */
  getWriter(): {
    /** Settles when the stream is closed or has failed. */
    readonly closed: Promise<unknown>;
    /** Resolves when the stream can take a chunk without exceeding its queue. */
    readonly ready: Promise<unknown>;
    /** Writes a chunk of bytes. */
    write(chunk: Uint8Array): Promise<unknown>;
    /** Closes the stream after everything has been written. */
    close(): Promise<unknown>;
  };
}

/** An object of a class of the platform, where its types have that class. */
type PlatformObject<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : unknown;

/** A reader of a {@link ByteReadableStream}. */
export interface ByteStreamReader {
  /** Settles when the stream is closed or has failed. */
  readonly closed: Promise<unknown>;
  /** Resolves with the next chunk, or with the stream's end. */
  read(): Promise<{
    /** Whether the stream has ended, so that there is no chunk. */
    done: false;
    /** The chunk of bytes. */
    value: Uint8Array<ArrayBuffer>;
  } | {
    /** Whether the stream has ended, so that there is no chunk. */
    done: true;
    /** There is no chunk. */
    value: undefined;
  }>;
  /** Tells the stream that nobody reads it any more. */
  cancel(reason?: unknown): Promise<void>;
  /** Gives the stream free for another reader. */
  releaseLock(): void;
}

/** A `ReadableStream` of the platform, whose chunks are bytes in private memory. */
export type ByteReadableStream = {
  /** Whether a reader has locked the stream. */
  readonly locked: boolean;
  /** Locks the stream and returns its reader. */
  getReader(): ByteStreamReader;
  /** Tells the stream that nobody reads it any more. */
  cancel(reason?: unknown): Promise<void>;
  /** Yields the chunks, on platforms whose streams can be iterated; leaving the loop cancels the stream. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>>;
} & PlatformObject<'ReadableStream'>;

/** A writer of a {@link ByteWritableStream}. */
export interface ByteStreamWriter {
  /** Settles when the stream is closed or has failed. */
  readonly closed: Promise<unknown>;
  /** How many more chunks the stream takes before it makes the writer wait. */
  readonly desiredSize: number | null;
  /** Resolves when the stream can take a chunk. */
  readonly ready: Promise<unknown>;
  /** Writes a chunk of bytes. */
  write(chunk: Uint8Array): Promise<void>;
  /** Closes the stream after everything has been written. */
  close(): Promise<void>;
  /** Gives the stream up. */
  abort(reason?: unknown): Promise<void>;
  /** Gives the stream free for another writer. */
  releaseLock(): void;
}

/** A `WritableStream` of the platform, whose chunks are bytes. */
export type ByteWritableStream = {
  /** Whether a writer has locked the stream. */
  readonly locked: boolean;
  /** Locks the stream and returns its writer. */
  getWriter(): ByteStreamWriter;
  /** Closes the stream after everything has been written. */
  close(): Promise<void>;
  /** Gives the stream up. */
  abort(reason?: unknown): Promise<void>;
} & PlatformObject<'WritableStream'>;

/** An object of a class of WebAssembly's, where the types of the platform have that class. */
export type WebAssemblyObject<Name extends string> =
  typeof globalThis extends { WebAssembly: Record<Name, { prototype: infer Instance }> } ? Instance : object;

/** An object of a class of the platform's, where the types of the platform have that class. */
export type GlobalObject<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : object;
