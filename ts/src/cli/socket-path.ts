// SPDX-License-Identifier: MIT
import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { AioError, hostErrno, messageOf } from '../errors.js';

/**
 * Listens at a socket of the file system, by listen(). A socket that a killed program has left is replaced; one where another program
 * listens is not, nor is any other file. option: as the message names it, such as `--unix`.
 * @throws AioError ERR_AIO_IO
 */
export async function listenAtPath(option: string, path: string, listen: () => Promise<void>): Promise<void> {
  const isSocket = (): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  try {
    await listen().catch(async (error: unknown) => {
      if (hostErrno(error) !== 'EADDRINUSE' || !isSocket() || (await isListening(path))) throw error;
      rmSync(path);
      await listen();
    });
  } catch (cause) {
    if (cause instanceof AioError) throw cause;
    const why = hostErrno(cause) !== 'EADDRINUSE' ? messageOf(cause)
      : isSocket() ? 'another program listens there: choose another name' : 'there is a file of that name, which is no socket: choose another name';
    throw new AioError('ERR_AIO_IO', `${option}=${path}: ${why}`, { cause });
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(hostErrno(error) !== 'ECONNREFUSED'));
  });
}
