// SPDX-License-Identifier: MIT
/** An NBD server in this process, whose file is memory that the test controls. */
import { afterAll, afterEach } from '@jest/globals';
import { join } from 'node:path';
import type { NbdServer, NbdServerOptions } from '../../../dist/nbd-server/server.js';
import { scratch } from './child.js';
import { dist } from './paths.js';

/** A file whose requests end when the test says so, if it wants to. */
export class MemoryFile {
  readonly path = 'disk.img';
  readonly content: Buffer;
  /** Of all requests, in the order in which they began: `read 0+512`. */
  readonly began: string[] = [];
  /** Those that have not ended, by the same names. */
  readonly held = new Map<string, () => void>();
  isHolding = false;
  /** The errno with which the next requests fail. */
  error: { code: string; errno?: string } | undefined;
  #told: (() => void) | undefined;

  constructor(readonly size: number) {
    this.content = Buffer.from(Array.from({ length: Math.min(size, 65536) }, (_, n) => (n * 7) & 255));
  }

  async #request(name: string): Promise<void> {
    this.began.push(name);
    this.#told?.();
    if (this.isHolding) await new Promise<void>((resolve) => this.held.set(name, resolve));
    if (this.error) throw Object.assign(new Error(`${this.path}: ${name}: ${this.error.errno}`), { name: 'AioError' }, this.error);
  }

  /** Resolves when so many requests have begun. */
  async hasBegun(count: number): Promise<void> {
    while (this.began.length < count) await new Promise<void>((resolve) => (this.#told = resolve));
  }

  release(name: string): void {
    const end = this.held.get(name);
    if (!end) throw new Error(`${name} is not held, but ${[...this.held.keys()].join(', ')}`);
    this.held.delete(name);
    end();
  }

  releaseAll(): void {
    this.isHolding = false;
    for (const name of this.held.keys()) this.release(name);
  }

  async read(offset: number, target: number | Uint8Array): Promise<number | Uint8Array> {
    const length = typeof target === 'number' ? target : target.length;
    await this.#request(`read ${offset}+${length}`);
    const part = this.content.subarray(offset, offset + length);
    if (typeof target === 'number') return Uint8Array.from(part);
    target.set(part);
    return length;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const kept = Uint8Array.from(data);
    await this.#request(`write ${offset}+${data.length}`);
    // Beyond what it has in memory nothing is kept.
    this.content.set(kept.subarray(0, Math.max(this.content.length - offset, 0)), offset);
  }

  flush(): Promise<void> {
    return this.#request('flush');
  }
}

export interface Running {
  server: NbdServer;
  file: MemoryFile;
  path: string;
  /** What the server has said of its connections. */
  said: string[];
  /** Resolves with the first sentence that matches, of those that were said or will be. */
  says(words: RegExp): Promise<string>;
}

let count = 0;

type Options = Partial<NbdServerOptions> & { size?: number; isReadOnly?: boolean; name?: string };

/** Returns what starts a server, which ends with the test. */
export function nbdServers(): (options?: Options) => Promise<Running> {
  const dir = scratch();
  let running: Running | undefined;
  afterAll(dir.remove);
  afterEach(async () => {
    running?.file.releaseAll();
    await running?.server.close();
  });
  return async (options) => (running = await startServer(dir.path, options));
}

/** Starts a server at a socket in a directory. */
async function startServer(dir: string, { size = 65536, isReadOnly = false, name = '', ...options }: Options = {}): Promise<Running> {
  const { NbdServer: Server } = (await import(dist('nbd-server/server.js'))) as { NbdServer: typeof NbdServer };
  const file = new MemoryFile(size);
  const said: string[] = [];
  let tell: (() => void) | undefined;
  const zeros = { length: 4096, bytes: new Uint8Array(4096) } as unknown as NbdServerOptions['zeros'];
  const server = new Server({
    exported: { name, size, isReadOnly }, files: [file] as unknown as NbdServerOptions['files'], zeros, maxConnections: 20, timeout: 60_000,
    report: (why) => {
      said.push(why);
      tell?.();
    },
    ...options,
  });
  const path = join(dir, `s${count++}`);
  await server.listen({ path });
  const says = async (words: RegExp): Promise<string> => {
    for (;;) {
      const found = said.find((sentence) => words.test(sentence));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (tell = resolve));
    }
  };
  return { server, file, path, said, says };
}
