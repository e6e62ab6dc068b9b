// SPDX-License-Identifier: MIT
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { basename } from 'node:path';
import type { Core } from '../runtime/core.js';
import type { Loops, LoopsReport } from '../trace/loops.js';
import type * as loops from '../trace/loops.js';
import { VERSION } from '../version.js';
import { listenAtPath } from './socket-path.js';

/** What a program answers, in a line of JSON, to each line that `wasm-aio top` sends it. */
export interface TopAnswer {
  /** The version of the package of the program. */
  wasmAio: string;
  program: string;
  pid: number;
  /** Undefined: it has no loops, since its main() has not begun or aiocc has not built it. */
  report?: LoopsReport;
}

/** The option `--top=SOCKET`: answers what `wasm-aio top SOCKET` asks. */
export class TopServer {
  readonly #sockets = new Set<Socket>();
  #loops: Loops | undefined;
  #server: Server | undefined;
  readonly #remove = (): void => rmSync(this.path, { force: true });

  private constructor(private readonly path: string, private readonly program: string, private readonly code: typeof loops) {}

  /** Listens. A socket that a program has left, which was killed, is replaced. @throws AioError ERR_AIO_IO */
  static async listen(path: string, program: string): Promise<TopServer> {
    const server = new TopServer(path, basename(program), await import('../trace/loops.js'));
    await listenAtPath('--top', path, () => server.#listen());
    process.once('exit', server.#remove);
    return server;
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#serve(socket)).once('error', reject);
      server.listen(this.path, () => resolve());
      // The program alone keeps the process alive.
      this.#server = server.unref();
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const gone = (): void => void this.#sockets.delete(socket);
    socket.unref().on('error', gone).on('close', gone).on('data', (bytes) => {
      // Whoever does not read the answers gets none more.
      for (const byte of bytes) if (byte === 10 && socket.writableLength === 0) socket.write(`${JSON.stringify(this.#answer())}\n`);
    });
  }

  #answer(): TopAnswer {
    return { wasmAio: VERSION, program: this.program, pid: process.pid, ...(this.#loops && { report: this.#loops.report() }) };
  }

  /** describe: says what a descriptor of the program is. */
  begin(core: Core, describe: (fd: number) => string | undefined): void {
    this.#loops = new this.code.Loops(core, describe);
  }

  /** Returns false if begin() was not called. */
  end(): boolean {
    this.#loops?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
    this.#remove();
    return this.#loops !== undefined;
  }
}
