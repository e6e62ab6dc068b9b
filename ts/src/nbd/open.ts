// SPDX-License-Identifier: MIT
/** The owner's side of NBD: opens exports as files. Loaded by the first open() of an NBD URL. */
import type { OpenOptions } from '../api/file.js';
import type { FileTable } from '../api/file-table.js';
import { OpenFile, type OpenFiles, type RequestServer } from '../api/open-file.js';
import { AioError, unlessClosed } from '../errors.js';
import type { NbdExport, NbdTarget } from './target.js';
import { placeOf } from './url.js';

const READ_ONLY = 2;
/** NbdClientOptions.reconnect_delay_ms has at most so many. */
const LONGEST_MS = 0x7fffffff;

/** How the IOThread is asked to open and close an export. */
export interface NbdCalls {
  open(target: NbdTarget): Promise<NbdExport>;
  close(handle: number): Promise<void>;
  /** Why a request has ended with this errno, if a connection was lost by it. */
  why(handle: number, errno: string): Promise<string | undefined>;
}

/** Opens the export that an URL names. The options have been checked, each by itself. */
export async function openExport(table: FileTable, ioThread: RequestServer, calls: NbdCalls, url: string, options: OpenOptions): Promise<OpenFile> {
  const { aio = 'nbd', aioMaxBatch = 0, create = false, write = false, connections = 1, reconnectDelay = 10_000, requestTimeout = 30_000, tls } = options;
  const place = placeOf(url);
  const refuse = (why: string): never => {
    throw new AioError('ERR_AIO_INVALID_ARG', `${url}: ${why}`);
  };
  if (aio !== 'nbd') refuse(`aio '${aio}' serves files of this machine: leave the option away, or say 'nbd'`);
  if (create) refuse('an export cannot be created from here (create): the server has to have it');
  if (tls && !place.tls) refuse('the option tls needs nbds:// instead of nbd://');
  const ms = (value: number): number => Math.min(Math.ceil(value), LONGEST_MS);
  const info = await calls.open({
    url, name: place.name, socket: place.socket, ...(place.tls && { tls: tls ?? {} }),
    connections, reconnectDelay: ms(reconnectDelay), requestTimeout: ms(requestTimeout),
  });
  const { handle, size, flags } = info;
  const end = (): Promise<void> => calls.close(handle);
  try {
    // The IOThread may have been closed meanwhile.
    ioThread.assertOpen();
    if (write && flags & READ_ONLY) throw new AioError('ERR_AIO_IO', `${url}: the server lets it only be read: open it without { write: true }`, { errno: 'EROFS' });
    if (size > Number.MAX_SAFE_INTEGER) throw new AioError('ERR_AIO_IO', `${url}: it has more than 2^53 - 1 bytes`, { errno: 'EFBIG' });
  } catch (error) {
    end().catch(() => {});
    throw error;
  }
  const files: OpenFiles = {
    core: table.core,
    memory: table.memory,
    get over() {
      return table.over;
    },
    async control(...[what, call]) {
      if (call === 'stat') return { size, mtimeMs: 0 } as never;
      throw new AioError('ERR_AIO_UNSUPPORTED', `${what}: an export has the size that its server gives it`);
    },
    async explain(error) {
      const { code, errno = '', message } = error;
      // The request has failed in any case, even if the IOThread cannot say why.
      const why = code === 'ERR_AIO_IO' && (await calls.why(handle, errno).catch(() => ''));
      return why ? new AioError(code, `${message}: ${why}`, { errno }) : error;
    },
    async release(file) {
      // An IOThread that ends closes its exports itself.
      if (table.forget(file as OpenFile) && !ioThread.isLost) await end().catch(unlessClosed);
    },
  };
  const file = OpenFile.opened(files, ioThread, url, { handle, size }, { write, create }, { aio: 'nbd', aioMaxBatch });
  table.adopt(file);
  return file;
}
